#![doc = include_str!("../README.md")]

mod error;
mod import;
mod recording;
mod source;

pub use error::Error;
pub use import::import;
pub use opus_segment_decode::Sample;
pub use opus_zarr_store::{BlobReader, IndexInfo, RecordingInfo, Source, StoredAs, Tags};
pub use recording::{ReadMode, Recording};
