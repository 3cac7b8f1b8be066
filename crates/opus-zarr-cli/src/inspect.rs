//! Shows the content of a file before it is imported.

mod lines;

use std::{collections::BTreeMap, fs::File, path::PathBuf};

use opus_zarr::{
    AudioError, AudioErrorKind, AudioTrack, Container, DemuxError, DemuxErrorKind, DemuxFinding,
    DemuxOptions, Finding, ImportOptions, OpusStream, PacketSource, PageReader, SAMPLE_RATE,
    Streams, Toc, start_findings,
};

use self::lines::{
    AudioLine, ChunkLine, FindingLine, KindLine, PacketLine, PageLine, StreamLine, TagLine,
};
use crate::{
    failure::{Exit, Failure},
    output::Output,
};

/// Show the content of an audio file: streams, packets, findings; for other audio its format and metadata
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Audio file; Opus in Ogg, WebM, Matroska, MP4 or CAF, or other audio
    file: PathBuf,
    /// List Ogg pages instead, one per line
    #[arg(long, conflicts_with = "packets")]
    pages: bool,
    /// Also list packets, one per line
    #[arg(long)]
    packets: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    if args.pages {
        return pages(args, output);
    }
    let mut streams = match Streams::open(&args.file, &DemuxOptions::default()) {
        Ok(streams) => streams,
        Err(error) if error.kind() == DemuxErrorKind::NoOpus => return audio(args, error, output),
        Err(error) => return Err(failure(args, error)),
    };
    let container = streams.container();
    let (mut last, mut is_played) = (1, false);
    loop {
        match streams.next_stream() {
            Ok(None) => {
                findings(last, streams.findings(), output)?;
                return if is_played { Ok(()) } else { Err(nothing_to_play(args)) };
            }
            Ok(Some(opened)) => {
                last = opened.number();
                is_played |= stream(opened, container, args, output)?;
            }
            Err(error) if error.kind() == DemuxErrorKind::NoOpus => {
                return audio(args, error, output);
            }
            Err(error) => return Err(failure(args, error)),
        }
    }
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
    output: &mut Output,
) -> Result<bool, Failure> {
    output.data(&StreamLine::of(stream, container.name()))?;
    for comment in stream.tags().comments() {
        output.data(&TagLine::of_comment(&comment))?;
    }
    let mut kinds: BTreeMap<(String, u32), Amount> = BTreeMap::new();
    let (mut packets, mut bytes, mut coded) = (0, 0, 0);
    loop {
        let packet = stream.next_packet().map_err(|error| failure(args, error))?;
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
    for finding in start_findings(&args.file, number, &comments, &ImportOptions::default()) {
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

fn failure(args: &Args, error: DemuxError) -> Failure {
    Failure::new(Exit::Error, format!("{:?}: {error:?}", args.file))
}

/// Reads mode, bandwidth and channels from the first byte of a packet (RFC 6716 section 3.1).
fn kind_of(packet: &[u8]) -> String {
    let Some(&first) = packet.first() else { return "empty".to_owned() };
    let toc = Toc::new(first);
    let channels = if toc.is_stereo() { "stereo" } else { "mono" };
    format!("{:?} {:?} band {channels}", toc.mode(), toc.bandwidth())
}

/// Shows audio other than Opus. For a file that is not audio at all, `no_opus` explains more.
fn audio(args: &Args, no_opus: DemuxError, output: &mut Output) -> Result<(), Failure> {
    let of_audio =
        |error: AudioError| Failure::new(Exit::Error, format!("{:?}: {error}", args.file));
    let options = ImportOptions::default();
    let open = |number| AudioTrack::open(&args.file, &options, number);
    let (tracks, left_out) = AudioTrack::importable(&args.file, &options).map_err(of_audio)?;
    let (first, others) = tracks.split_first().unwrap_or((&1, &[]));
    let mut track = match open(*first) {
        Ok(track) => track,
        Err(error) if error.kind() == AudioErrorKind::UnknownFormat => {
            return Err(failure(args, no_opus));
        }
        Err(error) => return Err(of_audio(error)),
    };
    let frames = track.read_to_end().map_err(of_audio)?;
    output.data(&AudioLine::of(track.file(), frames))?;
    for chunk in track.file().chunks() {
        output.data(&ChunkLine::of(&chunk))?;
    }
    for tag in track.file().tags() {
        output.data(&TagLine::new(&tag.name, &tag.value))?;
    }
    audio_findings(&track, output)?;
    for &number in others {
        let mut other = open(number).map_err(of_audio)?;
        other.read_to_end().map_err(of_audio)?;
        audio_findings(&other, output)?;
    }
    for finding in left_out.into_iter().filter(|_| !tracks.is_empty()) {
        output.data(&FindingLine::from(finding))?;
    }
    match frames {
        0 => Err(nothing_to_play(args)),
        _ => Ok(()),
    }
}

fn audio_findings(track: &AudioTrack, output: &mut Output) -> Result<(), Failure> {
    track.findings().into_iter().try_for_each(|finding| output.data(&FindingLine::from(finding)))
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
