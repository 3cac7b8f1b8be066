#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod clock;
mod conceal;
mod head;
mod mapping;
mod packet;
mod self_delimited;
mod source;
mod tags;
mod toc;

pub use clock::{CodedPos, InvalidRange, InvalidTimeline, PlayPos, Timeline};
pub use conceal::{CONCEALMENT_UNIT, Concealment};
pub use head::{InvalidHead, OpusHead};
pub use mapping::{ChannelMapping, MappingTable};
pub use packet::{
    InvalidPacket, MAX_PACKET_DURATION, Packet, duration, multistream_duration, shortest_frame,
};
pub use self_delimited::{SelfDelimitedPacket, split_self_delimited, write_self_delimited};
pub use source::PacketSource;
pub use tags::{InvalidTags, OpusTags};
pub use toc::{Bandwidth, Mode, Toc};

/// Samples per second, per channel, of every clock in these crates.
///
/// Opus counts time at 48 kHz whatever the rate of the audio it was made from
/// (RFC 7845 section 4).
pub const SAMPLE_RATE: u32 = 48_000;
