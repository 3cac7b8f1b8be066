//! Shows the content of a file before it is imported.

mod lines;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
};

use opus_zarr::{
    AudioError, AudioErrorKind, AudioTrack, Container, DemuxError, DemuxErrorKind, DemuxFinding,
    Finding, ImportOptions, OpusStream, PacketSource, PageReader, RecorderMetadata, SAMPLE_RATE,
    Streams, Toc, start_of_stream,
};

use self::lines::{
    AudioLine, ChunkLine, FileLine, FindingLine, KindLine, PacketLine, PageLine, RecorderLine,
    StartLine, StreamLine, TagLine,
};
use crate::{
    failure::{Exit, Failure},
    output::Output,
    path::PathField,
    reading::{Reading, TRY_FFMPEG},
    recorder::Recorder,
    several::for_each,
};

/// Show the content of audio files: streams, packets, findings; for other audio its format and metadata
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Audio files; Opus in Ogg, WebM, Matroska, MP4 or CAF, or other audio
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// List Ogg pages instead, one per line
    #[arg(long, conflicts_with_all = ["packets", "Reading"])]
    pages: bool,
    /// Also list packets, one per line
    #[arg(long)]
    packets: bool,
    #[command(flatten)]
    reading: Reading,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let Args { pages, packets, .. } = *args;
    let options = args.reading.options();
    for_each(&args.files, output, |file, output| {
        let one = Inspected { file, pages, packets, options: &options };
        if args.files.len() > 1 {
            output.data(&FileLine(PathField::new("path", file)))?;
        }
        inspect(&one, output)
    })
}

/// A file, and what is asked about it.
struct Inspected<'a> {
    file: &'a Path,
    pages: bool,
    packets: bool,
    options: &'a ImportOptions,
}

fn inspect(args: &Inspected<'_>, output: &mut Output) -> Result<(), Failure> {
    if args.pages {
        return pages(args, output);
    }
    let options = args.options;
    let mut shown = Shown::default();
    match opus(args, options, &mut shown, output) {
        Ok(()) if shown.is_played => {
            shown.of_others.iter().try_for_each(|finding| output.data(finding))
        }
        Ok(()) if options.stream.is_some() => Err(nothing_to_play(args)),
        Ok(()) => audio(args, options, Some(Vec::new()), nothing_to_play(args), output),
        Err(Fault::Demux(error)) => {
            let is_first = shown.last == 0;
            let of_opus = Finding::of_unusable_opus(&error, options).filter(|_| is_first);
            let has_opus = error.kind() != DemuxErrorKind::NoOpus;
            let refusal = Failure::new(Exit::Error, format!("{:?}: {error:?}", args.file));
            match of_opus {
                Some(found) => audio(args, options, has_opus.then_some(found), refusal, output),
                None => Err(refusal),
            }
        }
        Err(Fault::Command(failure)) => Err(failure),
    }
}

/// What was shown of the Opus in a file.
#[derive(Default)]
struct Shown {
    /// The number of the last stream.
    last: u64,
    /// Whether anything plays.
    is_played: bool,
    /// Findings about other audio, which an import leaves out only if there is Opus to play.
    of_others: Vec<FindingLine>,
}

/// Why Opus could not be shown.
enum Fault {
    Demux(DemuxError),
    Command(Failure),
}

impl From<DemuxError> for Fault {
    fn from(error: DemuxError) -> Self {
        Self::Demux(error)
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Command(failure)
    }
}

/// Shows the streams with Opus.
fn opus(
    args: &Inspected<'_>,
    options: &ImportOptions,
    shown: &mut Shown,
    output: &mut Output,
) -> Result<(), Fault> {
    let mut streams = Streams::open(args.file, &options.demuxing())?;
    let container = streams.container();
    let is_asked = |number| options.stream.is_none_or(|asked| asked == number);
    while let Some(opened) = streams.next_stream()? {
        shown.last = opened.number();
        if is_asked(shown.last) {
            stream(opened, container, args, options, shown, output)?;
        } else {
            // A strict import reads it too.
            while opened.next_packet()?.is_some() {}
            opened.findings();
        }
    }
    check_number(args, options, shown.last)?;
    if is_asked(shown.last) {
        shown.findings(streams.findings(), output)?;
    }
    Ok(())
}

/// The total of one kind of packet.
#[derive(Default)]
struct Amount {
    packets: u64,
    bytes: u64,
}

/// Shows a stream.
fn stream(
    stream: &mut OpusStream,
    container: Container,
    args: &Inspected<'_>,
    options: &ImportOptions,
    shown: &mut Shown,
    output: &mut Output,
) -> Result<(), Fault> {
    output.data(&StreamLine::of(stream, container.name()))?;
    for comment in stream.tags().comments() {
        output.data(&TagLine::of_comment(&comment))?;
    }
    let mut kinds: BTreeMap<(String, u32), Amount> = BTreeMap::new();
    let (mut packets, mut bytes, mut coded) = (0, 0, 0);
    loop {
        let packet = stream.next_packet()?;
        if let Some(packet) = packet {
            let length = u64::try_from(packet.data.len()).unwrap_or(u64::MAX);
            let kind = kind_of(packet.data);
            if args.packets {
                output.data(&PacketLine {
                    packet: packets,
                    bytes: length,
                    samples: packet.duration,
                    coded_sample: coded,
                    kind: kind.clone(),
                })?;
            }
            let amount = kinds.entry((kind, packet.duration)).or_default();
            (amount.packets, amount.bytes) = (amount.packets + 1, amount.bytes + length);
            (packets, bytes, coded) =
                (packets + 1, bytes + length, coded + u64::from(packet.duration));
            shown.findings(stream.findings(), output)?;
            continue;
        }
        break;
    }
    shown.findings(stream.findings(), output)?;
    for ((kind, samples), amount) in kinds {
        output.data(&KindLine { kind, samples, packets: amount.packets, bytes: amount.bytes })?;
    }
    output.data(&lines::EndLine::of(stream, packets, bytes, coded))?;
    let (number, pre_skip) = (stream.number(), stream.head().pre_skip());
    if stream.timeline().is_none_or(|timeline| timeline.play_length() == 0) {
        let finding = Finding::of_silent_stream(number, coded, pre_skip);
        output.data(&FindingLine::from(finding))?;
        return Ok(());
    }
    shown.is_played = true;
    let (start, doubts) = start_of_stream(args.file, stream, options);
    if let Some(start) = &start {
        output.data(&StartLine::of(number, start))?;
    }
    recorder(number, of_comments(stream), output)?;
    for finding in doubts {
        output.data(&FindingLine::from(finding))?;
    }
    Ok(())
}

impl Shown {
    fn findings(&mut self, found: Vec<DemuxFinding>, output: &mut Output) -> Result<(), Failure> {
        for finding in found {
            let line = FindingLine::from(Finding::of_stream(self.last, &finding));
            match finding.kind.is_other_audio() {
                true => self.of_others.push(line),
                false => output.data(&line)?,
            }
        }
        Ok(())
    }
}

/// Checks that the requested stream is one of the `count` of the file.
fn check_number(args: &Inspected<'_>, options: &ImportOptions, count: u64) -> Result<(), Failure> {
    match options.stream {
        Some(asked) if asked > count => {
            let message = format!("{:?}: no stream {asked}, expected 1 to {count}", args.file);
            Err(Failure::new(Exit::Error, message))
        }
        _ => Ok(()),
    }
}

/// Reads mode, bandwidth and channels from the first byte of a packet (RFC 6716 section 3.1).
fn kind_of(packet: &[u8]) -> String {
    let Some(&first) = packet.first() else { return "empty".to_owned() };
    let toc = Toc::new(first);
    let channels = if toc.is_stereo() { "stereo" } else { "mono" };
    format!("{:?} {:?} band {channels}", toc.mode(), toc.bandwidth())
}

/// Shows audio other than Opus. `of_opus` are findings about Opus that cannot be used, if there is any.
/// For a file with nothing else, or that is not audio at all, `refusal` says more.
fn audio(
    args: &Inspected<'_>,
    options: &ImportOptions,
    of_opus: Option<Vec<Finding>>,
    refusal: Failure,
    output: &mut Output,
) -> Result<(), Failure> {
    let of_audio = |error: AudioError| {
        let failure = Failure::new(Exit::Error, format!("{:?}: {error:?}", args.file));
        if error.may_be_known_to_ffmpeg() { failure.with_hint(TRY_FFMPEG) } else { failure }
    };
    let open = |number| AudioTrack::open(args.file, options, number);
    let (mut tracks, mut left_out) = match AudioTrack::importable(args.file, options) {
        Ok((tracks, _)) if of_opus.is_some() && tracks.is_empty() => return Err(refusal),
        Err(_) if of_opus.is_some() => return Err(refusal),
        found => found.map_err(of_audio)?,
    };
    if let Some(asked) = options.stream {
        let of_others = left_out.iter().map(|finding| finding.stream);
        let last = tracks.iter().copied().chain(of_others).max();
        check_number(args, options, last.unwrap_or(0))?;
        tracks.retain(|number| *number == asked);
        left_out.clear();
    } else {
        left_out.splice(0..0, of_opus.into_iter().flatten());
    }
    let first = tracks.first().copied().or(options.stream).unwrap_or(1);
    let mut track = match open(first) {
        Ok(track) => track,
        Err(error) if error.kind() == AudioErrorKind::UnknownFormat => return Err(refusal),
        Err(error) => return Err(of_audio(error)),
    };
    let frames = track.read_to_end().map_err(of_audio)?;
    audio_track(first, &track, frames, output)?;
    let mut found = track.findings();
    for &number in tracks.iter().filter(|number| **number != first) {
        let mut track = open(number).map_err(of_audio)?;
        let frames = track.read_to_end().map_err(of_audio)?;
        audio_track(number, &track, frames, output)?;
        found.extend(track.findings());
    }
    found.extend(left_out.into_iter().filter(|_| !tracks.is_empty()));
    for finding in &found {
        output.data(&FindingLine::from(finding.clone()))?;
    }
    if frames == 0 {
        return Err(nothing_to_play(args));
    }
    match found.into_iter().find(|finding| options.strict && finding.is_violation) {
        Some(finding) => Err(Failure::new(Exit::Error, format!("{:?}: {finding}", args.file))),
        None => Ok(()),
    }
}

fn audio_track(
    number: u64,
    track: &AudioTrack,
    frames: u64,
    output: &mut Output,
) -> Result<(), Failure> {
    output.data(&AudioLine::of(number, track, frames))?;
    track.file().chunks().iter().try_for_each(|chunk| output.data(&ChunkLine::of(chunk)))?;
    track.tags().try_for_each(|(name, value)| output.data(&TagLine::new(name, value)))?;
    if let Some(start) = track.start() {
        output.data(&StartLine::of(number, start))?;
    }
    recorder(number, track.recorder(), output)
}

fn of_comments(stream: &OpusStream) -> RecorderMetadata {
    let comments: Vec<Cow<'_, str>> = stream.tags().comments().collect();
    let tags = comments.iter().filter_map(|comment| comment.split_once('='));
    RecorderMetadata::of_file(&[], tags)
}

/// Shows what a recorder wrote.
fn recorder(stream: u64, found: RecorderMetadata, output: &mut Output) -> Result<(), Failure> {
    match Recorder::of(found) {
        Some(recorder) => output.data(&RecorderLine { stream, recorder }),
        None => Ok(()),
    }
}

fn nothing_to_play(args: &Inspected<'_>) -> Failure {
    Failure::new(Exit::Error, format!("{:?}: nothing to play", args.file))
}

fn pages(args: &Inspected<'_>, output: &mut Output) -> Result<(), Failure> {
    let file = File::open(args.file).map_err(|error| Failure::io("open", args.file, &error))?;
    let mut pages = PageReader::new(file);
    let fault = |error| Failure::new(Exit::Error, format!("{:?}: {error}", args.file));
    let mut count = 0;
    while let Some((byte, page)) = pages.next_page().map_err(fault)? {
        count += 1;
        output.data(&PageLine::of(byte, &page))?;
        if let Some(skipped) = pages.skipped() {
            output.data(&FindingLine::of_skipped(skipped))?;
        }
    }
    match count {
        0 => Err(Failure::new(Exit::Error, format!("{:?} contains no Ogg pages", args.file))),
        _ => Ok(()),
    }
}

/// Converts samples at 48 kHz to milliseconds.
fn millis(samples: u32) -> f64 {
    f64::from(samples) * 1000.0 / f64::from(SAMPLE_RATE)
}
