#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod boxes;
mod clock;
mod edits;
mod error;
mod extents;
mod finding;
mod fourcc;
mod fragments;
mod input;
mod ledger;
mod movie;
mod reader;
mod sample_entry;
mod sample_table;
mod samples;
mod table;
mod tags;
mod track;

pub use boxes::is_mp4;
pub use error::Error;
pub use finding::{Finding, FindingKind};
pub use fourcc::FourCc;
pub use reader::{Mp4OpusReader, Mp4Packet, Options};
pub use track::Track;
