#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod causes;
mod clock;
mod conceal;
mod extension_ids;
mod extensions;
mod finding;
mod flags;
mod frames;
mod head;
mod ledger;
mod mapping;
mod packet;
mod self_delimited;
mod source;
mod sync;
mod tags;
mod toc;

pub use causes::fmt_with_causes;
pub use clock::{CodedPos, InvalidRange, InvalidTimeline, PlayPos, Timeline};
pub use conceal::{CONCEALMENT_UNIT, Concealment};
pub use extension_ids::ExtensionIds;
pub use extensions::{Extension, Extensions, InvalidExtension, extension_ids, extensions};
pub use finding::{Finding, FindingKind, Findings};
pub use flags::{
    CeltFlags, FrameFlags, ModeChange, PacketFlags, PostFilter, Redundancy, frame_flags,
};
pub use head::{InvalidHead, OpusHead};
pub use ledger::{Gap, Ledger, TooMuchLost};
pub use mapping::{ChannelMapping, MappingTable};
pub use packet::{
    InvalidPacket, LocatedPacket, MAX_PACKET_DURATION, Packet, duration, multistream_duration,
    shortest_frame,
};
pub use self_delimited::{SelfDelimitedPacket, split_self_delimited, write_self_delimited};
pub use source::PacketSource;
pub use sync::{SyncPoint, SyncTracker};
pub use tags::{InvalidTags, OpusTags};
pub use toc::{Bandwidth, Mode, Toc};

/// Samples per second and channel of every clock in these crates.
///
/// Opus counts time at 48 kHz, regardless of the sample rate of its source (RFC 7845
/// section 4).
pub const SAMPLE_RATE: u32 = 48_000;

/// Converts a length in memory to a position or length in a file. No platform of Rust has more
/// than 64 bits in a `usize`.
#[inline]
pub fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// `main() -> Result` prints errors with `Debug`: it shows the message, not the fields.
macro_rules! debug_shows_message {
    ($($error:ty),+) => {$(
        impl core::fmt::Debug for $error {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }
    )+};
}

debug_shows_message!(
    InvalidExtension,
    InvalidHead,
    InvalidPacket,
    InvalidRange,
    InvalidTags,
    InvalidTimeline,
    TooMuchLost
);
