//! A range of time over the recordings of a store.

use std::{
    fmt,
    ops::{ControlFlow, Range},
    path::{Path, PathBuf},
    time::Instant,
};

use opus_zarr::{Deployment, Gaps, InexactPart, Piece, Recording, Segment, Timestamp, Zone};
use opus_zarr_render::PcmSample;
use serde::Serialize;

use super::{Args, How, file_or_stdout, folder::Folder};
use crate::{
    deployed,
    failure::Failure,
    interrupt,
    matching::Selected,
    output::{Line, Messages, Output},
    path::PathField,
    place::{RecordingPlace, StorePlace},
    sound::{Bits, Format, Sound, SoundWriter, bar},
    target::{STDOUT, Target},
    text::{Clock, count},
};

pub(super) fn run(args: &Args, selected: Selected, output: &mut Output) -> Result<(), Failure> {
    let gaps = args.gaps.map_or(Gaps::Error, Into::into);
    let path = match (gaps, args.output.as_deref()) {
        (Gaps::Split, None) => return Err(no_directory()),
        (Gaps::Split, Some(path)) if path == Path::new(STDOUT) => return Err(no_directory()),
        (_, path) => file_or_stdout(path)?,
    };
    let format = match gaps {
        Gaps::Split => args.how.format.unwrap_or(Format::Wav),
        _ => args.how.format(path)?,
    };
    let mut deployment = deployed::open(&selected, args.catalogue.as_deref(), output.messages())?;
    let range = deployed::range(&args.range, &deployment, output.messages())?;
    let zone = args.range.zone();
    deployed::warn_of_overlaps(&deployment, &range, &zone, output.messages());
    let pieces = deployment.pieces(range.clone(), gaps);
    let pieces = pieces.map_err(|error| args.range.failure(error))?;
    let Some(first) = pieces.first() else { return Err(deployed::no_sample(&range, &zone)) };
    let sound = prepare(&args.how, format, &selected, &mut deployment, first)?;
    let mut cut = Cut { args, place: &selected.place, deployment, sound, is_noted: false };
    if gaps == Gaps::Split {
        return cut.write_pieces(&pieces, path, output);
    }
    let extracted = cut.write(first, path, output)?;
    if path == Path::new(STDOUT) {
        output.messages().json(&extracted);
        return Ok(());
    }
    output.data(&extracted)
}

fn no_directory() -> Failure {
    Failure::usage("--gaps split writes one file per part without gaps")
        .with_hint("pass a directory with -o DIR")
}

/// Sets how the recordings are read; returns what files state about their samples.
fn prepare(
    how: &How,
    format: Format,
    selected: &Selected,
    deployment: &mut Deployment,
    piece: &Piece,
) -> Result<Sound, Failure> {
    let recorded = piece.segments.iter().find_map(|segment| match segment {
        Segment::Recorded { recording, samples, .. } => Some((recording, samples)),
        _ => None,
    });
    let (name, samples) = recorded.ok_or_else(|| Failure::usage("the range selects no samples"))?;
    let mut recording = Recording::open(&selected.store, name.as_str())?;
    how.apply(&mut recording, format)?;
    deployment.set_output(recording.output().clone());
    deployment.set_threads(recording.threads());
    if how.exact || how.approximate {
        deployment.set_read_mode(how.mode(&recording));
    }
    if how.rate.is_resampled(&recording) {
        return Err(Failure::usage("--rate native resamples one recording at a time")
            .with_hint("omit --rate, or extract each recording"));
    }
    // As a part of a recording, it has no chunks, which describe their own recording only.
    Sound::of(&recording, &(samples.start..samples.start + 1), (format, how.bits))
}

struct Cut<'a> {
    args: &'a Args,
    place: &'a StorePlace,
    deployment: Deployment,
    sound: Sound,
    /// Whether it was noted that samples are approximate.
    is_noted: bool,
}

impl Cut<'_> {
    /// Writes a file for each piece, named after its first recording and its time.
    fn write_pieces(
        &mut self,
        pieces: &[Piece],
        directory: &Path,
        output: &mut Output,
    ) -> Result<(), Failure> {
        let mut folder = Folder::new(directory);
        interrupt::defer();
        let done = pieces.iter().try_for_each(|piece| {
            let path = folder.create()?.join(file_name(piece, self.sound.format));
            let extracted = self.write(piece, &path, output)?;
            output.data(&extracted)?;
            output.flush()
        });
        folder.remove_if_empty();
        done
    }

    fn write(
        &mut self,
        piece: &Piece,
        path: &Path,
        output: &mut Output,
    ) -> Result<Extracted, Failure> {
        let began = Instant::now();
        let messages = output.messages().clone();
        let mut sound = self.sound.clone();
        sound.samples = self.deployment.sample_count(piece)?;
        sound.title = title(piece);
        sound.date = Some(piece.start.to_string());
        let zone = self.args.range.zone();
        let mut extracted = Extracted::new(self.place, path, piece, &sound, &zone);
        let target = Target::create(path, self.args.force, output)?;
        let deployment = &self.deployment;
        let (bytes, inexact) = match sound.bits {
            Bits::Int16 => write_piece::<i16>(deployment, piece, sound, target, &messages),
            Bits::Int24 | Bits::Float32 => {
                write_piece::<f32>(deployment, piece, sound, target, &messages)
            }
        }?;
        self.note(&inexact, &messages);
        (extracted.bytes, extracted.is_exact) = (bytes, inexact.is_empty());
        extracted.elapsed_seconds = began.elapsed().as_secs_f64();
        Ok(extracted)
    }

    /// Notes once that samples are approximate.
    fn note(&mut self, inexact: &[InexactPart], messages: &Messages) {
        let Some(first) = inexact.first().filter(|_| !self.is_noted) else { return };
        self.is_noted = true;
        let place = RecordingPlace { store: self.place.clone(), name: first.recording.clone() };
        self.args.how.note(&place, &Err(first.reason.clone()), messages);
    }
}

fn write_piece<S: PcmSample>(
    deployment: &Deployment,
    piece: &Piece,
    sound: Sound,
    target: Target<'_>,
    messages: &Messages,
) -> Result<(u64, Vec<InexactPart>), Failure> {
    let (bar, channels) = (bar(messages, sound.samples), u64::from(sound.channels.max(1)));
    let (mut writer, mut written) = (SoundWriter::new(sound, target)?, Ok(()));
    let inexact = deployment.stream_piece::<S>(piece, |block| {
        written = writer.write(block);
        bar.inc(u64::try_from(block.len()).unwrap_or_default() / channels);
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    written?;
    Ok((writer.finish(messages)?, inexact))
}

/// The recordings of a piece, in order.
fn recordings(piece: &Piece) -> impl DoubleEndedIterator<Item = &str> {
    piece.segments.iter().filter_map(|segment| match segment {
        Segment::Recorded { recording, .. } => Some(recording.as_str()),
        _ => None,
    })
}

fn title(piece: &Piece) -> String {
    let mut names = recordings(piece);
    match (names.next(), names.next_back()) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        (first, _) => first.unwrap_or_default().to_owned(),
    }
}

/// Names a file such as `weiher_20260512_030000_20260512T010000Z.wav`. A recording begins at most one
/// piece, so that no two have the same name.
fn file_name(piece: &Piece, format: Format) -> PathBuf {
    let first = recordings(piece).next().unwrap_or_default();
    let time = piece.start.to_string().replace(['-', ':'], "");
    format!("{first}_{time}.{}", format.extension()).into()
}

#[derive(Serialize)]
struct Extracted {
    #[serde(flatten)]
    store: PathField,
    #[serde(flatten)]
    output: PathField,
    start: String,
    end: String,
    /// The same for people, by the clocks of the zone.
    #[serde(skip)]
    local: Range<String>,
    recordings: Vec<String>,
    /// Of `samples`, at the rate of the file.
    silent_seconds: f64,
    gaps: usize,
    is_exact: bool,
    /// Sample rate that the file states.
    rate: u32,
    channels: u64,
    /// Per channel.
    samples: u64,
    bytes: u64,
    elapsed_seconds: f64,
}

impl Extracted {
    /// Describes a file before it is written.
    fn new(place: &StorePlace, path: &Path, piece: &Piece, sound: &Sound, zone: &Zone) -> Self {
        let is_gap = |segment: &&Segment| matches!(segment, Segment::Gap { .. });
        let Range { start, end } = time(piece);
        let rate = f64::from(piece.real_rate.get());
        let silent = u32::try_from(piece.silent_samples() % u64::from(piece.real_rate.get()));
        let silent_seconds = piece.silent_samples() / u64::from(piece.real_rate.get());
        let silent_seconds = u32::try_from(silent_seconds).unwrap_or(u32::MAX);
        Self {
            store: place.field("store"),
            output: PathField::new("output", path),
            start: start.to_string(),
            end: end.to_string(),
            local: zone.rfc3339(start)..zone.rfc3339(end),
            recordings: recordings(piece).map(str::to_owned).collect(),
            silent_seconds: f64::from(silent_seconds) + f64::from(silent.unwrap_or(0)) / rate,
            gaps: piece.segments.iter().filter(is_gap).count(),
            is_exact: false,
            rate: sound.rate,
            channels: sound.channels.into(),
            samples: sound.samples,
            bytes: 0,
            elapsed_seconds: 0.0,
        }
    }
}

/// When a piece begins and ends.
fn time(piece: &Piece) -> Range<Timestamp> {
    let end = piece.segments.last().map_or(piece.start, |segment| segment.time().end);
    piece.start..end
}

impl Line for Extracted {
    const TYPE: &'static str = "extracted_time";
}

impl fmt::Display for Extracted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { output, samples, rate, channels, is_exact, recordings, gaps, .. } = self;
        let channels = count(*channels, "channel");
        let how = if *is_exact { "exact" } else { "approximate" };
        let number = u64::try_from(recordings.len()).unwrap_or(u64::MAX);
        let number = count(number, "recording");
        write!(f, "{output}: {samples} samples at {rate} Hz, {channels}, {how}")?;
        write!(f, "; {} to {}, {number}", self.local.start, self.local.end)?;
        match gaps {
            0 => Ok(()),
            gaps => {
                let silent = std::time::Duration::try_from_secs_f64(self.silent_seconds);
                let silent = Clock(silent.unwrap_or_default());
                let gaps = count(u64::try_from(*gaps).unwrap_or(u64::MAX), "gap");
                write!(f, ", {silent} of silence in {gaps}")
            }
        }
    }
}
