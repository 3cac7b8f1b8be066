use std::convert::Infallible;

use opus_packet::{CodedPos, Timeline};
use opus_packet_index::{SyncRead, SyncStart};

/// Samples to decode and drop before the first one that is wanted, so that a
/// decoder which did not hear the packets before has settled: 80 ms at 48 kHz
/// (RFC 7845 section 4.6).
///
/// This is a rule for listening. The samples are at the right place and sound
/// right, but they are not bit for bit those of a decoder that heard all.
pub const APPROXIMATE_PRE_ROLL: u32 = 3840;

/// In the place of a sync map, the assumption that a decoder has settled after some
/// samples: what is read so is approximate.
///
/// A range that begins within the first pre-roll is decoded from the first packet on, as
/// players do, so its samples are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreRoll {
    samples: u32,
    pre_skip: u64,
}

impl PreRoll {
    /// So many samples per channel at 48 kHz, at least [`APPROXIMATE_PRE_ROLL`] if it is to
    /// sound right.
    pub fn new(samples: u32, timeline: &Timeline) -> Self {
        Self { samples, pre_skip: timeline.pre_skip() }
    }

    /// Where decoding begins for the samples from a position on.
    pub fn start_for(&self, position: CodedPos) -> CodedPos {
        let pre_roll = u64::from(self.samples);
        match position.get() <= self.pre_skip + pre_roll {
            true => CodedPos::new(0),
            false => position.saturating_sub(pre_roll),
        }
    }
}

impl SyncRead for PreRoll {
    type Error = Infallible;

    fn start(&self, position: CodedPos) -> Result<SyncStart, Infallible> {
        Ok(SyncStart { start: self.start_for(position), ..SyncStart::BEGINNING })
    }
}
