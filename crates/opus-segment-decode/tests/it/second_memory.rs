//! Decoders with a second memory, which a sync map does not vouch for: reads are exact wherever
//! decoding begins and begins again.

use std::{
    convert::Infallible,
    num::{NonZeroU8, NonZeroUsize},
    ops::Range,
};

use opus_packet::{CodedPos, PlayPos, Timeline};
use opus_packet_index::{IndexBuilder, Span, SyncRead, SyncStart};
use opus_segment_decode::{DecoderLayout, OutputRate, PacketDecoder, SegmentReader};
use proptest::{collection::vec, prelude::*};

/// Samples of a packet: 2.5 ms, the shortest.
const LEN: u64 = 120;
/// The first packets that a decoder gets wrong.
const WRONG: u64 = 3;

/// Every sample of a packet is the second memory before it. Packets hold their number and whether
/// they determine the memory whatever it was before.
#[derive(Default)]
struct Remembering {
    /// Packets since the last reset. The first of them would spoil the memory.
    heard: u64,
    first: Option<u64>,
    memory: u64,
    is_known: bool,
    is_held: bool,
    decoded: usize,
}

impl PacketDecoder<u64> for Remembering {
    type Error = Infallible;

    fn layout(&self) -> DecoderLayout {
        DecoderLayout { channels: 1, streams: NonZeroU8::MIN, rate: OutputRate::Hz48000 }
    }

    fn reset(&mut self) -> Result<(), Infallible> {
        (self.heard, self.first) = (0, None);
        if !self.is_held {
            (self.memory, self.is_known) = (0, false);
        }
        Ok(())
    }

    fn decode(&mut self, packet: &[u8], pcm: &mut [u64]) -> Result<usize, Infallible> {
        let number = u64::from_be_bytes(packet[2..].try_into().unwrap());
        let is_first = *self.first.get_or_insert(number) == 0;
        let spoilt = if is_first || self.heard >= WRONG { 0 } else { 1 << 40 };
        self.heard += 1;
        self.decoded += 1;
        pcm[..120].fill(self.memory);
        if !self.is_held {
            let determines = packet[1] == 1;
            self.is_known |= determines;
            let before = if determines { 0 } else { self.memory };
            self.memory = before.rotate_left(7) ^ (number + 1) ^ spoilt;
        }
        Ok(120)
    }

    fn hold(&mut self, is_held: bool) -> bool {
        self.is_held = is_held;
        !self.is_known
    }
}

/// A start is exact after `WRONG` packets, up to the next of the boundaries, which lie at multiples
/// of `each` samples. Only the beginning is exact beyond them.
struct Starts {
    each: u64,
    /// How many packets before the wanted one a start may become exact.
    early: u64,
}

impl SyncRead for Starts {
    type Error = Infallible;

    fn start(&self, position: CodedPos) -> Result<SyncStart, Infallible> {
        let at = |packet: u64| CodedPos::new(packet * LEN);
        let packet = position.get() / LEN;
        let from = packet.saturating_sub(packet % (self.early + 1));
        Ok(match from.checked_sub(WRONG) {
            Some(start) if start > 0 => {
                let until = CodedPos::new((position.get() / self.each + 1) * self.each);
                SyncStart { start: at(start), exact_from: at(from), until }
            }
            _ => SyncStart::BEGINNING,
        })
    }
}

/// The index and the packets of a recording. `determining` says which determine the memory.
fn recording(determining: &[bool]) -> (Span, Vec<u8>) {
    let (mut builder, mut rows, mut blob) = (IndexBuilder::default(), Vec::new(), Vec::new());
    for (number, &determines) in (0u64..).zip(determining) {
        let offset = u64::try_from(blob.len()).unwrap();
        // CELT, 2.5 ms, one frame.
        blob.extend([28 << 3, u8::from(determines)]);
        blob.extend(number.to_be_bytes());
        rows.push(builder.push(offset, 10, 120).unwrap());
    }
    let len = u64::try_from(blob.len()).unwrap();
    (Span::parse(0, CodedPos::new(0), rows, len).unwrap(), blob)
}

fn decode_all(blob: &[u8]) -> Vec<u64> {
    let (mut decoder, mut pcm) = (Remembering::default(), [0; 120]);
    blob.chunks(10)
        .flat_map(|packet| {
            decoder.decode(packet, &mut pcm).unwrap();
            pcm
        })
        .collect()
}

/// One in `one_in` packets determines the memory, or none.
fn determining() -> impl Strategy<Value = Vec<bool>> {
    prop_oneof![Just(1u32), Just(3), Just(40), Just(u32::MAX)]
        .prop_flat_map(|one_in| vec((0..one_in).prop_map(|number| number == 0), 1..400))
}

/// Between packets, or within them, as no measured map has them.
fn boundaries() -> impl Strategy<Value = u64> {
    prop_oneof![4 => (1u64..50).prop_map(|packets| packets * LEN), 1 => 50..5000u64]
}

proptest! {
    #[test]
    fn every_range_is_exact(
        determining in determining(), each in boundaries(), early in 0u64..20, range in any::<[prop::sample::Index; 2]>(),
    ) {
        let (index, blob) = recording(&determining);
        let all = decode_all(&blob);
        let mut range = range.map(|index| index.index(all.len() + 1));
        range.sort_unstable();
        let Range { start, end } = range[0]..range[1];
        prop_assume!(start < end);
        let play = [start, end].map(|sample| PlayPos::new(u64::try_from(sample).unwrap()));
        let timeline = Timeline::new(0, u64::try_from(all.len()).unwrap(), 0).unwrap();
        let reader = SegmentReader::new(index, blob.as_slice(), timeline);
        let mut decoder = Remembering::default();
        let samples = reader.read(play[0]..play[1], &Starts { each, early }, &mut decoder).unwrap();
        prop_assert_eq!(&samples, &all[start..end]);
        prop_assert!(!decoder.is_held);
        if each % LEN == 0 && determining.iter().all(|determines| *determines) {
            // No more than the wrong packets before each start, and the one that determines.
            let packets = end.div_ceil(120) - start / 120;
            let starts = (end - start) / usize::try_from(each).unwrap() + 3;
            let most = packets + starts * usize::try_from(WRONG + early + 2).unwrap();
            prop_assert!(decoder.decoded <= most, "{} packets, at most {most}", decoder.decoded);
        }
    }
}

/// Pieces that begin where the memory is unknown go back, and those behind them stay in place.
#[test]
fn several_threads_return_the_same() {
    for (one_in, each) in [(3, 100_000), (3, 1500), (5000, 100_000), (5000, 1500), (40_000, 1500)] {
        let determining: Vec<bool> = (1..36_000).map(|number| number % one_in == 0).collect();
        let (index, blob) = recording(&determining);
        let all = decode_all(&blob);
        let length = u64::try_from(all.len()).unwrap();
        let timeline = Timeline::new(0, length, 0).unwrap();
        let reader = SegmentReader::new(index, blob.as_slice(), timeline);
        let play = PlayPos::new(5000)..PlayPos::new(length);
        let starts = Starts { each: each * LEN, early: 7 };
        let stream = reader.stream(play, starts, Remembering::default()).unwrap();
        let threads = NonZeroUsize::new(3).unwrap();
        let mut stream = stream.threads(threads, || Ok::<_, Infallible>(Remembering::default()));
        let mut samples = Vec::new();
        stream.read_to_end(&mut samples).unwrap();
        assert!(samples == all[5000..], "one in {one_in}, each {each}");
    }
}
