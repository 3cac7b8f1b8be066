use std::{
    fmt, fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Instant,
};

use clap::ValueEnum;
use indicatif::HumanBytes;
use opus_zarr::{OutputRate, Recording, StoredAs};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    extract::file_or_stdout,
    failure::{Exit, Failure},
    nearest::or_nearest,
    output::{Line, Messages, Output},
    path::PathField,
    place::{Found, InStore, StorePlace},
    several::{Named, each_of, for_each, unless_foreign},
    sound::{self, Bits, Rate, Sound, parse_rate, write_range},
    target::{STDOUT, Target},
    threads::Threads,
};

/// Write whole recordings: packet for packet as Ogg Opus, or decoded as WAV or FLAC
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Recording; or several recordings or a whole store, written into a directory
    #[arg(value_name = "STORE[/NAME]", required = true)]
    places: Vec<StorePlace>,
    /// Output file (`-` for standard output), or a directory for one file per recording
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Output format [default: by the extension of FILE, otherwise opus]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Sample format of WAV and FLAC
    #[arg(long, value_enum, default_value_t)]
    bits: Bits,
    /// Sample rate of WAV and FLAC: 48000, 24000, 16000, 12000 or 8000; or native, that of the source
    /// [default: 48000]
    #[arg(long, value_name = "HZ", value_parser = parse_rate)]
    rate: Option<Rate>,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    threads: Threads,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Ogg Opus; identical to the imported file if that was stored unchanged
    Opus,
    /// WAV; RF64 above 4 GiB
    Wav,
    /// FLAC with 16 or 24 bits
    Flac,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let (mut recordings, mut is_all) = (Vec::new(), false);
    for place in &args.places {
        match place.find() {
            Ok(Found::Recording(one)) => recordings.push(Ok(one)),
            Ok(Found::Store(store)) => {
                recordings.extend(each_of(place.recordings_of(&store)));
                is_all = true;
            }
            Err(failure) => recordings.push(Err(failure)),
        }
    }
    match Named::once(recordings).as_slice() {
        [Err(failure)] => Err(failure.clone()),
        [Ok(one)] if !is_all && !args.output.as_deref().is_some_and(Path::is_dir) => {
            let path = file_or_stdout(args.output.as_deref())?;
            export(one, path, args, output)
        }
        several => export_into(several, args, output),
    }
}

/// Exports each recording into a directory.
fn export_into(
    recordings: &[Result<InStore, Failure>],
    args: &Args,
    output: &mut Output,
) -> Result<(), Failure> {
    let directory = args.output.as_deref().filter(|path| *path != Path::new(STDOUT));
    let directory = directory.ok_or_else(|| {
        Failure::usage("several recordings need an output directory")
            .with_hint("pass a directory with -o DIR")
    })?;
    if !directory.is_dir() && directory.extension().is_some() && Format::of(directory).is_ok() {
        let message = format!("{directory:?} looks like a file, expected a directory");
        return Err(Failure::usage(message).with_hint("each recording is written to its own file"));
    }
    fs::create_dir_all(directory).map_err(|error| Failure::io("create", directory, &error))?;
    let extension = match args.format {
        None | Some(Format::Opus) => "opus",
        Some(Format::Wav) => "wav",
        Some(Format::Flac) => "flac",
    };
    for_each(recordings, output, |recording, output| {
        let recording = recording.as_ref().map_err(Failure::clone)?;
        let path = directory.join(format!("{}.{extension}", recording.place.name));
        let exported = export(recording, &path, args, output);
        if recordings.len() == 1 { exported } else { unless_foreign(exported, output) }
    })
}

fn export(
    InStore { store, place }: &InStore,
    path: &Path,
    args: &Args,
    output: &mut Output,
) -> Result<(), Failure> {
    let began = Instant::now();
    let format = args.format.map_or_else(|| Format::of(path), Ok)?;
    let opened = Recording::open(store, place.name.as_str());
    let mut recording = or_nearest(opened, store, &place.name)?;
    args.threads.apply(&mut recording);
    let messages = output.messages().clone();
    let target = Target::create(path, args.force, output)?;
    let (bytes, opus) = match format {
        Format::Opus if args.rate.is_some() => {
            return Err(Failure::usage("--rate is for WAV and FLAC: Opus keeps its packets"));
        }
        Format::Opus => {
            let (bytes, sha256) = match is_dated(&recording) {
                true => write_dated(&recording, target)?,
                false => copy(&recording, target, &messages)?,
            };
            let source = &recording.info().source;
            let is_source = source.stored == StoredAs::Verbatim && source.sha256 == sha256;
            (bytes, Some(Opus { sha256, is_source }))
        }
        Format::Wav => (decode(recording, sound::Format::Wav, args, target, &messages)?, None),
        Format::Flac => (decode(recording, sound::Format::Flac, args, target, &messages)?, None),
    };
    let exported = Exported {
        recording: place.field("recording"),
        output: PathField::new("output", path),
        bytes,
        opus,
        elapsed_seconds: began.elapsed().as_secs_f64(),
    };
    if path == Path::new(STDOUT) {
        messages.json(&exported);
        Ok(())
    } else {
        output.data(&exported)
    }
}

impl Format {
    fn of(path: &Path) -> Result<Self, Failure> {
        let Some(extension) = path.extension().and_then(|extension| extension.to_str()) else {
            return Ok(Self::Opus);
        };
        match extension.to_ascii_lowercase().as_str() {
            "opus" | "ogg" | "oga" => Ok(Self::Opus),
            "wav" | "wave" | "rf64" => Ok(Self::Wav),
            "flac" => Ok(Self::Flac),
            _ => Err(Failure::usage(format!("{path:?}: cannot infer a format from the extension"))
                .with_hint("pass --format opus, wav or flac")),
        }
    }
}

/// Whether the file states the start. One that was stored unchanged stays so.
fn is_dated(recording: &Recording) -> bool {
    recording.info().source.stored != StoredAs::Verbatim && recording.utc_of(0).is_some()
}

/// Writes the same packets with the start among the tags; returns the length of the file and its SHA-256.
fn write_dated(recording: &Recording, target: Target<'_>) -> Result<(u64, String), Failure> {
    let mut sink = Hashed { target, hash: Sha256::new(), failure: None };
    let written = recording.write_dated_ogg_opus(&mut sink);
    if let Some(failure) = sink.failure {
        return Err(failure);
    }
    written?;
    let sha256 = hex(sink.hash);
    Ok((sink.target.finish()?, sha256))
}

/// A target that hashes what is written, and keeps why it failed.
struct Hashed<'a> {
    target: Target<'a>,
    hash: Sha256,
    failure: Option<Failure>,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        match self.target.write(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(failure) => {
                let error = io::Error::other(failure.message.clone());
                self.failure = Some(failure);
                Err(error)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Copies the Ogg Opus file; returns its length and SHA-256.
fn copy(
    recording: &Recording,
    mut target: Target<'_>,
    messages: &Messages,
) -> Result<(u64, String), Failure> {
    let bar = sound::bar(messages, recording.info().blob_bytes);
    let (mut blob, mut hash) = (recording.ogg_opus(), Sha256::new());
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = blob.read(&mut buffer).map_err(unread)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        target.write(bytes)?;
        bar.inc(u64::try_from(count).unwrap_or_default());
    }
    let sha256 = hex(hash);
    let expected = &recording.info().blob_sha256;
    if sha256 != *expected {
        let name = recording.name();
        let message =
            format!("recording \"{name}\": Ogg stream has SHA-256 {sha256}, expected {expected}");
        return Err(Failure::new(Exit::Damaged, message));
    }
    Ok((target.finish()?, sha256))
}

/// Decodes from the first packet to the last, which is exact even without a sync map.
fn decode(
    mut recording: Recording,
    format: sound::Format,
    args: &Args,
    target: Target<'_>,
    messages: &Messages,
) -> Result<u64, Failure> {
    let channels = Sound::all_channels(&recording, format);
    let rate = args.rate.unwrap_or(Rate::Decoded(OutputRate::Hz48000));
    rate.apply(&mut recording, channels)?;
    let range = 0..recording.info().play_length;
    let sound = rate.sound(&recording, &range, (format, args.bits))?;
    let mode = recording.read_mode();
    Ok(write_range(&recording, mode, range, sound, target, messages)?.0)
}

/// Unwraps an error of the store, which has its own message.
fn unread(error: io::Error) -> Failure {
    match error.downcast::<opus_zarr::StoreError>() {
        Ok(error) => error.into(),
        Err(error) => Failure::new(Exit::Error, format!("cannot read the recording: {error}")),
    }
}

#[derive(Serialize)]
struct Exported {
    #[serde(flatten)]
    recording: PathField,
    #[serde(flatten)]
    output: PathField,
    bytes: u64,
    #[serde(flatten)]
    opus: Option<Opus>,
    elapsed_seconds: f64,
}

#[derive(Serialize)]
struct Opus {
    sha256: String,
    /// Whether it equals the imported file byte for byte.
    is_source: bool,
}

impl Line for Exported {
    const TYPE: &'static str = "exported";
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { output, bytes, .. } = self;
        write!(f, "{output}: {}", HumanBytes(*bytes))?;
        match &self.opus {
            Some(Opus { is_source: true, .. }) => {
                write!(f, ", identical to the imported file")
            }
            Some(_) => write!(f, ", packet for packet"),
            None => Ok(()),
        }
    }
}

const BUFFER: usize = 1 << 18;
