use std::convert::Infallible;

use opus_packet::{CodedPos, Timeline};
use opus_packet_index::{SyncRead, SyncStart};

/// Samples to decode and drop before the first wanted one, so that a decoder that did not decode
/// the earlier packets settles: 0.8 s at 48 kHz.
///
/// RFC 7845 section 4.6 asks for at least 80 ms, enough for listening. With 0.8 s, most reads of
/// CELT equal a full decode bit for bit, and a longer pre-roll hardly improves SILK and hybrid.
pub const APPROXIMATE_PRE_ROLL: u32 = 38_400;

/// Stands in for a sync map by assuming that a decoder settles after a number of samples.
/// Reads through it are approximate.
///
/// A range that begins within the first pre-roll is decoded from the first packet on, as players
/// do, so its samples are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreRoll {
    samples: u32,
    pre_skip: u64,
}

impl PreRoll {
    /// Creates a pre-roll of `samples` per channel at 48 kHz. To sound right, it needs at least
    /// 3,840 (RFC 7845 section 4.6); [`APPROXIMATE_PRE_ROLL`] is closer to a full decode.
    pub fn new(samples: u32, timeline: &Timeline) -> Self {
        Self { samples, pre_skip: timeline.pre_skip() }
    }

    /// Returns where decoding begins for samples from `position` on.
    pub fn start_for(&self, position: CodedPos) -> CodedPos {
        let pre_roll = u64::from(self.samples);
        if position.get() <= self.pre_skip + pre_roll {
            CodedPos::new(0)
        } else {
            position.saturating_sub(pre_roll)
        }
    }

    /// Returns where decoding begins for samples from `position` on, as the start of a sync map.
    /// Nothing is remembered from earlier packets, so it counts as exact however early.
    pub fn start_at(&self, position: CodedPos) -> SyncStart {
        SyncStart { start: self.start_for(position), ..SyncStart::BEGINNING }
    }
}

impl SyncRead for PreRoll {
    type Error = Infallible;

    fn start(&self, position: CodedPos) -> Result<SyncStart, Infallible> {
        Ok(self.start_at(position))
    }
}
