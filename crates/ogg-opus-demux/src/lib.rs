#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod assembler;
mod contents;
mod crc;
mod error;
mod finding;
mod granule;
mod group;
mod input;
mod link;
mod opening;
mod page;
mod page_reader;
mod reader;
mod violation;
mod writer;

pub use error::{Error, ErrorKind};
pub use finding::{Finding, FindingKind};
pub use input::{Buffered, Input};
pub use opus_packet::{
    CodedPos, Gap, InvalidHead, InvalidPacket, InvalidTags, InvalidTimeline, LocatedPacket,
    OpusHead, OpusTags, Packet, PacketSource, Timeline,
};
pub use page::{InvalidPage, Page};
pub use page_reader::{PageReader, Skipped, is_ogg};
pub use reader::{OggOpusReader, Options};
pub use violation::{Note, Violation};
pub use writer::OggOpusWriter;
