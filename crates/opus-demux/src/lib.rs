#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod audio;
mod container;
mod error;
mod extensions;
mod finding;
mod input;
mod stream;
mod streams;

pub mod caf;
pub mod mp4;
pub mod raw;
pub mod webm;

pub use audio::AudioFinding;
pub use container::{Container, DETECTION_LEN, RawFormat, RawStream, UnknownContainer};
pub use error::{Error, ErrorKind};
pub use extensions::ExtendedPackets;
pub use finding::{Finding, FindingKind};
pub use ogg_opus_demux as ogg;
pub use opus_packet::{
    CodedPos, ExtensionIds, Gap, InvalidHead, InvalidPacket, InvalidTimeline, LocatedPacket,
    OpusHead, OpusTags, Packet, PacketSource, Timeline,
};
pub use streams::{Options, OpusStream, Streams, open_file};
