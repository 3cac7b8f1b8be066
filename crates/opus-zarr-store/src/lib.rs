#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod blob;
mod cache;
mod codec;
mod contract;
mod document;
mod error;
mod finisher;
mod hasher;
mod index;
mod info;
mod json;
mod layout;
mod manage;
mod name;
mod object;
mod origin;
mod reader;
mod recording;
mod shard;
mod storage;
mod store;
mod sync;
mod verify;
mod writer;

pub use blob::{BlobReader, BlobWriter, StoredBlob};
pub use contract::{BrokenContract, check_storage};
pub use error::Error;
pub use index::{IndexInfo, IndexWriter, StoredIndex};
pub use info::{Gap, RecordingInfo, Source, StoredAs, SyncInfo, Tags};
pub use name::{InvalidName, RecordingName};
pub use origin::{Certainty, EncoderSettings, MetadataContent, SourceMetadata, Start, Transcoding};
pub use reader::{AsyncRecordingReader, RecordingReader};
pub use storage::{
    AsyncStorage, Draft, Entries, Entry, LocalStorage, MemoryStorage, ObjectWriter, Part,
    PartFuture, Storage, WriteStorage,
};
pub use store::Store;
pub use verify::{
    Fault, FaultKind, Faults, Place, Verification, VerifyLevel, VerifyOptions, verify,
};
pub use writer::{Description, RecordingWriter};
