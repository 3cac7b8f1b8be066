use std::convert::Infallible;

use opus_packet::{CodedPos, Timeline};
use opus_packet_index::{SyncRead, SyncStart};

/// Samples to decode and drop before the first wanted one, so that a decoder that did not
/// decode the earlier packets settles: 80 ms at 48 kHz (RFC 7845 section 4.6).
///
/// This rule is for listening. Samples are in the right place and sound right, but they are not
/// bit for bit those of a full decode.
pub const APPROXIMATE_PRE_ROLL: u32 = 3840;

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
    /// [`APPROXIMATE_PRE_ROLL`].
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
