#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod blob;
mod cache;
mod clock;
mod codec;
mod contract;
mod document;
mod edit;
mod equivalent;
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
mod path_text;
mod reader;
mod recording;
mod shard;
mod storage;
mod store;
mod sync;
mod verify;
mod writer;

pub use blob::{BlobReader, BlobWriter, StoredBlob};
pub use clock::{ClockChange, ClockCorrection, InvalidClock};
pub use contract::{BrokenContract, check_async_storage, check_storage, check_write_storage};
pub use error::{Error, ErrorKind, Operation};
pub use index::{IndexInfo, IndexWriter, StoredIndex};
pub use info::{Gap, RecordingInfo, SyncInfo, Tags};
pub use layout::ArrayKind;
pub use name::{InvalidName, RecordingName, is_control};
pub use opus_packet::{CodedPos, ExtensionIds, OpusHead, OpusTags, Timeline};
pub use opus_packet_index::{
    BlobRead, IndexRead, IndexRow, Span, SyncDecoder, SyncEntry, SyncRead, SyncStart,
};
pub use origin::{
    Certainty, EncoderSettings, MetadataContent, Source, SourceMetadata, Start, StoredAs,
    Transcoding,
};
pub use path_text::{hex_unless_utf8, path_text, quoted};
pub use reader::{AsyncRecordingReader, RecordingReader};
pub use serde_json;
pub use storage::{
    AsyncStorage, Claim, Draft, Entries, EntriesFuture, Entry, LocalStorage, MemoryStorage,
    ObjectWriter, Part, PartFuture, Storage, WriteStorage,
};
pub use store::{AsyncStore, Listed, Store};
pub use verify::{
    Component, Fault, FaultKind, Faults, Place, Verification, VerifyLevel, VerifyOptions,
    VerifyProgress, verify,
};
pub use writer::{Description, RecordingWriter};
