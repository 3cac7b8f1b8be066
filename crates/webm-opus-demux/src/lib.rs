#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod block;
mod clock;
mod ebml;
mod error;
mod finding;
mod ids;
mod input;
mod open;
mod reader;
mod resync;
mod tags;
mod tracks;
mod walker;

pub use block::InvalidBlock;
pub use error::Error;
pub use finding::{Finding, FindingKind};
pub use open::is_webm;
pub use reader::{Options, WebmOpusReader, WebmPacket};
pub use tracks::{Track, TrackKind};
