//! Shows the content of a file before it is imported.

mod lines;

use std::{collections::BTreeMap, fs::File, path::PathBuf};

use opus_zarr::{
    AudioError, AudioErrorKind, AudioTrack, Container, DemuxError, DemuxErrorKind, DemuxFinding,
    Finding, ImportOptions, OpusStream, PacketSource, PageReader, SAMPLE_RATE, Streams, Toc,
    start_of_stream,
};

use self::lines::{
    AudioLine, ChunkLine, FindingLine, KindLine, PacketLine, PageLine, StartLine, StreamLine,
    TagLine,
};
use crate::{
    failure::{Exit, Failure},
    output::Output,
    reading::{Reading, TRY_FFMPEG},
};

/// Show the content of an audio file: streams, packets, findings; for other audio its format and metadata
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Audio file; Opus in Ogg, WebM, Matroska, MP4 or CAF, or other audio
    file: PathBuf,
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
    if args.pages {
        return pages(args, output);
    }
    let options = args.reading.options();
    match opus(args, &options, output) {
        Ok(is_played) => is_played.then_some(()).ok_or_else(|| nothing_to_play(args)),
        Err(Fault::Demux(error)) if error.kind() == DemuxErrorKind::NoOpus => {
            audio(args, &options, error, output)
        }
        Err(Fault::Demux(error)) => {
            Err(Failure::new(Exit::Error, format!("{:?}: {error:?}", args.file)))
        }
        Err(Fault::Command(failure)) => Err(failure),
    }
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

/// Shows the streams with Opus. Returns whether anything of them plays.
fn opus(args: &Args, options: &ImportOptions, output: &mut Output) -> Result<bool, Fault> {
    let mut streams = Streams::open(&args.file, &options.demuxing())?;
    let container = streams.container();
    let is_asked = |number| options.stream.is_none_or(|asked| asked == number);
    let (mut last, mut is_played) = (0, false);
    while let Some(opened) = streams.next_stream()? {
        last = opened.number();
        if is_asked(last) {
            is_played |= stream(opened, container, args, options, output)?;
        } else {
            // A strict import reads it too.
            while opened.next_packet()?.is_some() {}
        }
    }
    check_number(args, options, last)?;
    if is_asked(last) {
        findings(last, streams.findings(), output)?;
    }
    Ok(is_played)
}

/// The total of one kind of packet.
#[derive(Default)]
struct Amount {
    packets: u64,
    bytes: u64,
}

/// Shows a stream. Returns whether anything of it plays.
fn stream(
    stream: &mut OpusStream,
    container: Container,
    args: &Args,
    options: &ImportOptions,
    output: &mut Output,
) -> Result<bool, Fault> {
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
            findings(stream.number(), stream.findings(), output)?;
            continue;
        }
        break;
    }
    findings(stream.number(), stream.findings(), output)?;
    for ((kind, samples), amount) in kinds {
        output.data(&KindLine { kind, samples, packets: amount.packets, bytes: amount.bytes })?;
    }
    output.data(&lines::EndLine::of(stream, packets, bytes, coded))?;
    let (number, pre_skip) = (stream.number(), stream.head().pre_skip());
    if stream.timeline().is_none_or(|timeline| timeline.play_length() == 0) {
        let finding = Finding::of_silent_stream(number, coded, pre_skip);
        output.data(&FindingLine::from(finding))?;
        return Ok(false);
    }
    let comments: Vec<_> = stream.tags().comments().collect();
    let (start, doubts) = start_of_stream(&args.file, number, &comments, options);
    if let Some(start) = &start {
        output.data(&StartLine::of(number, start))?;
    }
    for finding in doubts {
        output.data(&FindingLine::from(finding))?;
    }
    Ok(true)
}

fn findings(stream: u64, found: Vec<DemuxFinding>, output: &mut Output) -> Result<(), Failure> {
    for finding in found {
        output.data(&FindingLine::from(Finding::of_stream(stream, &finding)))?;
    }
    Ok(())
}

/// Checks that the requested stream is one of the `count` of the file.
fn check_number(args: &Args, options: &ImportOptions, count: u64) -> Result<(), Failure> {
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

/// Shows audio other than Opus. For a file that is not audio at all, `no_opus` explains more.
fn audio(
    args: &Args,
    options: &ImportOptions,
    no_opus: DemuxError,
    output: &mut Output,
) -> Result<(), Failure> {
    let of_audio = |error: AudioError| {
        let failure = Failure::new(Exit::Error, format!("{:?}: {error}", args.file));
        if error.may_be_known_to_ffmpeg() { failure.with_hint(TRY_FFMPEG) } else { failure }
    };
    let open = |number| AudioTrack::open(&args.file, options, number);
    let (mut tracks, mut left_out) =
        AudioTrack::importable(&args.file, options).map_err(of_audio)?;
    if let Some(asked) = options.stream {
        let count = tracks.len() + left_out.len();
        check_number(args, options, u64::try_from(count).unwrap_or(u64::MAX))?;
        tracks.retain(|number| *number == asked);
        left_out.clear();
    }
    let first = tracks.first().copied().or(options.stream).unwrap_or(1);
    let mut track = match open(first) {
        Ok(track) => track,
        Err(error) if error.kind() == AudioErrorKind::UnknownFormat => {
            let message = format!("{:?}: {no_opus:?}", args.file);
            return Err(Failure::new(Exit::Error, message));
        }
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
    let file = track.file();
    output.data(&AudioLine::of(number, file, frames))?;
    file.chunks().iter().try_for_each(|chunk| output.data(&ChunkLine::of(chunk)))?;
    file.tags().iter().try_for_each(|tag| output.data(&TagLine::new(&tag.name, &tag.value)))?;
    match track.start() {
        Some(start) => output.data(&StartLine::of(number, start)),
        None => Ok(()),
    }
}

fn nothing_to_play(args: &Args) -> Failure {
    Failure::new(Exit::Error, format!("{:?}: nothing to play", args.file))
}

fn pages(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let file = File::open(&args.file).map_err(|error| Failure::io("open", &args.file, &error))?;
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
