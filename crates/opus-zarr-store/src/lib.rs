#![doc = include_str!("../README.md")]

mod blob;
mod codec;
mod document;
mod error;
mod index;
mod info;
mod layout;
mod local;
mod name;
mod reader;
mod shard;
mod store;
mod writer;

pub use blob::{BlobReader, BlobWriter, StoredBlob};
pub use error::Error;
pub use index::{IndexInfo, IndexWriter, StoredIndex};
pub use info::{Gap, RecordingInfo, Source, StoredAs, Tags};
pub use name::{InvalidName, RecordingName};
pub use reader::RecordingReader;
pub use store::Store;
pub use writer::{Description, RecordingWriter};
