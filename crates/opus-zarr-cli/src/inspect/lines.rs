//! The lines that describe a file.

use std::{fmt, time::Duration};

use opus_zarr::{
    AudioTrack, Finding, MetadataChunk, OpusStream, Page, SAMPLE_RATE, Skipped, Start,
};
use serde::Serialize;

use super::millis;
use crate::{
    output::Line,
    path::PathField,
    recorder::{Field, Recorder},
    text::{Began, Clock, one_line},
};

macro_rules! lines {
    ($($line:ty: $type:literal),+ $(,)?) => {$(
        impl Line for $line {
            const TYPE: &'static str = $type;
        }
    )+};
}

lines! {
    StreamLine: "stream", EndLine: "stream_end", KindLine: "packet_kind", PacketLine: "packet",
    PageLine: "page", TagLine: "tag", StartLine<'_>: "start", FindingLine: "finding", AudioLine: "audio",
    ChunkLine: "chunk", RecorderLine: "recorder", FileLine: "inspected",
}

/// The file that the next lines are about, if there are several.
#[derive(Serialize)]
pub(super) struct FileLine(pub(super) PathField);

impl fmt::Display for FileLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", one_line(&self.0.to_string()))
    }
}

/// An Opus stream.
#[derive(Serialize)]
pub(super) struct StreamLine {
    stream: u64,
    container: String,
    channels: u8,
    mapping_family: u8,
    pre_skip: u16,
    input_sample_rate: u32,
    output_gain: i16,
    vendor: String,
}

impl StreamLine {
    pub(super) fn of(stream: &OpusStream, container: &str) -> Self {
        let head = stream.head();
        Self {
            stream: stream.number(),
            container: container.to_owned(),
            channels: head.channels(),
            mapping_family: head.mapping().family(),
            pre_skip: head.pre_skip(),
            input_sample_rate: head.input_sample_rate(),
            output_gain: head.output_gain(),
            vendor: one_line(&stream.tags().vendor()),
        }
    }
}

impl fmt::Display for StreamLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, container, channels, mapping_family, pre_skip, vendor, .. } = self;
        write!(
            f,
            "stream {stream}: Opus in {container}, channels {channels}, mapping family {mapping_family}, pre-skip {pre_skip}"
        )?;
        if self.input_sample_rate != 0 {
            write!(f, ", encoded from {} Hz", self.input_sample_rate)?;
        }
        if self.output_gain != 0 {
            write!(f, ", gain {:.2} dB", f64::from(self.output_gain) / 256.0)?;
        }
        write!(f, ", written by {vendor}")
    }
}

/// The totals of a stream.
#[derive(Serialize)]
pub(super) struct EndLine {
    stream: u64,
    packets: u64,
    bytes: u64,
    coded_samples: u64,
    play_samples: u64,
    end_trim: u64,
}

impl EndLine {
    pub(super) fn of(stream: &OpusStream, packets: u64, bytes: u64, coded_samples: u64) -> Self {
        let timeline = stream.timeline();
        Self {
            stream: stream.number(),
            packets,
            bytes,
            coded_samples,
            play_samples: timeline.map_or(0, |timeline| timeline.play_length()),
            end_trim: timeline.map_or(0, |timeline| timeline.end_trim()),
        }
    }
}

impl fmt::Display for EndLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { packets, bytes, coded_samples, play_samples, end_trim, .. } = self;
        let length = Clock(Duration::from_secs_f64(of_rate(*play_samples)));
        write!(
            f,
            "  plays {length}: {play_samples} of {coded_samples} samples, {end_trim} trimmed at the end, {packets} packets of {bytes} bytes"
        )
    }
}

/// The packets of one kind.
#[derive(Serialize)]
pub(super) struct KindLine {
    pub(super) kind: String,
    pub(super) samples: u32,
    pub(super) packets: u64,
    pub(super) bytes: u64,
}

impl fmt::Display for KindLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, packets, bytes, samples } = self;
        write!(f, "  {packets:>9} packets, {bytes:>10} bytes: {kind}, {} ms", millis(*samples))
    }
}

/// A packet.
#[derive(Serialize)]
pub(super) struct PacketLine {
    pub(super) packet: u64,
    pub(super) bytes: u64,
    pub(super) samples: u32,
    pub(super) coded_sample: u64,
    pub(super) kind: String,
}

impl fmt::Display for PacketLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { packet, bytes, samples, coded_sample, kind } = self;
        write!(
            f,
            "  packet {packet:>8}: {bytes:>5} bytes, {samples:>4} samples at {coded_sample:>12}, {kind}"
        )
    }
}

/// An Ogg page.
#[derive(Serialize)]
pub(super) struct PageLine {
    byte: u64,
    bytes: usize,
    serial: u32,
    sequence: u32,
    packets_ended: usize,
    is_first: bool,
    is_last: bool,
    is_continued: bool,
}

impl PageLine {
    pub(super) fn of(byte: u64, page: &Page<'_>) -> Self {
        Self {
            byte,
            bytes: page.len(),
            serial: page.serial(),
            sequence: page.sequence(),
            packets_ended: page.packets_ended(),
            is_first: page.is_first(),
            is_last: page.is_last(),
            is_continued: page.is_continued(),
        }
    }
}

impl fmt::Display for PageLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { byte, bytes, serial, sequence, packets_ended, .. } = self;
        write!(
            f,
            "byte {byte:>12}: page {sequence} of stream {serial:#010x}, {bytes} bytes, ends {packets_ended} packets"
        )?;
        let flags = [
            (self.is_first, "first"),
            (self.is_last, "last"),
            (self.is_continued, "continues a packet"),
        ];
        flags.into_iter().filter(|(is, _)| *is).try_for_each(|(_, flag)| write!(f, ", {flag}"))
    }
}

/// A comment.
#[derive(Serialize)]
pub(super) struct TagLine {
    name: String,
    value: String,
}

impl TagLine {
    pub(super) fn new(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.to_owned() }
    }

    pub(super) fn of_comment(comment: &str) -> Self {
        let (name, value) = comment.split_once('=').unwrap_or(("", comment));
        Self::new(name, value)
    }
}

impl fmt::Display for TagLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  tag {} = {}", one_line(&self.name), shortened(&self.value))
    }
}

/// When a stream began.
#[derive(Serialize)]
pub(super) struct StartLine<'a> {
    stream: u64,
    #[serde(flatten)]
    start: &'a Start,
}

impl<'a> StartLine<'a> {
    pub(super) fn of(stream: u64, start: &'a Start) -> Self {
        Self { stream, start }
    }
}

impl fmt::Display for StartLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  started {}", Began(self.start))
    }
}

/// What a recorder wrote.
#[derive(Serialize)]
pub(super) struct RecorderLine {
    pub(super) stream: u64,
    #[serde(flatten)]
    pub(super) recorder: Recorder,
}

impl fmt::Display for RecorderLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.recorder.known().into_iter().map(|(what, text)| format!("{what} {text}"));
        // The chunks of the others are shown as they are.
        let fields =
            self.recorder.fields.iter().filter(|field| !["guano", "ixml"].contains(&field.part));
        let fields = fields.map(|Field { part, name, value }| {
            format!("{part} {} = {}", one_line(name), shortened(value))
        });
        let lines: Vec<_> = known.chain(fields).map(|line| format!("  {line}")).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// A problem in the file, or a note about it.
#[derive(Serialize)]
pub(super) struct FindingLine {
    pub(super) stream: u64,
    pub(super) is_violation: bool,
    pub(super) message: String,
}

impl From<Finding> for FindingLine {
    fn from(Finding { stream, is_violation, message, .. }: Finding) -> Self {
        Self { stream, is_violation, message }
    }
}

impl FindingLine {
    pub(super) fn of_skipped(skipped: Skipped) -> Self {
        let Skipped { offset, bytes, reason, .. } = skipped;
        let message = format!("skipped {bytes} bytes at byte {offset}: {reason}");
        Self { stream: 1, is_violation: true, message }
    }
}

impl fmt::Display for FindingLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_violation { "wrong" } else { "note" };
        write!(f, "  {what}: {}", self.message)
    }
}

/// Audio other than Opus.
#[derive(Serialize)]
pub(super) struct AudioLine {
    track: u64,
    container: String,
    codec: String,
    rate: u32,
    channels: usize,
    tracks: usize,
    samples: u64,
    /// Real seconds.
    seconds: f64,
    decoder: String,
    /// How many times slower the file plays than the sound was.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_expansion: Option<u32>,
}

impl AudioLine {
    pub(super) fn of(number: u64, track: &AudioTrack, samples: u64) -> Self {
        let (format, factor) = (track.file().format(), track.time_expansion().get());
        let rate = f64::from(format.rate) * f64::from(factor);
        Self {
            track: number,
            container: format.container,
            codec: format.codec,
            rate: format.rate,
            channels: format.channels,
            tracks: format.tracks,
            samples,
            seconds: of_rate(samples) * f64::from(SAMPLE_RATE) / rate,
            decoder: format.decoder,
            time_expansion: Some(factor).filter(|factor| *factor > 1),
        }
    }
}

impl fmt::Display for AudioLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { container, codec, rate, channels, samples, decoder, .. } = self;
        let length = Clock(Duration::try_from_secs_f64(self.seconds).unwrap_or_default());
        write!(
            f,
            "{codec} in {container}, {rate} Hz, channels {channels}, {length}: {samples} samples, read by {decoder}"
        )?;
        if let Some(factor) = self.time_expansion {
            let sampled = u64::from(*rate) * u64::from(factor);
            write!(f, ", plays {factor} times slower than it was sampled, at {sampled} Hz")?;
        }
        match self.tracks {
            1 => Ok(()),
            tracks => write!(f, ", track {} of {tracks}", self.track),
        }
    }
}

/// A chunk of WAVE or AIFF.
#[derive(Serialize)]
pub(super) struct ChunkLine {
    id: String,
    byte: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl ChunkLine {
    pub(super) fn of(chunk: &MetadataChunk) -> Self {
        let text = chunk.bytes.as_deref().and_then(|bytes| str::from_utf8(bytes).ok());
        let text = text.filter(|text| !text.contains('\0')).map(str::to_owned);
        Self { id: chunk.id.clone(), byte: chunk.offset, bytes: chunk.len, text }
    }
}

impl fmt::Display for ChunkLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  chunk {:?} at byte {}, {} bytes", self.id, self.byte, self.bytes)?;
        let lines = self.text.iter().flat_map(|text| text.lines()).filter(|line| !line.is_empty());
        lines.take(MAX_LINES).try_for_each(|line| write!(f, "\n    {}", shortened(line)))
    }
}

/// Converts samples at 48 kHz to seconds.
#[allow(clippy::as_conversions, clippy::cast_precision_loss, reason = "for people to read")]
fn of_rate(samples: u64) -> f64 {
    samples as f64 / f64::from(SAMPLE_RATE)
}

fn shortened(text: &str) -> String {
    let line = one_line(text);
    match line.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

const MAX_CHARACTERS: usize = 200;
const MAX_LINES: usize = 100;
