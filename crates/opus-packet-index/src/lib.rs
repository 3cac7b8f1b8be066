#![doc = include_str!("../README.md")]

mod builder;
mod checkpoints;
mod error;
mod ports;
mod row;
mod span;

pub use builder::IndexBuilder;
pub use checkpoints::Checkpoints;
pub use error::InvalidIndex;
pub use ports::{BeyondBlob, BlobRead, IndexRead};
pub use row::{IndexRow, rows_from_bytes, rows_to_bytes};
pub use span::Span;
