mod across;
mod batch;
mod folder;

use std::{
    fmt,
    io::{IsTerminal, stdout},
    ops::Range,
    path::{Path, PathBuf},
    time::Instant,
};

use opus_zarr::{APPROXIMATE_PRE_ROLL, ChannelSelection, ReadMode, Recording};
use serde::Serialize;

use crate::{
    deployed::{self, Gaps},
    failure::Failure,
    matching::Notes,
    output::{Line, Messages, Output},
    path::PathField,
    place::{RecordingPlace, StorePlace},
    range::RangeArgs,
    sound::{Bits, Format, Proof, Rate, Sound, parse_rate, write_range},
    target::{STDOUT, Target},
    text::{count, why_not_exact},
    threads::Threads,
};

/// Write a range of a recording or of the time of day, or many ranges from a table, as WAV, FLAC or raw
/// samples
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Recording. With --utc also a store, or a pattern for names in it (STORE/weiher_*): the range
    /// goes on from each recording to the next. With --batch also a store whose recordings the table
    /// names
    #[arg(value_name = "STORE/NAME", required_unless_present = "batch")]
    place: Option<StorePlace>,
    #[command(flatten)]
    range: RangeArgs,
    #[command(flatten)]
    notes: Notes,
    /// Find the recordings of a store in its catalogue, without opening the others, with --utc or --batch
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// How to handle gaps between the recordings of a store [default: error]
    #[arg(long, value_enum, requires = "utc", conflicts_with = "batch")]
    gaps: Option<Gaps>,
    /// Output file (`-` for standard output); with --batch a directory
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    how: How,
    /// Cut every region of these tables: of Raven, BirdNET, Kaleidoscope, Audacity, opensoundscape or
    /// crowsetta, or with columns start and end (any form of --time or --utc) or start_sample and
    /// end_sample, and optionally recording or file, name, label and score
    #[arg(long, value_name = "TABLE", num_args = 1..)]
    #[arg(conflicts_with_all = ["samples", "time", "utc", "approximate"])]
    batch: Vec<PathBuf>,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
}

/// How to read and write samples.
#[derive(clap::Args)]
struct How {
    /// Output format [default: by the extension of FILE, otherwise wav]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Sample format
    #[arg(long, value_enum, default_value_t)]
    bits: Bits,
    /// Rate at which Opus decodes: 48000, 24000, 16000, 12000 or 8000; or native, that of the source,
    /// with as many samples as it has. For kept ultrasound and
    /// time-expanded audio, the file states the recorded rate, divided likewise, so times and
    /// frequencies stay true in other programs
    #[arg(long, value_name = "HZ", default_value = "48000", value_parser = parse_rate)]
    rate: Rate,
    /// all, mono (a mix), or channel numbers starting from 1, such as 1,2
    #[arg(long, default_value = "all", value_parser = parse_channels)]
    channels: ChannelSelection,
    /// Return the samples of a full decode, bit for bit; without a sync map, decode from the start
    #[arg(long, conflicts_with = "approximate")]
    exact: bool,
    /// Start decoding 0.8 s before the range, even if exact samples are available
    #[arg(long)]
    approximate: bool,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let (place, tables) = args.split()?;
    if !tables.is_empty() {
        return batch::run(args, &place, tables, output);
    }
    if args.catalogue.is_some() && !args.range.is_utc() {
        return Err(Failure::usage("--catalogue is for --utc and --batch"));
    }
    match deployed::select(&place, &args.notes, args.catalogue.as_deref())? {
        Some(selected) if args.range.is_utc() => across::run(args, selected, output),
        Some(_) if args.notes.is_any() || place.as_recording().is_err() => {
            Err(Failure::usage("--utc selects the time to write from several recordings"))
        }
        None if args.gaps.is_some() || args.notes.is_any() || args.catalogue.is_some() => {
            Err(Failure::usage(format!(
                "--gaps, --where and --catalogue are for the recordings of a store, and {place} is one recording"
            )))
        }
        _ => run_one(args, &place, output),
    }
}

impl Args {
    /// Tells the tables from the store, which may stand after them: `--batch TABLE... STORE`.
    fn split(&self) -> Result<(StorePlace, &[PathBuf]), Failure> {
        let no_store = || Failure::usage("no STORE: pass the store that holds the recordings");
        match (&self.place, self.batch.split_last()) {
            (Some(place), _) => Ok((place.clone(), &self.batch)),
            (None, Some((last, tables))) if !tables.is_empty() && !last.is_file() => {
                let place = StorePlace::parse(last.as_os_str());
                Ok((place.map_err(Failure::usage)?, tables))
            }
            _ => Err(no_store()),
        }
    }
}

fn run_one(args: &Args, place: &StorePlace, output: &mut Output) -> Result<(), Failure> {
    let began = Instant::now();
    let path = file_or_stdout(args.output.as_deref())?;
    let format = args.how.format(path)?;
    let place = place.as_recording().map_err(Failure::usage)?;
    let mut recording = place.open()?;
    args.how.apply(&mut recording, format)?;
    let range = args.range.resolve(&recording, output.messages())?;
    let mode = args.how.mode(&recording);
    let sound = args.how.rate.sound(&recording, &range, (format, args.how.bits))?;
    let mut extracted = Extracted::new(&place, path, &range, &sound);
    let messages = output.messages().clone();
    let target = Target::create(path, args.force, output)?;
    let (bytes, proof) = write_range(&recording, mode, range, sound, target, &messages)?;
    args.how.note(&place, &proof, &messages);
    (extracted.bytes, extracted.is_exact) = (bytes, proof.is_ok());
    extracted.elapsed_seconds = began.elapsed().as_secs_f64();
    if path == Path::new(STDOUT) {
        messages.json(&extracted);
        Ok(())
    } else {
        output.data(&extracted)
    }
}

/// Chooses standard output if no file is named, unless it is a terminal.
pub(crate) fn file_or_stdout(path: Option<&Path>) -> Result<&Path, Failure> {
    match path {
        Some(path) => Ok(path),
        None if !stdout().is_terminal() => Ok(Path::new(STDOUT)),
        None => Err(Failure::usage("no output file given, and standard output is a terminal")
            .with_hint("pass a file with -o FILE")),
    }
}

impl How {
    fn format(&self, path: &Path) -> Result<Format, Failure> {
        let known = self.format.or_else(|| Format::of(path));
        match known {
            Some(format) => Ok(format),
            None if path == Path::new(STDOUT) || path.extension().is_none() => Ok(Format::Wav),
            None => {
                Err(Failure::usage(format!("{path:?}: cannot infer a format from the extension"))
                    .with_hint("pass --format wav, flac or raw; `opus-zarr export` writes Opus"))
            }
        }
    }

    /// Sets the output of the recording.
    fn apply(&self, recording: &mut Recording, format: Format) -> Result<(), Failure> {
        let all = recording.info().channels;
        let channels = match &self.channels {
            ChannelSelection::Only(some) if some.iter().any(|&number| number >= all) => {
                let has = count(all.into(), "channel");
                return Err(Failure::usage(format!("recording {:?} has {has}", recording.name()))
                    .with_hint("--channels counts from 1"));
            }
            ChannelSelection::All => Sound::all_channels(recording, format),
            some => some.clone(),
        };
        self.threads.apply(recording);
        self.rate.apply(recording, channels)
    }

    fn mode(&self, recording: &Recording) -> ReadMode {
        match (self.exact, self.approximate) {
            (true, _) => ReadMode::Exact,
            (_, true) => ReadMode::Approximate { pre_roll: APPROXIMATE_PRE_ROLL },
            _ => recording.read_mode(),
        }
    }

    /// What makes the samples of a range exact, or why they may not be.
    fn proof(&self, recording: &Recording, range: &Range<u64>) -> Result<Proof, Failure> {
        match recording.exactness_of(self.mode(recording), range.clone()) {
            Ok(exactness) => Ok(Ok(exactness)),
            Err(error) => match error.not_exact() {
                Some(reason) => Ok(Err(reason.clone())),
                None => Err(error.into()),
            },
        }
    }

    /// Notes that samples are approximate, unless that was requested.
    fn note(&self, place: &RecordingPlace, proof: &Proof, messages: &Messages) {
        if let (Err(reason), false) = (proof, self.approximate) {
            let reason = why_not_exact(reason);
            messages
                .note(format!("approximate: {reason}; build a map with `opus-zarr sync {place}`"));
        }
    }
}

#[derive(Serialize)]
struct Extracted {
    #[serde(flatten)]
    recording: PathField,
    #[serde(flatten)]
    output: PathField,
    /// In play samples, at 48 kHz.
    start_sample: u64,
    end_sample: u64,
    is_exact: bool,
    /// Sample rate that the file states.
    rate: u32,
    channels: u64,
    /// Per channel.
    samples: u64,
    bytes: u64,
    elapsed_seconds: f64,
    #[serde(flatten)]
    row: Option<Row>,
}

/// The row of a table that a cut comes from.
#[derive(Clone, Serialize)]
struct Row {
    #[serde(flatten)]
    table: PathField,
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
}

impl Extracted {
    /// Describes a file before it is written.
    fn new(place: &RecordingPlace, path: &Path, range: &Range<u64>, sound: &Sound) -> Self {
        Self {
            recording: place.field("recording"),
            output: PathField::new("output", path),
            start_sample: range.start,
            end_sample: range.end,
            is_exact: false,
            rate: sound.rate,
            channels: sound.channels.into(),
            samples: sound.samples,
            bytes: 0,
            elapsed_seconds: 0.0,
            row: None,
        }
    }
}

impl Line for Extracted {
    const TYPE: &'static str = "extracted";
}

impl fmt::Display for Extracted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { output, samples, rate, channels, is_exact, .. } = self;
        let channels = count(*channels, "channel");
        let how = if *is_exact { "exact" } else { "approximate" };
        let samples = match samples {
            1 => "1 sample".to_owned(),
            more => format!("{more} samples"),
        };
        write!(f, "{output}: {samples} at {rate} Hz, {channels}, {how}")
    }
}

fn parse_channels(text: &str) -> Result<ChannelSelection, String> {
    let channel = |text: &str| {
        let number: Option<u8> = text.trim().parse().ok();
        number.and_then(|number| number.checked_sub(1)).ok_or_else(|| {
            format!(
                "invalid channel {text:?}, expected all, mono, or numbers from 1 up, such as 1,2"
            )
        })
    };
    match text {
        "all" => Ok(ChannelSelection::All),
        "mono" => Ok(ChannelSelection::Mono),
        some => some.split(',').map(channel).collect::<Result<_, _>>().map(ChannelSelection::Only),
    }
}
