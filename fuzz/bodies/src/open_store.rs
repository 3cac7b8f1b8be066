//! Stores.

use std::{
    convert::Infallible,
    io::Write,
    num::NonZeroU8,
    ops::ControlFlow,
    sync::{Arc, LazyLock},
};

use opus_packet::{CodedPos, OpusHead, OpusTags, PlayPos, Timeline};
use opus_packet_index::{
    BlobRead, IndexRead, IndexRow, SyncEntry, SyncRead, SyncStart, rows_to_bytes, sync_to_bytes,
};
use opus_segment_decode::{DecoderLayout, ErrorKind, OutputRate, PacketDecoder, SegmentReader};
use opus_zarr_store::{
    Description, MemoryStorage, Part, RecordingName, RecordingReader, Source, Storage, Store,
    StoredAs, VerifyOptions, WriteStorage, verify,
};
use serde_json::{Value, json};

const OBJECTS: [&str; 8] = [
    "zarr.json",
    "a/zarr.json",
    "a/opus_blob/zarr.json",
    "a/opus_blob/c/0",
    "a/opus_index/zarr.json",
    "a/opus_index/c/0/0",
    "a/opus_sync/zarr.json",
    "a/opus_sync/c/0/0",
];
const DOCUMENT: usize = 1;
const INDEX_SHARD: usize = 5;
const SYNC_CHUNK: usize = 7;
const PACKETS: u64 = 10;
/// CELT in stereo, six frames of one byte each: 120 ms, so that there are three starts.
const PACKET: [u8; 8] = [0xff, 6, 1, 2, 3, 4, 5, 6];
const DURATION: u64 = 5760;

static WHOLE: LazyLock<[Vec<u8>; 8]> = LazyLock::new(|| {
    let memory = MemoryStorage::new();
    write(&Store::open_or_create_in(Arc::new(memory.clone())).unwrap());
    OBJECTS.map(|key| memory.read(key, Part::Whole(1 << 20)).unwrap())
});

fn name() -> RecordingName {
    "a".parse().unwrap()
}

fn write(store: &Store) {
    let mut writer = store.create_recording(&name()).unwrap();
    let (mut blob, mut index) = (writer.blob().unwrap(), writer.index().unwrap());
    for row in rows() {
        blob.write_all(&PACKET).unwrap();
        index.push(row.offset, row.length, u32::try_from(DURATION).unwrap()).unwrap();
    }
    let description = Description::new(
        OpusHead::new(2, 312, 48_000).unwrap(),
        OpusTags::new("", []),
        Timeline::new(312, PACKETS * DURATION, 0).unwrap(),
        Source::new("", StoredAs::Remuxed).format("ogg", "opus"),
    );
    writer.write_sync(&entries(), "none").unwrap();
    writer.commit(description, &blob.finish().unwrap(), &index.finish().unwrap()).unwrap();
}

fn rows() -> Vec<IndexRow> {
    let row = |n| IndexRow {
        offset: 8 * n,
        length: 8,
        duration: DURATION,
        first: DURATION * n,
        last: DURATION * n + DURATION - 1,
    };
    (0..PACKETS).map(row).collect()
}

fn entries() -> [SyncEntry; 3] {
    [
        SyncEntry::ALL,
        SyncEntry::new(1, CodedPos::new(5 * DURATION), None),
        SyncEntry::new(2, CodedPos::new(9 * DURATION), Some(CodedPos::new(9 * DURATION + 960))),
    ]
}

/// Changes a small store as the input says, corrects every checksum, and reads it. It opens or it
/// does not, and what it returns is what its rows and its sync map say.
pub fn open_store(bytes: &[u8]) {
    let (mut objects, mut rows) = (WHOLE.clone(), rows());
    let mut sync = sync_to_bytes(&entries());
    let mut rest = bytes;
    // A broken document hides all other changes, so there are only a few.
    for _ in 0..8 {
        if change(&mut rest, &mut objects, &mut rows, &mut sync).is_none() {
            break;
        }
    }
    check(&objects);
}

/// Makes the change that the next bytes describe.
fn change(
    rest: &mut &[u8],
    objects: &mut [Vec<u8>; 8],
    rows: &mut [IndexRow],
    sync: &mut [u8],
) -> Option<()> {
    match take::<1>(rest)?[0] % 5 {
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
            let row = &mut rows[usize::from(row) % 10];
            let columns = [
                &mut row.offset,
                &mut row.length,
                &mut row.duration,
                &mut row.first,
                &mut row.last,
            ];
            *columns.into_iter().nth(usize::from(column) % 5)? = value;
            forge_index(objects, &stored_chunk(40, 400_000, &rows_to_bytes(rows)));
        }
        3 => {
            let ([number], value) = (take(rest)?, take::<4>(rest)?);
            sync[usize::from(number) % 6 * 4..][..4].copy_from_slice(&value);
            forge_sync(objects, &stored_chunk(8, 80_000, sync));
        }
        _ => {
            let [object, a, b, c, value] = take(rest)?;
            let object = &mut objects[usize::from(object) % 8];
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

/// Changes a document, if it is still one, and corrects its checksum.
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

/// Stores elements of `typesize` bytes as an uncompressed blosc chunk of `len` bytes, padded with
/// zeros and followed by its checksum.
fn stored_chunk(typesize: u8, len: u32, elements: &[u8]) -> Vec<u8> {
    let mut chunk = vec![2, 1, 0x02, typesize];
    for len in [len, len, len + 16] {
        chunk.extend(len.to_le_bytes());
    }
    chunk.extend(elements);
    chunk.resize(usize::try_from(len + 16).unwrap(), 0);
    let checksum = crc32c::crc32c(&chunk);
    chunk.extend(checksum.to_le_bytes());
    chunk
}

fn forge_index(objects: &mut [Vec<u8>; 8], chunk: &[u8]) {
    let len = u64::try_from(chunk.len()).unwrap();
    let places = [0, len].map(u64::to_le_bytes).concat();
    let checksum = crc32c::crc32c(&places).to_le_bytes();
    objects[INDEX_SHARD] = [chunk, &places, &checksum].concat();
    let checksum = checksum_behind(chunk);
    forge(&mut objects[DOCUMENT], |document| {
        if let Some(ours) = document.pointer_mut("/attributes/opus_zarr") {
            ours["index_ranges"] = json!([[0, len]]);
            ours["index_checksums"] = json!(checksum);
        }
    });
}

fn forge_sync(objects: &mut [Vec<u8>; 8], chunk: &[u8]) {
    objects[SYNC_CHUNK] = chunk.to_vec();
    forge(&mut objects[DOCUMENT], |document| {
        if let Some(sync) = document.pointer_mut("/attributes/opus_zarr/sync") {
            sync["checksums"] = json!(checksum_behind(chunk));
        }
    });
}

fn checksum_behind(chunk: &[u8]) -> String {
    format!("{:08x}", chunk.last_chunk().map_or(0, |last| u32::from_le_bytes(*last)))
}

fn check(objects: &[Vec<u8>; 8]) {
    let storage = MemoryStorage::new();
    for (key, bytes) in OBJECTS.iter().zip(objects) {
        let mut object = storage.create(key).unwrap();
        object.write_all(bytes).unwrap();
        object.finish().unwrap();
    }
    let verified =
        verify(&storage, &name(), &VerifyOptions::default(), |_| ControlFlow::Continue(()));
    let is_sound = verified.is_ok_and(|found| {
        assert!(found.packets <= PACKETS && found.chunks <= 3);
        found.faults.is_empty()
    });
    let Ok(reader) = RecordingReader::open_in(Arc::new(storage), &name()) else {
        assert!(!is_sound, "a sound store does not open");
        return;
    };
    let end = reader.timeline().coded_length();
    let mut bytes = Vec::new();
    for range in [0..end, 0..1, end.saturating_sub(1)..end] {
        let span = reader.span(CodedPos::new(range.start)..CodedPos::new(range.end));
        let is_read = match &span {
            Ok(span) => reader.read(span.bytes(), &mut bytes).is_ok(),
            Err(_) => false,
        };
        assert!(is_read || !is_sound || range.is_empty(), "a sound store does not read: {span:?}");
        if let Ok(span) = span {
            assert!(span.samples().start.get() <= range.start);
            assert!(range.end <= span.samples().end.get());
            assert!(span.bytes().end <= reader.info().blob_bytes);
        }
    }
    check_sync(&reader, is_sound);
}

/// Whatever a sync map says, decoding starts before the range, and an exact read returns the
/// samples of the range.
fn check_sync(reader: &RecordingReader, is_sound: bool) {
    let timeline = reader.timeline();
    for at in (0..PACKETS).map(|packet| packet * DURATION) {
        match reader.start(CodedPos::new(at)) {
            Ok(SyncStart { start, exact_from, until }) => {
                assert!(start <= exact_from && exact_from.get() <= at && at < until.get());
            }
            Err(error) => assert!(!is_sound, "a sound store does not read: {error}"),
        }
    }
    let len = timeline.play_length();
    let segments = SegmentReader::new(reader, reader, timeline);
    for start in [0, DURATION, 3 * DURATION + 1, len.saturating_sub(DURATION)] {
        let range = start..len.min(start.saturating_add(3 * DURATION));
        let play = PlayPos::new(range.start)..PlayPos::new(range.end);
        let Ok(coded) = timeline.coded(play.clone()) else { continue };
        let expected = (coded.start.get()..coded.end.get()).map(|at| at % DURATION);
        match segments.read(play, reader, &mut Counter) {
            Ok(samples) => assert!(samples.into_iter().eq(expected)),
            Err(error) if error.kind() == ErrorKind::IndexMismatch && error.packet().is_some() => {}
            Err(error) => assert!(!is_sound, "a sound store does not read: {error}"),
        }
    }
}

/// Decodes every packet to the positions of its samples in it.
struct Counter;

impl PacketDecoder<u64> for Counter {
    type Error = Infallible;

    fn layout(&self) -> DecoderLayout {
        DecoderLayout { channels: 1, streams: NonZeroU8::MIN, rate: OutputRate::Hz48000 }
    }

    fn reset(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn decode(&mut self, packet: &[u8], pcm: &mut [u64]) -> Result<usize, Infallible> {
        let samples = opus_packet::duration(packet).map_or(0, |samples| samples as usize);
        pcm.iter_mut().zip(0..).take(samples).for_each(|(sample, at)| *sample = at);
        Ok(samples)
    }
}
