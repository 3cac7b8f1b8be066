mod batch;

use std::{
    fmt,
    io::{IsTerminal, stdout},
    ops::Range,
    path::{Path, PathBuf},
    time::Instant,
};

use opus_segment_decode::APPROXIMATE_PRE_ROLL;
use opus_zarr::{ChannelSelection, NotExact, Output as Decoded, OutputRate, ReadMode, Recording};
use serde::Serialize;

use crate::{
    failure::Failure,
    output::{Line, Messages, Output},
    place::{RecordingPlace, StorePlace},
    range::RangeArgs,
    sound::{Bits, Format, Sound, write_range},
    target::{STDOUT, Target},
    text::count,
};

/// Write a range of a recording as WAV, FLAC or raw samples; or many, from a table
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A recording; with --batch also a store, in which the table names recordings
    #[arg(value_name = "STORE/NAME")]
    place: StorePlace,
    #[command(flatten)]
    range: RangeArgs,
    /// The file, `-` being standard output; with --batch the directory
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    how: How,
    /// Cut what a table lists, CSV or with tabs: columns start and end (any form of --time or --utc),
    /// or start_sample and end_sample, and if need be recording and name; or those of Raven and
    /// BirdNET
    #[arg(long, value_name = "TABLE", conflicts_with_all = ["samples", "time", "utc", "approximate"])]
    batch: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
}

/// How samples are read and written.
#[derive(clap::Args)]
struct How {
    /// By the extension of FILE if it is not said, else WAV
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Of a sample
    #[arg(long, value_enum, default_value_t)]
    bits: Bits,
    /// 48000, 24000, 16000, 12000 or 8000 Hz, at which Opus decodes. Of ultrasound that was kept, and
    /// of audio expanded in time, the file says the rate at which it was recorded, divided likewise:
    /// so time and frequency are true in other programs
    #[arg(long, value_name = "HZ", default_value = "48000", value_parser = parse_rate)]
    rate: OutputRate,
    /// all, mono (a mix), or some, counted from 1, as in 1,2
    #[arg(long, default_value = "all", value_parser = parse_channels)]
    channels: ChannelSelection,
    /// Fail if the samples would not be those of a full decode, bit for bit
    #[arg(long, conflicts_with = "approximate")]
    exact: bool,
    /// Begin to decode 80 ms before the range, even where exact samples could be had
    #[arg(long)]
    approximate: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    match &args.batch {
        Some(table) => batch::run(args, table, output),
        None => run_one(args, output),
    }
}

fn run_one(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let began = Instant::now();
    let path = file_or_stdout(args.output.as_deref())?;
    let format = args.how.format(path)?;
    let place = args.place.to_string();
    let mut recording = place.parse::<RecordingPlace>().map_err(Failure::usage)?.open()?;
    args.how.apply(&mut recording, format)?;
    let range = args.range.resolve(&recording)?;
    let mode = args.how.mode(&recording);
    args.how.note((&place, &recording), &range, output.messages());
    let sound = Sound::of(&recording, &range, (format, args.how.bits))?;
    let mut extracted = Extracted::new(place, path, &range, mode, &sound);
    let messages = output.messages().clone();
    let target = Target::create(path, args.force, output)?;
    extracted.bytes = write_range(&recording, mode, range, sound, target, &messages)?;
    extracted.elapsed_seconds = began.elapsed().as_secs_f64();
    match path == Path::new(STDOUT) {
        true => messages.json(&extracted),
        false => output.data(&extracted)?,
    }
    Ok(())
}

/// A terminal shows no samples.
pub(crate) fn file_or_stdout(path: Option<&Path>) -> Result<&Path, Failure> {
    match path {
        Some(path) => Ok(path),
        None if !stdout().is_terminal() => Ok(Path::new(STDOUT)),
        None => Err(Failure::usage("no file to write to, and standard output is a terminal")
            .with_hint("name one: -o FILE")),
    }
}

impl How {
    fn format(&self, path: &Path) -> Result<Format, Failure> {
        let known = self.format.or_else(|| Format::of(path));
        match known {
            Some(format) => Ok(format),
            None if path == Path::new(STDOUT) || path.extension().is_none() => Ok(Format::Wav),
            None => Err(Failure::usage(format!("{path:?}: its extension says no format"))
                .with_hint("--format wav, flac or raw; `opus-zarr export` writes Opus")),
        }
    }

    /// Lets the recording give what is asked for.
    fn apply(&self, recording: &mut Recording, format: Format) -> Result<(), Failure> {
        let all = recording.info().channels;
        let channels = match &self.channels {
            ChannelSelection::Only(some) if some.iter().any(|&number| number >= all) => {
                let has = count(all.into(), "channel");
                return Err(Failure::usage(format!("{:?} has {has}", recording.name()))
                    .with_hint("--channels counts them from 1"));
            }
            ChannelSelection::All => Sound::all_channels(recording, format),
            some => some.clone(),
        };
        Ok(recording.set_output(Decoded::default().rate(self.rate).channels(channels))?)
    }

    fn mode(&self, recording: &Recording) -> ReadMode {
        match (self.exact, self.approximate) {
            (true, _) => ReadMode::Exact,
            (_, true) => ReadMode::Approximate { pre_roll: APPROXIMATE_PRE_ROLL },
            _ => recording.read_mode(),
        }
    }

    /// Says that samples are approximate, unless it was asked for.
    fn note(
        &self,
        (place, recording): (&str, &Recording),
        range: &Range<u64>,
        messages: &Messages,
    ) {
        if self.exact || self.approximate || is_exact(recording.read_mode(), range) {
            return;
        }
        match recording.exactness() {
            Ok(()) => {}
            Err(NotExact::OtherRate { .. }) => {
                messages.note("approximate: samples are exact at 48000 Hz alone");
            }
            Err(_) => messages.note(format!(
                "approximate, for want of a sync map: `opus-zarr sync {place}` makes it"
            )),
        }
    }
}

/// What begins near the beginning is decoded from there.
fn is_exact(mode: ReadMode, range: &Range<u64>) -> bool {
    match mode {
        ReadMode::Approximate { pre_roll } => range.start <= u64::from(pre_roll),
        _ => true,
    }
}

#[derive(Serialize)]
struct Extracted {
    recording: String,
    output: String,
    /// In play samples, at 48 kHz.
    start_sample: u64,
    end_sample: u64,
    is_exact: bool,
    /// What the file says.
    rate: u32,
    channels: u64,
    /// Per channel.
    samples: u64,
    bytes: u64,
    elapsed_seconds: f64,
    /// Of the table that asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

impl Extracted {
    /// Before it is written.
    fn new(place: String, path: &Path, range: &Range<u64>, mode: ReadMode, sound: &Sound) -> Self {
        Self {
            recording: place,
            output: path.display().to_string(),
            start_sample: range.start,
            end_sample: range.end,
            is_exact: is_exact(mode, range),
            rate: sound.rate,
            channels: sound.channels.into(),
            samples: sound.samples,
            bytes: 0,
            elapsed_seconds: 0.0,
            line: None,
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

fn parse_rate(text: &str) -> Result<OutputRate, String> {
    let hz: u32 = text.parse().map_err(|_| format!("{text:?} is no rate in Hz"))?;
    hz.try_into().map_err(|error: opus_zarr::InvalidRate| error.to_string())
}

fn parse_channels(text: &str) -> Result<ChannelSelection, String> {
    let channel = |text: &str| {
        let number: Option<u8> = text.trim().parse().ok();
        number.and_then(|number| number.checked_sub(1)).ok_or_else(|| {
            format!("{text:?} is no channel, expected all, mono, or numbers from 1 on, as in 1,2")
        })
    };
    match text {
        "all" => Ok(ChannelSelection::All),
        "mono" => Ok(ChannelSelection::Mono),
        some => some.split(',').map(channel).collect::<Result<_, _>>().map(ChannelSelection::Only),
    }
}
