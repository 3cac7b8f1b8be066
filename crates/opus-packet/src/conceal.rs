//! Packets that stand in for lost ones (RFC 7845 section 4.1).

use alloc::vec::Vec;

use crate::{MAX_PACKET_DURATION, Packet, Toc, split_self_delimited};

/// Makes packets that ask a decoder to conceal lost audio: their frames are empty (RFC 7845
/// section 4.1).
///
/// The packets keep the mode, bandwidth, channels and frame size of the packet before the
/// loss. The end of the loss may need shorter frames, in CELT if no other mode has them.
///
/// ```
/// use opus_packet::{Concealment, duration};
///
/// // 50 ms are lost after a packet of 20 ms of one stream.
/// let mut concealment = Concealment::new(&[0x78, 1, 2, 3], 1, 2400);
/// let mut filled = 0;
/// while let Some(packet) = concealment.next_packet() {
///     assert_eq!(duration(packet.data), Ok(packet.duration));
///     filled += packet.duration;
/// }
/// assert_eq!(filled, 2400);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Concealment {
    /// One for each Opus stream of the packet before.
    tocs: Vec<Toc>,
    frame_duration: u32,
    remaining: u64,
    packet: Vec<u8>,
}

/// The shortest frame, 2.5 ms, in samples per channel at 48 kHz. Only multiples of it can be
/// concealed.
pub const CONCEALMENT_UNIT: u32 = 120;

impl Concealment {
    /// Conceals `samples` lost samples per channel at 48 kHz, rounded down to a multiple of
    /// [`CONCEALMENT_UNIT`].
    ///
    /// `before` is the packet before the loss. It and the new packets have `streams` Opus
    /// streams. Streams missing from `before`, which is empty at the start of a recording,
    /// count as mono CELT of 20 ms.
    pub fn new(before: &[u8], streams: u8, samples: u64) -> Self {
        let mut tocs = Vec::with_capacity(usize::from(streams));
        let mut rest = before;
        for stream in 1..=streams {
            let is_last = stream == streams;
            let split = if is_last { None } else { split_self_delimited(rest).ok() };
            let toc = rest.first().map_or(SILENCE, |&byte| Toc::new(byte));
            rest = split.map_or(if is_last { rest } else { &[] }, |(_, after)| after);
            tocs.push(toc);
        }
        let frame_duration = tocs.last().map_or(SILENCE, |&toc| toc).frame_duration();
        Self { tocs, frame_duration, remaining: samples, packet: Vec::new() }
    }

    /// Returns whether [`next_packet`](Self::next_packet) has another packet.
    pub fn has_more(&self) -> bool {
        self.remaining >= u64::from(CONCEALMENT_UNIT)
    }

    /// The next packet, or `None` once the loss is filled.
    pub fn next_packet(&mut self) -> Option<Packet<'_>> {
        let duration = self.next_duration()?;
        self.remaining -= u64::from(duration);
        self.packet.clear();
        let last = self.tocs.len().saturating_sub(1);
        for (stream, toc) in self.tocs.iter().enumerate() {
            push_empty_frames(*toc, duration, stream < last, &mut self.packet)?;
        }
        Some(Packet { data: &self.packet, duration })
    }

    /// As many frames of the size before as fit in 120 ms. At the end of the loss, the longest
    /// frame that fits.
    fn next_duration(&self) -> Option<u32> {
        if !self.has_more() {
            return None;
        }
        let most = self.remaining.min(u64::from(MAX_PACKET_DURATION));
        let most = u32::try_from(most).ok()?;
        let whole = most - most % self.frame_duration;
        if whole > 0 {
            return Some(whole);
        }
        FRAME_DURATIONS.into_iter().find(|&duration| duration <= most)
    }
}

/// Appends a packet of one stream with empty frames.
fn push_empty_frames(before: Toc, duration: u32, delimited: bool, out: &mut Vec<u8>) -> Option<()> {
    let size = before.frame_duration();
    let (toc, frames) = if duration % size == 0 {
        (before.with_frame_duration(size)?, duration / size)
    } else {
        // Every duration is a multiple of 2.5 ms, so one divides it.
        FRAME_DURATIONS
            .into_iter()
            .filter(|size| duration % size == 0)
            .find_map(|size| Some((before.with_frame_duration(size)?, duration / size)))?
    };
    match u8::try_from(frames).ok()? {
        1 => out.push(toc.byte()),
        frames => out.extend([toc.with_frame_count(), frames]),
    }
    if delimited {
        out.push(0);
    }
    Some(())
}

/// All frame durations, longest first.
const FRAME_DURATIONS: [u32; 6] = [2880, 1920, 960, 480, 240, 120];
/// Mono CELT, full band, 20 ms.
const SILENCE: Toc = Toc::new(0xf8);

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};
    use core::num::NonZeroU8;

    use proptest::prelude::*;

    use super::*;
    use crate::{Mode, duration, multistream_duration};

    fn all(before: &[u8], streams: u8, samples: u64) -> Vec<Vec<u8>> {
        let mut packets = vec![];
        let mut concealment = Concealment::new(before, streams, samples);
        while let Some(packet) = concealment.next_packet() {
            packets.push(packet.data.to_vec());
        }
        packets
    }

    /// The example of RFC 7845 section 4.1: 95 ms after a SILK packet of 20 ms.
    #[test]
    fn matches_the_example_of_the_rfc() {
        let silk_wide_20_ms = 0b0100_1000;
        let packets = all(&[silk_wide_20_ms, 1, 2], 1, 95 * 48);
        let silk_wide_10_ms = 0b0100_0000;
        let celt_wide_5_ms = 0b1010_1000;
        assert_eq!(
            packets,
            [vec![silk_wide_20_ms | 3, 4], vec![silk_wide_10_ms], vec![celt_wide_5_ms]]
        );
    }

    #[test]
    fn medium_band_becomes_wide_band_in_celt() {
        let silk_medium_10_ms = 0b0010_0000;
        assert_eq!(all(&[silk_medium_10_ms], 1, 120), [[0b1010_0000]]);
    }

    #[test]
    fn a_loss_is_rounded_down_and_needs_no_packet_before() {
        assert_eq!(all(&[], 1, 119), Vec::<Vec<u8>>::new());
        assert_eq!(all(&[], 1, 1199), [[0xf8], [0xe0]]);
        assert!(!Concealment::default().has_more());
        assert_eq!(Concealment::default().next_packet(), None);
    }

    proptest! {
        #[test]
        fn any_loss_is_filled_to_the_unit(tocs in proptest::collection::vec(any::<u8>(), 1..5),
                                          samples in 0u64..100_000) {
            let before: Vec<u8> = tocs.iter().enumerate().flat_map(|(stream, toc)| {
                // One frame. All streams but the last state its length.
                if stream + 1 < tocs.len() { vec![toc & !3, 1, 0] } else { vec![toc & !3, 0] }
            }).collect();
            let streams = u8::try_from(tocs.len()).unwrap();
            let mut filled = 0;
            for packet in all(&before, streams, samples) {
                let samples = multistream_duration(&packet, NonZeroU8::new(streams).unwrap());
                filled += u64::from(samples.unwrap());
                prop_assert!(packet.len() <= 3 * tocs.len());
            }
            prop_assert_eq!(filled, samples - samples % 120);
        }

        #[test]
        fn the_mode_is_kept_where_possible(toc: u8, frames in 1u64..200) {
            let toc = toc & !3;
            let lasts = u64::from(Toc::new(toc).frame_duration());
            for packet in all(&[toc, 9], 1, frames * lasts) {
                prop_assert_eq!(packet[0] & !3, toc);
                prop_assert!(duration(&packet).is_ok());
            }
            let celt = Toc::new(toc).mode() == Mode::Celt;
            let short = all(&[toc, 9], 1, 120);
            prop_assert_eq!(Toc::new(short[0][0]).mode() == Mode::Celt, celt || lasts > 120);
        }
    }
}
