use std::{
    fs::{self, Metadata},
    num::NonZeroU32,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread::{self, ScopedJoinHandle},
};

use ogg_opus_demux::OggOpusWriter;
use opus_encode::{Application, RateControl};
use opus_packet::{OpusTags, SAMPLE_RATE, Timeline};
use opus_transcode::{AudioFile, Transcoder};
use opus_zarr_store::{
    BlobWriter, Description, EncoderSettings, RecordingName, Source, Start, Store, StoredAs,
    Transcoding,
};

use super::{
    audio_track::{self, AudioTrack, findings},
    record::{SERIAL, counts, first_last, last_first, record, targets, write_error},
    same::{Held, compare},
};
use crate::{
    Error, Finding, ImportOptions, Imported,
    error::Reason,
    origin::Origin,
    progress::{Stage, Watch},
    source::SourceFile,
};

/// A file whose audio is not Opus.
pub(super) struct AudioSource<'a> {
    path: &'a Path,
    options: &'a ImportOptions,
    /// The tracks to import, counted from 1.
    tracks: Vec<u64>,
    /// Why others are left out.
    left_out: Vec<Finding>,
    /// The metadata of the file when it was opened.
    metadata: Metadata,
}

impl<'a> AudioSource<'a> {
    /// Opens a file. `of_opus` is to be reported about tracks with Opus.
    pub(super) fn open(
        path: &'a Path,
        options: &'a ImportOptions,
        of_opus: Vec<Finding>,
    ) -> Result<Self, Error> {
        let fault = |source| Error::from(Reason::OpenSource { path: path.to_owned(), source });
        let metadata = fs::metadata(path).map_err(fault)?;
        let of_audio =
            |reason| Error::from(Reason::Audio { path: path.to_owned(), source: reason });
        let (mut tracks, unusable) = AudioTrack::importable(path, options).map_err(of_audio)?;
        let unusable_numbers = unusable.iter().map(|finding| finding.stream);
        let last = tracks.iter().copied().chain(unusable_numbers).max();
        let mut left_out = [of_opus, unusable].concat();
        if let Some(asked) = options.stream {
            check_number(path, asked, last.unwrap_or(0))?;
            tracks.retain(|number| *number == asked);
            left_out.clear();
        }
        // Fail before the store changes.
        if tracks.is_empty() {
            let number = options.stream.unwrap_or(1);
            Track::open(path, options, number)?;
            let mut file = audio_track::open(path, options, number).map_err(of_audio)?;
            let mut frame = vec![0.0; file.channels()];
            file.read_samples(&mut frame).map_err(of_audio)?;
            return Err(nothing_to_play(path, number, &file));
        }
        let file = Self { path, options, tracks, left_out, metadata };
        if options.strict {
            file.refuse_violations()?
        }
        Ok(file)
    }

    /// Reads all samples before any is imported, since not all of several tracks must be.
    fn refuse_violations(&self) -> Result<(), Error> {
        let path = self.path;
        let of_audio = |source| Error::from(Reason::Audio { path: path.to_owned(), source });
        let mut findings = self.left_out.clone();
        for &number in &self.tracks {
            let mut track = AudioTrack::open(path, self.options, number).map_err(of_audio)?;
            track.read_to_end().map_err(of_audio)?;
            findings.extend(track.findings());
        }
        match findings.into_iter().find(|finding| finding.is_violation) {
            Some(finding) => Err(Error::from(Reason::Violation { path: path.to_owned(), finding })),
            None => Ok(()),
        }
    }

    pub(super) fn import(
        self,
        store: &Store,
        name: &RecordingName,
        watch: &mut Watch<'_>,
    ) -> Result<Imported, Error> {
        let is_given_up = &AtomicBool::new(false);
        thread::scope(|scope| {
            // Hashing reads the file a second time while it is encoded.
            let hash = move || SourceFile::open(self.path, is_given_up);
            let hashing = thread::Builder::new().spawn_scoped(scope, hash);
            let mut source = Hashed { running: hashing.ok(), hash, done: None };
            let imported = self.import_tracks(store, name, &mut source, watch);
            is_given_up.store(imported.is_err(), Ordering::Relaxed);
            imported
        })
    }

    fn import_tracks<'s>(
        &self,
        store: &Store,
        name: &RecordingName,
        source: &mut Hashed<'s, impl Fn() -> Result<SourceFile, Error>>,
        watch: &mut Watch<'_>,
    ) -> Result<Imported, Error> {
        let tracks = self.tracks.iter().copied();
        let targets =
            targets(name, tracks, store, self.path, self.options.replace, |number, found| {
                // Other lengths are other files, without waiting for the hash.
                if found.source.bytes != self.metadata.len() {
                    return Ok(Held::OtherFile);
                }
                compare(self.path, &source.get()?.sha256(), Some(number), self.options, found)
            })?;
        let (earlier, replaced) = counts(&targets);
        let (mut recordings, mut starts, mut findings) = (Vec::new(), Vec::new(), Vec::new());
        for target in first_last(targets.into_iter()) {
            let mut track = Track::open(self.path, self.options, target.stream)?;
            let exact = track.is_to_be_exact(self.options);
            let options = self.options;
            let (recording, start) =
                record(self.path, store, target, exact, options, watch, |blob, watch| {
                    watch.begin(Stage::Write, self.metadata.len())?;
                    let timeline = track.write(blob, self.path, watch)?;
                    let source = source.get()?;
                    self.check_unchanged()?;
                    track.describe(timeline, source)
                })?;
            recordings.push(recording);
            starts.extend(start);
            findings.push(track.findings());
        }
        let findings = last_first(findings).into_iter().flatten();
        let findings = findings.chain(self.left_out.iter().cloned()).collect();
        Ok(Imported { recordings: last_first(recordings), earlier, replaced, starts, findings })
    }

    /// Checks by length and modification time that the file has not changed.
    fn check_unchanged(&self) -> Result<(), Error> {
        let fault = |source| Error::from(Reason::OpenSource { path: self.path.to_owned(), source });
        let now = fs::metadata(self.path).map_err(fault)?;
        let is_same = now.len() == self.metadata.len()
            && now.modified().ok() == self.metadata.modified().ok();
        if is_same {
            return Ok(());
        }
        Err(Reason::SourceChanged { path: self.path.to_owned() }.into())
    }
}

fn check_number(path: &Path, asked: u64, count: u64) -> Result<(), Error> {
    if (1..=count).contains(&asked) {
        return Ok(());
    }
    Err(Error::from(Reason::NoSuchStream { path: path.to_owned(), asked, count }))
}

/// The error for a track without samples. The last finding says why.
fn nothing_to_play(path: &Path, stream: u64, file: &AudioFile) -> Error {
    let mut reason = "nothing to play (no samples)".to_owned();
    file.findings().last().into_iter().for_each(|finding| reason += &format!("; {finding}"));
    Error::from(Reason::NoAudio { path: path.to_owned(), stream, reason })
}

/// The hash of the file, which a thread computes until it is needed.
struct Hashed<'s, F> {
    running: Option<ScopedJoinHandle<'s, Result<SourceFile, Error>>>,
    /// Hashes here if no thread started.
    hash: F,
    done: Option<SourceFile>,
}

impl<F: Fn() -> Result<SourceFile, Error>> Hashed<'_, F> {
    fn get(&mut self) -> Result<&SourceFile, Error> {
        let done = match self.done.take() {
            Some(done) => done,
            None => match self.running.take().and_then(|running| running.join().ok()) {
                Some(hashed) => hashed?,
                None => (self.hash)()?,
            },
        };
        Ok(self.done.insert(done))
    }
}

/// A track to encode.
pub(super) struct Track {
    number: u64,
    transcoder: Transcoder,
    origin: Origin,
    tags: OpusTags,
    real_rate: NonZeroU32,
}

impl Track {
    pub(super) fn open(path: &Path, options: &ImportOptions, number: u64) -> Result<Self, Error> {
        let fault = |reason| Error::from(Reason::Audio { path: path.to_owned(), source: reason });
        let track = AudioTrack::open(path, options, number).map_err(fault)?;
        let comments: Vec<String> =
            track.tags().map(|(name, value)| format!("{name}={value}")).collect();
        let AudioTrack { file, origin, .. } = track;
        let rate = file.format().rate;
        let tags = OpusTags::new(&opus_encode::vendor(), comments.iter().map(String::as_str));
        let expanded = rate.saturating_mul(origin.time_expansion.get());
        options.transcode.check_rate(expanded).map_err(fault)?;
        let transcoder = Transcoder::new(file, &options.transcode).map_err(fault)?;
        let played = if transcoder.is_kept() { rate } else { SAMPLE_RATE };
        let real_rate = played.checked_mul(origin.time_expansion.get()).and_then(NonZeroU32::new);
        let factor = origin.time_expansion.get();
        let too_fast =
            || Error::from(Reason::TimeExpansion { path: path.to_owned(), factor, rate });
        Ok(Self { number, transcoder, tags, real_rate: real_rate.ok_or_else(too_fast)?, origin })
    }

    /// Whether to build a sync map. By default only if it follows from sync points.
    fn is_to_be_exact(&self, options: &ImportOptions) -> bool {
        options.exact.unwrap_or(self.transcoder.settings().sync_interval.is_some())
    }

    /// Encodes the track and returns its timeline.
    fn write(
        &mut self,
        blob: &mut BlobWriter,
        path: &Path,
        watch: &mut Watch<'_>,
    ) -> Result<Timeline, Error> {
        let fault = |reason| Error::from(Reason::Audio { path: path.to_owned(), source: reason });
        let write_error = |reason| write_error(path, reason);
        let head = self.transcoder.head().map_err(fault)?;
        let position = self.transcoder.file().position();
        let mut writer =
            OggOpusWriter::new(blob, SERIAL, &head, &self.tags).map_err(write_error)?;
        while let Some(packet) = self.transcoder.next_packet().map_err(fault)? {
            writer.write(packet.data).map_err(write_error)?;
            watch.encoded(position.get(), packet.duration)?;
        }
        let played = self.transcoder.timeline().filter(|timeline| timeline.play_length() > 0);
        let timeline =
            played.ok_or_else(|| nothing_to_play(path, self.number, self.transcoder.file()))?;
        writer.finish(timeline.end_trim()).map_err(write_error)?;
        Ok(timeline)
    }

    fn describe(&self, timeline: Timeline, source: &SourceFile) -> Result<Description, Error> {
        let format = self.transcoder.file().format();
        let head = self.transcoder.head();
        let head = head.map_err(|reason| {
            Error::from(Reason::Audio { path: source.path().to_owned(), source: reason })
        })?;
        let findings = self.transcoder.file().findings().into_iter().take(MAX_LINES).collect();
        let source = Source::of_file(source.path(), StoredAs::Transcoded)
            .content(source.bytes, source.sha256())
            .format(format.container, format.codec)
            .stream(self.number)
            .findings(findings)
            .transcoding(self.transcoding())
            .metadata(self.origin.metadata.clone());
        Ok(Description::new(head, self.tags.clone(), timeline, source)
            .real_rate(Some(self.real_rate))
            .start(self.origin.start.clone()))
    }

    pub(super) fn start(&self) -> Option<&Start> {
        self.origin.start.as_ref()
    }

    pub(super) fn real_rate(&self) -> NonZeroU32 {
        self.real_rate
    }

    pub(super) fn transcoding(&self) -> Transcoding {
        let format = self.transcoder.file().format();
        let settings = settings(self.transcoder.settings());
        let encoded_rate = self.transcoder.settings().rate.hz();
        Transcoding::new(format.rate, self.transcoder.file().frames_read(), settings)
            .encoded_rate(encoded_rate, self.transcoder.is_kept())
            .programs(format.decoder, opus_encode::vendor())
    }

    fn findings(&self) -> Vec<Finding> {
        findings(self.number, self.transcoder.file(), self.transcoder.warnings(), &self.origin)
    }
}

fn settings(options: &opus_encode::Options) -> EncoderSettings {
    EncoderSettings::new(options.bitrate.get(), options.frame_duration.samples())
        .rate_control(match options.rate_control {
            RateControl::Vbr => "vbr",
            RateControl::ConstrainedVbr => "constrained-vbr",
            RateControl::Cbr => "cbr",
        })
        .complexity(options.complexity.get())
        .application(match options.application {
            Application::Audio => "audio",
            Application::Voip => "voip",
            Application::LowDelay => "low-delay",
        })
        .sync_interval(options.sync_samples())
}

/// Limit for the attributes of a recording.
const MAX_LINES: usize = 100;
