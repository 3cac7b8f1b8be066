//! Which samples come out, proved with a decoder whose samples are their own
//! positions.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::{convert::Infallible, num::NonZeroU8, ops::Range};

use opus_packet::{CodedPos, InvalidRange, Packet, PacketSource, PlayPos, Timeline, Toc, duration};
use opus_packet_index::{IndexBuilder, IndexRow, Span};
use opus_segment_decode::{
    APPROXIMATE_PRE_ROLL, DecoderLayout, Error, PacketDecoder, SegmentReader, read_source,
};
use proptest::prelude::*;

const CHANNELS: u64 = 2;

/// Every packet carries the coded position of its first sample, and every
/// decoded sample is `position * CHANNELS + channel`.
#[derive(Default)]
struct Recording {
    blob: Vec<u8>,
    rows: Vec<IndexRow>,
    coded_len: u64,
}

impl Recording {
    fn new(frame_sizes: &[u8]) -> Self {
        let mut builder = IndexBuilder::default();
        let mut recording = Self::default();
        for size in frame_sizes {
            let mut packet = vec![0b1110_0000 | (size % 4) << 3];
            packet.extend(builder.coded_len().to_le_bytes());
            recording.blob.extend(b"between");
            let offset = recording.blob.len().try_into().unwrap();
            let duration = Toc::new(packet[0]).frame_duration();
            recording.rows.push(builder.push(offset, 9, duration).unwrap());
            recording.blob.extend(packet);
        }
        recording.coded_len = builder.coded_len();
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
    decoded: Vec<Range<u64>>,
    resets: usize,
}

impl PacketDecoder<u64> for PositionDecoder {
    type Error = Infallible;

    fn layout(&self) -> DecoderLayout {
        DecoderLayout { channels: 2, streams: NonZeroU8::MIN }
    }

    fn reset(&mut self) -> Result<(), Infallible> {
        self.resets += 1;
        Ok(())
    }

    fn decode(&mut self, packet: &[u8], pcm: &mut [u64]) -> Result<usize, Infallible> {
        let first = u64::from_le_bytes(packet[1..].try_into().unwrap());
        let samples = duration(packet).unwrap();
        self.decoded.push(first..first + u64::from(samples));
        let samples = usize::try_from(samples).unwrap();
        for (value, out) in (first * CHANNELS..).zip(&mut pcm[..samples * 2]) {
            *out = value;
        }
        Ok(samples)
    }
}

struct Walk<'a>(&'a [u8], std::slice::Iter<'a, IndexRow>);

impl PacketSource for Walk<'_> {
    type Error = Infallible;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Infallible> {
        let Some(row) = self.1.next() else { return Ok(None) };
        let at = usize::try_from(row.offset).unwrap();
        let data = &self.0[at..at + usize::try_from(row.length).unwrap()];
        Ok(Some(Packet { data, duration: duration(data).unwrap() }))
    }
}

fn play(range: &Range<u64>) -> Range<PlayPos> {
    PlayPos::new(range.start)..PlayPos::new(range.end)
}

/// (frame sizes, pre-skip, end trim, range), of a recording with something to play.
fn cases() -> impl Strategy<Value = (Vec<u8>, u16, u64, Range<u64>)> {
    (prop::collection::vec(0u8..4, 1..200), 0u16..1000, 0u64..500)
        .prop_filter_map("nothing to play", |(sizes, pre_skip, end_trim)| {
            let timeline =
                Timeline::new(pre_skip, Recording::new(&sizes).coded_len, end_trim).ok()?;
            (timeline.play_len() > 0).then_some((sizes, pre_skip, end_trim, timeline.play_len()))
        })
        .prop_flat_map(|(sizes, pre_skip, end_trim, len)| {
            let range = (0..len).prop_flat_map(move |start| (Just(start), start + 1..=len));
            (Just(sizes), Just(pre_skip), Just(end_trim), range.prop_map(|(a, b)| a..b))
        })
}

proptest! {
    #[test]
    fn every_range_is_at_its_place((sizes, pre_skip, end_trim, range) in cases()) {
        let recording = Recording::new(&sizes);
        let timeline = Timeline::new(pre_skip, recording.coded_len, end_trim).unwrap();
        let first = range.start + u64::from(pre_skip);
        let last = range.end + u64::from(pre_skip);
        let expected: Vec<u64> = (first * CHANNELS..last * CHANNELS).collect();

        let mut decoder = PositionDecoder::default();
        let samples = recording.reader(timeline).read_approximate(play(&range), APPROXIMATE_PRE_ROLL, &mut decoder);
        prop_assert_eq!(&samples.unwrap(), &expected);
        prop_assert_eq!(decoder.resets, 1);
        let decoded = decoder.decoded[0].start..decoder.decoded.last().unwrap().end;
        let pre_roll = u64::from(APPROXIMATE_PRE_ROLL);
        let wanted = if range.start <= pre_roll { 0 } else { first - pre_roll };
        prop_assert!(decoded.start <= wanted && wanted < decoder.decoded[0].end);
        prop_assert!(decoder.decoded.last().unwrap().start < last && last <= decoded.end);

        let mut walking = PositionDecoder::default();
        let walk = Walk(&recording.blob, recording.rows.iter());
        let walked = read_source(walk, &timeline, play(&range), Some(APPROXIMATE_PRE_ROLL), &mut walking);
        prop_assert_eq!(walked.unwrap(), expected);
        prop_assert_eq!(walking.decoded, decoder.decoded);
    }
}

#[test]
fn wrong_ranges_are_told_the_valid_one() {
    let recording = Recording::new(&[3; 10]);
    let reader = recording.reader(Timeline::new(312, 9600, 0).unwrap());
    let read = |range| {
        reader.read_approximate(play(&range), APPROXIMATE_PRE_ROLL, PositionDecoder::default())
    };
    let reversed = Range { start: 7, end: 3 };
    assert!(matches!(read(reversed), Err(Error::Range(InvalidRange::Reversed { .. }))));
    assert!(matches!(read(3..3), Err(Error::Range(InvalidRange::Empty { .. }))));
    let error = read(0..9289).unwrap_err();
    assert_eq!(
        error.to_string(),
        "sample range 0..9289 is out of range; valid ranges lie in 0..9288"
    );
    assert!(!error.is_index_fault());
}

#[test]
fn the_index_of_another_blob_is_an_index_fault() {
    let recording = Recording::new(&[3; 10]);
    let other = Recording::new(&[3, 3, 3, 3, 2, 2, 2, 2, 2, 2]);
    let timeline = Timeline::new(0, 5760, 0).unwrap();
    let reader = SegmentReader::new(other.index(), recording.blob.as_slice(), timeline);
    let error = reader
        .read_approximate(play(&(0..5760)), APPROXIMATE_PRE_ROLL, PositionDecoder::default())
        .unwrap_err();
    assert!(matches!(error, Error::IndexedDuration { packet: 4, indexed: 480, found: 960 }));
    assert!(error.is_index_fault());
}

#[test]
fn a_source_that_ends_early_is_an_error() {
    let recording = Recording::new(&[3; 10]);
    let timeline = Timeline::new(0, 9600 + 1, 0).unwrap();
    let walk = Walk(&recording.blob, recording.rows.iter());
    let range = play(&(9000..9601));
    let error = read_source(walk, &timeline, range, None, PositionDecoder::default());
    assert!(matches!(error, Err(Error::SourceTooShort { end: 9600, expected: 9601 })));
}
