#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod finding;
mod ledger;
mod opus_demo;
mod reader;
mod self_delimited;
mod window;

pub use error::Error;
pub use finding::{Finding, FindingKind};
pub use opus_demo::OpusDemoReader;
pub use reader::{Options, RawPacket};
pub use self_delimited::SelfDelimitedReader;

/// Why Opus packets with nothing between them are not read, in words for a user.
pub const WHY_BARE_PACKETS_CANNOT_BE_SPLIT: &str = "bare Opus packets cannot be split by \
     anyone: a packet does not say where it ends (RFC 6716 section 3.2), a container must";
