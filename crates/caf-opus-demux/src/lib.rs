#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod chunks;
mod description;
mod error;
mod finding;
mod info;
mod input;
mod ledger;
mod packet_table;
mod reader;

pub use error::Error;
pub use finding::{Finding, FindingKind};
pub use reader::{CafOpusReader, CafPacket, Options};

/// Whether a file that begins with these bytes is a CAF file.
pub fn is_caf(start: &[u8]) -> bool {
    start.starts_with(chunks::MAGIC)
}
