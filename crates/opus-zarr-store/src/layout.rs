//! Layout 1: keys and the content of `zarr.json` documents. It is frozen. `docs/format.md`
//! describes it, and later versions must read it.

use serde_json::{Map, Value, json};

/// The layout that this version reads and writes.
pub(crate) const LAYOUT: u64 = 1;

/// The key of our attributes in a group.
pub(crate) const ATTRIBUTES_KEY: &str = "opus_zarr";

/// An array of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArrayKind {
    /// `opus_blob`, the Ogg Opus stream.
    Blob,
    /// `opus_index`, the packet index.
    Index,
    /// `opus_sync`, the sync map.
    Sync,
}

impl ArrayKind {
    pub(crate) const ALL: [Self; 3] = [Self::Blob, Self::Index, Self::Sync];

    /// The name of the array in its recording.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blob => BLOB,
            Self::Index => INDEX,
            Self::Sync => SYNC,
        }
    }
}

/// The member of a group with documents of its arrays.
pub(crate) const CONSOLIDATED: &str = "consolidated_metadata";

/// The member of an array with the names of its dimensions, which early stores lack.
pub(crate) const DIMENSION_NAMES: &str = "dimension_names";

pub(crate) const METADATA: &str = "zarr.json";
pub(crate) const BLOB: &str = "opus_blob";
pub(crate) const INDEX: &str = "opus_index";
pub(crate) const SYNC: &str = "opus_sync";

/// Bytes of a blob shard and of its inner chunks before encoding.
pub(crate) const BLOB_SHARD: u64 = 16 * 1024 * 1024;
pub(crate) const BLOB_CHUNK: u64 = 64 * 1024;
pub(crate) const BLOB_CHUNKS_PER_SHARD: u64 = BLOB_SHARD / BLOB_CHUNK;
/// Bytes of an inner blob chunk in its shard: the chunk and its crc32c.
pub(crate) const BLOB_CHUNK_ENCODED: u64 = BLOB_CHUNK + 4;

/// Rows and bytes of an inner index chunk before encoding.
pub(crate) const INDEX_CHUNK_ROWS: u64 = 10_000;
pub(crate) const INDEX_ROW: u64 = 40;
pub(crate) const INDEX_CHUNK: u64 = INDEX_CHUNK_ROWS * INDEX_ROW;

/// Entries and bytes of a chunk of the sync map before encoding.
pub(crate) const SYNC_CHUNK_ENTRIES: u64 = 10_000;
pub(crate) const SYNC_CHUNK: u64 = SYNC_CHUNK_ENTRIES * SYNC_ENTRY;
const SYNC_COLUMNS: u64 = 3;
const SYNC_ENTRY: u64 = 4 * SYNC_COLUMNS;

/// The rule by which sync maps are measured today. Maps by another rule are not used.
pub(crate) const SYNC_RULE: u64 = 2;
/// The columns of a sync map by the first rule, which took equal output for equal memory.
const SYNC_COLUMNS_OF_RULE_1: u64 = 2;

/// The document of the store's root group.
pub(crate) fn root_group() -> Value {
    group(&json!({ "layout": LAYOUT }), &Map::new(), None)
}

/// The document of a recording's group, with the documents of its arrays inline so that opening
/// takes one read. `others` are foreign attributes.
pub(crate) fn recording_group(
    attributes: &Value,
    others: &Map<String, Value>,
    arrays: &[(ArrayKind, Value)],
) -> Value {
    let metadata: Map<String, Value> = arrays
        .iter()
        .map(|(array, document)| (array.name().to_owned(), document.clone()))
        .collect();
    group(
        attributes,
        others,
        Some(json!({
            "kind": "inline",
            "must_understand": false,
            "metadata": metadata,
        })),
    )
}

/// The document of `opus_blob`.
pub(crate) fn blob_array(blob_bytes: u64) -> Value {
    let codecs = sharded(&[BLOB_CHUNK], &blob_codecs());
    array("uint8", &[blob_bytes], &[BLOB_SHARD], &codecs, &["byte"])
}

/// The document of `opus_index`.
pub(crate) fn index_array(packets: u64) -> Value {
    // Untrusted, so even an impossible number must not overflow.
    let shard = packets.div_ceil(INDEX_CHUNK_ROWS).saturating_mul(INDEX_CHUNK_ROWS);
    let codecs = sharded(&[INDEX_CHUNK_ROWS, 5], &index_codecs());
    array("uint64", &[packets, 5], &[shard, 5], &codecs, &["packet", "index_column"])
}

/// The document of `opus_sync`, measured by a rule. None if this version does not know the rule.
pub(crate) fn sync_array(entries: u64, rule: u64) -> Option<Value> {
    let columns = match rule {
        1 => SYNC_COLUMNS_OF_RULE_1,
        SYNC_RULE => SYNC_COLUMNS,
        _ => return None,
    };
    let codecs = compressed(4 * columns, SYNC_CHUNK_ENTRIES * 4 * columns);
    let (shape, chunk) = ([entries, columns], [SYNC_CHUNK_ENTRIES, columns]);
    Some(array("uint32", &shape, &chunk, &codecs, &["sync_entry", "sync_column"]))
}

/// Codecs of an inner blob chunk. Every codec is an object with a configuration, because some
/// readers reject the shorter forms.
pub(crate) fn blob_codecs() -> Value {
    json!([little_endian(), crc32c()])
}

/// Codecs of an inner index chunk. With whole rows as elements of 40 bytes, the shuffle groups
/// equal bytes of each column, which makes the index compress well.
pub(crate) fn index_codecs() -> Value {
    compressed(INDEX_ROW, INDEX_CHUNK)
}

/// Codecs of a chunk of the sync map, with entries as elements of 12 bytes.
pub(crate) fn sync_codecs() -> Value {
    compressed(SYNC_ENTRY, SYNC_CHUNK)
}

fn compressed(element: u64, chunk: u64) -> Value {
    let blosc = json!({
        "name": "blosc",
        "configuration": {
            "cname": "zstd",
            "clevel": 5,
            "shuffle": "shuffle",
            "typesize": element,
            "blocksize": chunk,
        },
    });
    json!([little_endian(), blosc, crc32c()])
}

fn group(attributes: &Value, others: &Map<String, Value>, consolidated: Option<Value>) -> Value {
    let mut all = others.clone();
    all.insert(ATTRIBUTES_KEY.to_owned(), attributes.clone());
    let mut group = json!({ "zarr_format": 3, "node_type": "group", "attributes": all });
    if let (Some(consolidated), Some(fields)) = (consolidated, group.as_object_mut()) {
        fields.insert(CONSOLIDATED.to_owned(), consolidated);
    }
    group
}

fn sharded(chunk: &[u64], codecs: &Value) -> Value {
    json!([{
        "name": "sharding_indexed",
        "configuration": {
            "chunk_shape": chunk,
            "codecs": codecs,
            "index_codecs": [little_endian(), crc32c()],
            "index_location": "end",
        },
    }])
}

/// Dimensions of different arrays have different names, since readers such as xarray take equal names
/// for equal lengths.
fn array(
    data_type: &str,
    shape: &[u64],
    chunk: &[u64],
    codecs: &Value,
    dimensions: &[&str],
) -> Value {
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": data_type,
        "chunk_grid": { "name": "regular", "configuration": { "chunk_shape": chunk } },
        "chunk_key_encoding": { "name": "default", "configuration": { "separator": "/" } },
        "fill_value": 0,
        "codecs": codecs,
        "attributes": {},
        DIMENSION_NAMES: dimensions,
    })
}

fn little_endian() -> Value {
    json!({ "name": "bytes", "configuration": { "endian": "little" } })
}

fn crc32c() -> Value {
    json!({ "name": "crc32c", "configuration": {} })
}
