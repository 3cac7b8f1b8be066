//! A small store whose objects can be changed in place and forged.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use opus_packet::{OpusHead, OpusTags, Timeline};
use opus_packet_index::{IndexRow, SyncEntry, rows_to_bytes};
use serde_json::{Value, json};

use crate::{
    Description, Entries, MemoryStorage, Part, RecordingName, Source, Storage, Store, StoredAs,
    codec::ChunkCodec,
    document::attributes_checksum,
    layout::INDEX_CHUNK,
    shard::{ShardWriter, stored_checksum},
};

/// Objects in memory that can be changed in place.
#[derive(Debug)]
pub(super) struct Objects(pub(super) Mutex<BTreeMap<String, Vec<u8>>>);

impl fmt::Display for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory:")
    }
}

impl Storage for Objects {
    fn read(&self, key: &str, part: Part) -> io::Result<Vec<u8>> {
        let objects = self.0.lock().unwrap();
        let object = objects.get(key).ok_or(io::ErrorKind::NotFound)?;
        let at = |place: u64| usize::try_from(place).unwrap();
        let bytes = match part {
            Part::Range(range) => object.get(at(range.start)..at(range.end)),
            Part::Last(count) => object.get(object.len().saturating_sub(at(count))..),
            Part::Whole(_) => object.get(..),
        };
        bytes.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn entries(&self) -> io::Result<Entries<'_>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

pub(super) const ROOT: &str = "zarr.json";
pub(super) const GROUP: &str = "a/zarr.json";
pub(super) const BLOB_DOCUMENT: &str = "a/opus_blob/zarr.json";
pub(super) const BLOB_SHARD: &str = "a/opus_blob/c/0";
pub(super) const INDEX_DOCUMENT: &str = "a/opus_index/zarr.json";
pub(super) const INDEX_SHARD: &str = "a/opus_index/c/0/0";
pub(super) const SYNC_DOCUMENT: &str = "a/opus_sync/zarr.json";
pub(super) const SYNC_CHUNK: &str = "a/opus_sync/c/0/0";
pub(super) const KEYS: [&str; 8] = [
    ROOT,
    GROUP,
    BLOB_DOCUMENT,
    BLOB_SHARD,
    INDEX_DOCUMENT,
    INDEX_SHARD,
    SYNC_DOCUMENT,
    SYNC_CHUNK,
];

pub(super) fn name() -> RecordingName {
    "a".parse().unwrap()
}

/// A store with one recording of a few packets of silence.
pub(super) fn small() -> Objects {
    let memory = MemoryStorage::new();
    let store = Store::open_or_create_in(Arc::new(memory.clone())).unwrap();
    let mut writer = store.create_recording(&name()).unwrap();
    writer.write_sync(&[SyncEntry::ALL], "none").unwrap();
    let (mut blob, mut index) = (writer.blob().unwrap(), writer.index().unwrap());
    blob.write_all(b"something before them").unwrap();
    for packet in 0..7 {
        blob.write_all(&[0xfc, packet, 3]).unwrap();
        index.push(21 + 3 * u64::from(packet), 3, 960).unwrap();
    }
    let source = Source::new("silence.opus", StoredAs::Remuxed);
    let description = Description::new(
        OpusHead::new(2, 312, 48_000).unwrap(),
        OpusTags::new("nobody", ["TITLE=silence"]),
        Timeline::new(312, 7 * 960, 0).unwrap(),
        source.content(1, "00").format("ogg", "opus"),
    );
    writer.commit(description, &blob.finish().unwrap(), &index.finish().unwrap()).unwrap();
    let read = |key: &&str| (String::from(*key), memory.read(key, Part::Last(1 << 30)).unwrap());
    Objects(Mutex::new(KEYS.iter().map(read).collect()))
}

/// The rows of the seven packets of three bytes in [`small`].
pub(super) fn rows() -> Vec<IndexRow> {
    let row = |packet: u64| IndexRow {
        offset: 21 + 3 * packet,
        length: 3,
        duration: 960,
        first: 960 * packet,
        last: 960 * packet + 959,
    };
    (0..7).map(row).collect()
}

impl Objects {
    /// Changes our attributes and fixes their checksum.
    pub(super) fn forge(&self, change: impl FnOnce(&mut Value)) {
        self.forge_document(|document| change(&mut document["attributes"]["opus_zarr"]));
    }

    pub(super) fn forge_document(&self, change: impl FnOnce(&mut Value)) {
        let mut objects = self.0.lock().unwrap();
        let bytes = objects.get_mut(GROUP).unwrap();
        let mut document: Value = serde_json::from_slice(bytes).unwrap();
        change(&mut document);
        if let Some(ours) = document.pointer_mut("/attributes/opus_zarr") {
            let checksum = attributes_checksum(ours);
            ours.as_object_mut().map(|ours| ours.insert("checksum".to_owned(), checksum.into()));
        }
        *bytes = document.to_string().into_bytes();
    }

    /// Puts these rows into the index and fixes every checksum.
    pub(super) fn forge_rows(&self, rows: &[IndexRow]) {
        let mut chunk = rows_to_bytes(rows);
        chunk.resize(usize::try_from(INDEX_CHUNK).unwrap(), 0);
        let encoded = ChunkCodec::index().unwrap().encode(chunk).unwrap();
        self.forge_index_chunk(&encoded);
    }

    /// Puts this encoded chunk into the index, whatever it contains, and fixes every checksum.
    pub(super) fn forge_index_chunk(&self, encoded: &[u8]) {
        let mut shard = ShardWriter::new(Vec::new());
        shard.push(encoded).unwrap();
        let (shard, _) = shard.finish(1).unwrap();
        let checksum = stored_checksum(encoded).unwrap();
        self.0.lock().unwrap().insert(INDEX_SHARD.to_owned(), shard);
        self.forge(|ours| {
            ours["index_ranges"] = json!([[0, encoded.len()]]);
            ours["index_checksums"] = json!(format!("{checksum:08x}"));
        });
    }
}
