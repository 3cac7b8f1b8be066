//! The position of every sample, checked with a decoder whose samples are their own positions.

use std::{convert::Infallible, num::NonZeroU8, ops::Range};

use opus_packet::{CodedPos, PlayPos, Timeline, Toc, duration};
use opus_packet_index::{IndexBuilder, IndexRead, IndexRow, Span, SyncRead, SyncStart};
use opus_segment_decode::{
    APPROXIMATE_PRE_ROLL, DecoderLayout, ErrorKind, OutputRate, PacketDecoder, PreRoll,
    SegmentReader,
};
use proptest::prelude::*;

const CHANNELS: u64 = 2;

/// Every packet carries the coded position of its first sample, and every
/// decoded sample is `position * CHANNELS + channel`.
#[derive(Default)]
struct Recording {
    blob: Vec<u8>,
    rows: Vec<IndexRow>,
    coded_length: u64,
}

impl Recording {
    fn new(frame_sizes: &[u8]) -> Self {
        let mut builder = IndexBuilder::default();
        let mut recording = Self::default();
        for size in frame_sizes {
            let mut packet = vec![0b1110_0000 | (size % 4) << 3];
            packet.extend(builder.coded_length().to_le_bytes());
            recording.blob.extend(b"between");
            let offset = recording.blob.len().try_into().unwrap();
            let duration = Toc::new(packet[0]).frame_duration();
            recording.rows.push(builder.push(offset, 9, duration).unwrap());
            recording.blob.extend(packet);
        }
        recording.coded_length = builder.coded_length();
        recording
    }

    fn index(&self) -> Span {
        let len = self.blob.len().try_into().unwrap();
        Span::parse(0, CodedPos::new(0), self.rows.clone(), len).unwrap()
    }

    fn reader(&self, timeline: Timeline) -> SegmentReader<Span, &[u8]> {
        SegmentReader::new(self.index(), self.blob.as_slice(), timeline)
    }
}

#[derive(Default)]
struct PositionDecoder {
    rate: OutputRate,
    decoded: Vec<Range<u64>>,
    resets: usize,
}

impl PacketDecoder<u64> for PositionDecoder {
    type Error = Infallible;

    fn layout(&self) -> DecoderLayout {
        DecoderLayout { channels: 2, streams: NonZeroU8::MIN, rate: self.rate }
    }

    fn reset(&mut self) -> Result<(), Infallible> {
        self.resets += 1;
        Ok(())
    }

    fn decode(&mut self, packet: &[u8], pcm: &mut [u64]) -> Result<usize, Infallible> {
        let first = u64::from_le_bytes(packet[1..].try_into().unwrap());
        let divisor = u64::from(self.rate.divisor());
        let samples = u64::from(duration(packet).unwrap());
        self.decoded.push(first..first + samples);
        let samples = usize::try_from(samples / divisor).unwrap();
        for (value, out) in (first / divisor * CHANNELS..).zip(&mut pcm[..samples * 2]) {
            *out = value;
        }
        Ok(samples)
    }
}

fn play(range: &Range<u64>) -> Range<PlayPos> {
    PlayPos::new(range.start)..PlayPos::new(range.end)
}

/// (frame sizes, pre-skip, end trim, range) of a recording that plays something.
fn cases() -> impl Strategy<Value = (Vec<u8>, u16, u64, Range<u64>)> {
    (prop::collection::vec(0u8..4, 1..200), 0u16..1000, 0u64..500)
        .prop_filter_map("nothing to play", |(sizes, pre_skip, end_trim)| {
            let timeline =
                Timeline::new(pre_skip, Recording::new(&sizes).coded_length, end_trim).ok()?;
            (timeline.play_length() > 0).then_some((
                sizes,
                pre_skip,
                end_trim,
                timeline.play_length(),
            ))
        })
        .prop_flat_map(|(sizes, pre_skip, end_trim, len)| {
            let range = (0..len).prop_flat_map(move |start| (Just(start), start + 1..=len));
            (Just(sizes), Just(pre_skip), Just(end_trim), range.prop_map(|(a, b)| a..b))
        })
}

fn timeline(recording: &Recording, pre_skip: u16, end_trim: u64) -> Timeline {
    Timeline::new(pre_skip, recording.coded_length, end_trim).unwrap()
}

/// The samples of a range at a rate.
fn expected(range: &Range<u64>, pre_skip: u16, rate: OutputRate) -> Vec<u64> {
    let pre_skip = u64::from(pre_skip);
    let coded = CodedPos::new(range.start + pre_skip)..CodedPos::new(range.end + pre_skip);
    let samples = rate.samples(&coded);
    (samples.start * CHANNELS..samples.end * CHANNELS).collect()
}

fn rates() -> impl Strategy<Value = OutputRate> {
    let rates = [48_000, 24_000, 16_000, 12_000, 8000].map(|hz| OutputRate::try_from(hz).unwrap());
    prop::sample::select(rates.to_vec())
}

/// A sync map whose starts are exact for `each` samples and lie `back` samples before them.
struct Starts {
    each: u64,
    back: u64,
}

impl SyncRead for Starts {
    type Error = Infallible;

    fn start(&self, position: CodedPos) -> Result<SyncStart, Infallible> {
        let until = (position.get() / self.each + 1) * self.each;
        let start = position.saturating_sub(self.back);
        Ok(SyncStart { start, exact_from: position, until: CodedPos::new(until) })
    }
}

proptest! {
    #[test]
    fn every_range_decodes_to_its_own_samples((sizes, pre_skip, end_trim, range) in cases(), rate in rates()) {
        let recording = Recording::new(&sizes);
        let timeline = timeline(&recording, pre_skip, end_trim);
        let (first, last) = (range.start + u64::from(pre_skip), range.end + u64::from(pre_skip));
        let mut decoder = PositionDecoder { rate, ..PositionDecoder::default() };
        let pre_roll = PreRoll::new(APPROXIMATE_PRE_ROLL, &timeline);
        let samples = recording.reader(timeline).read(play(&range), &pre_roll, &mut decoder);
        let expected = expected(&range, pre_skip, rate);
        prop_assert_eq!(&samples.unwrap(), &expected);
        if expected.is_empty() {
            return Ok(());
        }
        prop_assert_eq!(decoder.resets, 1);
        let decoded = decoder.decoded[0].start..decoder.decoded.last().unwrap().end;
        let divisor = u64::from(rate.divisor());
        let first_kept = first.div_ceil(divisor) * divisor;
        let pre_roll = u64::from(APPROXIMATE_PRE_ROLL);
        let is_near = first_kept <= pre_roll + u64::from(pre_skip);
        let wanted = if is_near { 0 } else { first_kept - pre_roll };
        prop_assert!(decoded.start <= wanted && wanted < decoder.decoded[0].end);
        prop_assert!(decoder.decoded.last().unwrap().start < last && last <= decoded.end);
    }

    /// The same samples come out whatever the buffer size and wherever decoding restarts.
    #[test]
    fn a_stream_returns_the_same_samples(
        (sizes, pre_skip, end_trim, range) in cases(),
        rate in rates(), room in 1usize..5000, each in 100u64..10_000, back in 0u64..5000,
    ) {
        let recording = Recording::new(&sizes);
        let reader = recording.reader(timeline(&recording, pre_skip, end_trim));
        let decoder = PositionDecoder { rate, ..PositionDecoder::default() };
        let mut stream = reader.stream(play(&range), Starts { each, back }, decoder).unwrap();
        let expected = expected(&range, pre_skip, rate);
        prop_assert_eq!(stream.left(), expected.len());
        let (mut samples, mut out) = (Vec::new(), vec![0; room]);
        loop {
            let count = stream.read(&mut out).unwrap();
            samples.extend_from_slice(&out[..count]);
            prop_assert_eq!(stream.left(), expected.len() - samples.len());
            if count < room {
                break;
            }
        }
        prop_assert_eq!(samples, expected);
    }
}

/// An index whose later part cannot be read `fails` times.
struct Failing {
    index: Span,
    fails: std::cell::Cell<u32>,
}

impl IndexRead for Failing {
    type Error = std::io::Error;

    fn span(&self, samples: Range<CodedPos>) -> Result<Span, std::io::Error> {
        if samples.start.get() > 48_000 && self.fails.get() > 0 {
            self.fails.set(self.fails.get() - 1);
            return Err(std::io::Error::other("offline"));
        }
        self.index.span(samples).map_err(std::io::Error::other)
    }
}

/// A stream returns the readable samples, then the error, then continues from there.
#[test]
fn a_stream_continues_after_an_error() {
    let recording = Recording::new(&[3; 200]);
    let timeline = timeline(&recording, 0, 0);
    let index = Failing { index: recording.index(), fails: 1.into() };
    let reader = SegmentReader::new(index, recording.blob.as_slice(), timeline);
    let starts = Starts { each: 60_000, back: 3000 };
    let mut stream = reader.stream(play(&(0..96_000)), starts, PositionDecoder::default()).unwrap();
    let mut samples = Vec::new();
    let error = stream.read_to_end(&mut samples).unwrap_err();
    assert_eq!(format!("{error:?}"), "cannot read the index: offline");
    assert!(error.is_index_fault());
    assert_eq!(samples.len(), 120_000);
    stream.read_to_end(&mut samples).unwrap();
    assert!(samples == expected(&(0..96_000), 0, OutputRate::Hz48000));
}

/// A sync map that breaks its contract causes an error instead of a loop.
#[test]
fn a_start_that_does_not_hold_is_an_error() {
    struct Wrong(SyncStart);

    impl SyncRead for Wrong {
        type Error = Infallible;

        fn start(&self, _: CodedPos) -> Result<SyncStart, Infallible> {
            Ok(self.0)
        }
    }

    let recording = Recording::new(&[3; 10]);
    let reader = recording.reader(timeline(&recording, 0, 0));
    for found in [[0, 0, 5000], [0, 0, 0], [6000, 6000, 9600], [0, 6000, 9600]] {
        let [start, exact_from, until] = found.map(CodedPos::new);
        let wrong = Wrong(SyncStart { start, exact_from, until });
        let error = reader.read(play(&(5000..6000)), &wrong, PositionDecoder::default());
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SyncMismatch, "{error}");
    }
}

/// The timeline allows this range, but it would not fit in memory.
#[test]
fn a_range_without_packets_is_an_error() {
    let recording = Recording::new(&[3; 10]);
    let timeline = Timeline::new(0, i64::MAX.try_into().unwrap(), 0).unwrap();
    let reader = recording.reader(timeline);
    let pre_roll = PreRoll::new(APPROXIMATE_PRE_ROLL, &timeline);
    let range = play(&(0..timeline.play_length()));
    let error = reader.read(range, &pre_roll, PositionDecoder::default()).unwrap_err();
    assert!(error.is_index_fault(), "{error}");
}

#[test]
fn an_invalid_range_names_the_valid_one() {
    let recording = Recording::new(&[3; 10]);
    let timeline = timeline(&recording, 312, 0);
    let pre_roll = PreRoll::new(APPROXIMATE_PRE_ROLL, &timeline);
    let reader = recording.reader(timeline);
    let read = |range| reader.read(play(&range), &pre_roll, PositionDecoder::default());
    let reversed = Range { start: 7, end: 3 };
    for (range, problem) in [
        (reversed, "7..3 is reversed"),
        (3..3, "3..3 is empty"),
        (0..9289, "0..9289 is out of range"),
    ] {
        let error = read(range).unwrap_err();
        let expected = format!("sample range {problem}; valid ranges lie in 0..9288");
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Range, expected));
        assert!(!error.is_index_fault());
    }
}

#[test]
fn the_index_of_another_blob_is_an_index_fault() {
    let recording = Recording::new(&[3; 10]);
    let other = Recording::new(&[3, 3, 3, 3, 2, 2, 2, 2, 2, 2]);
    let timeline = Timeline::new(0, 5760, 0).unwrap();
    let reader = SegmentReader::new(other.index(), recording.blob.as_slice(), timeline);
    let pre_roll = PreRoll::new(APPROXIMATE_PRE_ROLL, &timeline);
    let error = reader.read(play(&(0..5760)), &pre_roll, PositionDecoder::default()).unwrap_err();
    assert_eq!((error.kind(), error.packet()), (ErrorKind::IndexMismatch, Some(4)));
    assert_eq!(error.to_string(), "packet 4: 960 samples, but the index states 480");
    assert!(error.is_index_fault());
}
