//! A small store, changed, with every checksum made right again: it opens or it does not,
//! and what it gives is what its rows say.

#![no_main]

use std::{
    io::Write,
    sync::{Arc, LazyLock},
};

use libfuzzer_sys::fuzz_target;
use opus_packet::{CodedPos, OpusHead, OpusTags, Timeline};
use opus_packet_index::{BlobRead, IndexRead, IndexRow, rows_to_bytes};
use opus_zarr_store::{
    Description, MemoryStorage, Part, RecordingName, RecordingReader, Source, Storage, Store,
    StoredAs, VerifyOptions, WriteStorage, verify,
};
use serde_json::{Value, json};

const OBJECTS: [&str; 6] = [
    "zarr.json",
    "a/zarr.json",
    "a/opus_blob/zarr.json",
    "a/opus_blob/c/0",
    "a/opus_index/zarr.json",
    "a/opus_index/c/0/0",
];
const DOCUMENT: usize = 1;
const INDEX_SHARD: usize = 5;
const PACKETS: u64 = 7;

static WHOLE: LazyLock<[Vec<u8>; 6]> = LazyLock::new(|| {
    let memory = MemoryStorage::new();
    write(&Store::open_or_create_in(Arc::new(memory.clone())).unwrap());
    OBJECTS.map(|key| memory.read(key, Part::Whole(1 << 20)).unwrap())
});

fn name() -> RecordingName {
    "a".parse().unwrap()
}

fn write(store: &Store) {
    let writer = store.create_recording(&name()).unwrap();
    let (mut blob, mut index) = (writer.blob().unwrap(), writer.index().unwrap());
    for row in rows() {
        blob.write_all(&[0xfc, 2, 3]).unwrap();
        index.push(row.offset, row.length, 960).unwrap();
    }
    let source = Source {
        name: String::new(),
        bytes: 0,
        sha256: String::new(),
        container: "ogg".to_owned(),
        codec: "opus".to_owned(),
        stored: StoredAs::Remuxed,
        stream: 1,
        findings: vec![],
    };
    let description = Description {
        head: OpusHead::new(2, 312, 48_000).unwrap(),
        tags: OpusTags::new("", []),
        timeline: Timeline::new(312, PACKETS * 960, 0).unwrap(),
        gaps: vec![],
        source,
    };
    writer.commit(description, &blob.finish().unwrap(), &index.finish().unwrap()).unwrap();
}

fn rows() -> Vec<IndexRow> {
    let row = |n| IndexRow {
        offset: 3 * n,
        length: 3,
        duration: 960,
        first: 960 * n,
        last: 960 * n + 959,
    };
    (0..PACKETS).map(row).collect()
}

fuzz_target!(|bytes: &[u8]| {
    let (mut objects, mut rows) = (WHOLE.clone(), rows());
    let mut rest = bytes;
    // Of few changes each is seen; a document that is broken hides all others.
    for _ in 0..8 {
        if change(&mut rest, &mut objects, &mut rows).is_none() {
            break;
        }
    }
    check(&objects);
});

/// One change that the next bytes describe.
fn change(rest: &mut &[u8], objects: &mut [Vec<u8>; 6], rows: &mut [IndexRow]) -> Option<()> {
    match take::<1>(rest)?[0] % 4 {
        0 => {}
        1 => {
            let ([at], value) = (take(rest)?, u64::from_le_bytes(take(rest)?));
            forge(&mut objects[DOCUMENT], |document| {
                let mut numbers = numbers(document);
                let count = numbers.len();
                if let Some(number) = numbers.get_mut(usize::from(at) % count.max(1)) {
                    **number = json!(value);
                }
            });
        }
        2 => {
            let ([row, column], value) = (take(rest)?, u64::from_le_bytes(take(rest)?));
            let row = &mut rows[usize::from(row) % 7];
            let columns = [
                &mut row.offset,
                &mut row.length,
                &mut row.duration,
                &mut row.first,
                &mut row.last,
            ];
            *columns.into_iter().nth(usize::from(column) % 5)? = value;
            let chunk = stored_chunk(rows);
            forge_index(objects, &chunk);
        }
        _ => {
            let [object, a, b, c, value] = take(rest)?;
            let object = &mut objects[usize::from(object) % 6];
            let at = usize::try_from(u32::from_le_bytes([a, b, c, 0])).ok()?;
            let at = at % object.len();
            object[at] = value;
        }
    }
    Some(())
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

fn numbers(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Array(items) => items.iter_mut().flat_map(numbers).collect(),
        Value::Object(fields) => fields.values_mut().flat_map(numbers).collect(),
        number if number.is_number() => vec![number],
        _ => vec![],
    }
}

/// Changes a document that is one, and makes its checksum right.
fn forge(bytes: &mut Vec<u8>, change: impl FnOnce(&mut Value)) {
    let Ok(mut document) = serde_json::from_slice::<Value>(bytes) else { return };
    change(&mut document);
    let ours = document.pointer_mut("/attributes/opus_zarr").and_then(Value::as_object_mut);
    if let Some(ours) = ours {
        ours.remove("checksum");
        let mut sorted = Value::Object(ours.clone());
        sorted.sort_all_objects();
        let checksum = crc32c::crc32c(sorted.to_string().as_bytes());
        ours.insert("checksum".to_owned(), json!(format!("{checksum:08x}")));
    }
    *bytes = document.to_string().into_bytes();
}

/// The rows as a chunk of blosc that is not compressed, and its checksum.
fn stored_chunk(rows: &[IndexRow]) -> Vec<u8> {
    let mut chunk = vec![2, 1, 0x02, 40];
    for len in [400_000_u32, 400_000, 400_016] {
        chunk.extend(len.to_le_bytes());
    }
    chunk.extend(rows_to_bytes(rows));
    chunk.resize(400_016, 0);
    let checksum = crc32c::crc32c(&chunk);
    chunk.extend(checksum.to_le_bytes());
    chunk
}

fn forge_index(objects: &mut [Vec<u8>; 6], chunk: &[u8]) {
    let len = u64::try_from(chunk.len()).unwrap();
    let places = [0, len].map(u64::to_le_bytes).concat();
    let checksum = crc32c::crc32c(&places).to_le_bytes();
    objects[INDEX_SHARD] = [chunk, &places, &checksum].concat();
    let checksum = chunk.last_chunk().map_or(0, |last| u32::from_le_bytes(*last));
    forge(&mut objects[DOCUMENT], |document| {
        if let Some(ours) = document.pointer_mut("/attributes/opus_zarr") {
            ours["index_ranges"] = json!([[0, len]]);
            ours["index_checksums"] = json!(format!("{checksum:08x}"));
        }
    });
}

fn check(objects: &[Vec<u8>; 6]) {
    let storage = MemoryStorage::new();
    for (key, bytes) in OBJECTS.iter().zip(objects) {
        let mut object = storage.create(key).unwrap();
        object.write_all(bytes).unwrap();
        object.finish().unwrap();
    }
    let verified = verify(&storage, &name(), &VerifyOptions::default());
    let is_sound = verified.is_ok_and(|found| {
        assert!(found.packets <= PACKETS && found.chunks <= 2);
        found.faults.is_empty()
    });
    let Ok(reader) = RecordingReader::open_in(Arc::new(storage), &name()) else {
        assert!(!is_sound, "what does not open has a fault");
        return;
    };
    let end = reader.timeline().coded_len();
    let mut bytes = Vec::new();
    for range in [0..end, 0..1, end.saturating_sub(1)..end] {
        let span = reader.span(CodedPos::new(range.start)..CodedPos::new(range.end));
        let is_read = match &span {
            Ok(span) => reader.read(span.bytes(), &mut bytes).is_ok(),
            Err(_) => false,
        };
        assert!(is_read || !is_sound || range.is_empty(), "what is sound is read: {span:?}");
        if let Ok(span) = span {
            assert!(span.samples().start.get() <= range.start);
            assert!(range.end <= span.samples().end.get());
            assert!(span.bytes().end <= reader.info().blob_bytes);
        }
    }
}
