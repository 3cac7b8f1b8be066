#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod builder;
mod checkpoints;
mod error;
mod packed;
mod ports;
mod row;
mod span;
mod sync;

pub use builder::IndexBuilder;
pub use checkpoints::Checkpoints;
pub use error::{Error, ErrorKind};
pub use opus_packet::CodedPos;
pub use packed::PackedSpan;
pub use ports::{BlobRead, IndexRead, SyncRead};
pub use row::{IndexRow, rows_from_bytes, rows_to_bytes};
pub use span::Span;
pub use sync::{
    SYNC_SPACING, SyncDecoder, SyncEntry, SyncStart, find_sync_start, sync_entry_before,
    sync_from_bytes, sync_to_bytes,
};
