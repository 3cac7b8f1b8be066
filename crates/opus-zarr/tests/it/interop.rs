//! Other Zarr implementations read the stores that we write: every byte and every row, in pieces and
//! as a whole, without a warning. A small script asks each of them, and its output must match the
//! imported file.

mod neighbours;
mod samples;
mod tensorstore;
mod xarray;
mod zarr_python;
mod zarrita;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use ogg_opus_demux::{OggOpusReader, OggOpusWriter};
use opus_packet::{OpusHead, OpusTags};
use opus_packet_index::{
    BlobRead, IndexBuilder, IndexRow, SyncEntry, rows_to_bytes, sync_to_bytes,
};
use opus_zarr::{ImportOptions, Store};
use opus_zarr_testkit::{Random, recordings::import_with, shared::shared_folder, testdata};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Three chunks of the index.
const LONG_PACKETS: u64 = 25_000;
const SHARD: usize = 16 * 1024 * 1024;

#[test]
fn the_long_recording_has_two_shards_and_three_chunks_of_index() {
    let long = WRITTEN.recordings.iter().find(|recording| recording.name == "long").unwrap();
    assert_eq!(long.blob.len().div_ceil(SHARD), 2);
    assert_eq!(long.packets.len().div_ceil(10_000), 3);
}

#[test]
fn our_reader_reads_every_row_and_any_range() {
    let store = Store::open(WRITTEN.store()).unwrap();
    for recording in &WRITTEN.recordings {
        let reader = store.open_recording(&recording.name.parse().unwrap()).unwrap();
        let chunks = reader.index_chunks().unwrap().map(Result::unwrap);
        let rows: Vec<IndexRow> = chunks.flat_map(|chunk| chunk.rows().to_vec()).collect();
        assert!(rows == recording.rows, "{}: other rows", recording.name);
        for &[start, end] in &recording.asked_ranges {
            let mut bytes = Vec::new();
            reader.read(wide(start)..wide(end), &mut bytes).unwrap();
            let is_same = bytes == recording.blob[start..end];
            assert!(is_same, "{}: {start}..{end}", recording.name);
        }
    }
}

/// What we wrote, once for all tests.
struct Written {
    folder: PathBuf,
    recordings: Vec<Stored>,
}

struct Stored {
    name: String,
    /// The imported file, which is the blob.
    blob: Vec<u8>,
    packets: Vec<Vec<u8>>,
    rows: Vec<IndexRow>,
    sync: Vec<SyncEntry>,
    asked_packets: Vec<usize>,
    asked_ranges: Vec<[usize; 2]>,
}

static WRITTEN: LazyLock<Written> = LazyLock::new(|| {
    let folder = shared_folder("interop", write);
    let recordings = files(&folder).iter().map(|file| Stored::read(file, &folder)).collect();
    Written { folder, recordings }
});

fn files(folder: &Path) -> [PathBuf; 3] {
    [testdata("field-notes.opus"), testdata("chirps-stereo.opus"), folder.join("long.opus")]
}

/// Writes the store and the questions.
fn write(folder: &Path) {
    write_long(File::create(folder.join("long.opus")).unwrap());
    let mut questions = BTreeMap::new();
    for file in files(folder) {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let options = ImportOptions::default().exact(true);
        import_with(&file, folder.join("store"), name, &options).unwrap();
        let recording = Stored::read(&file, folder);
        questions.insert(recording.name.clone(), recording.questions());
    }
    fs::write(folder.join("questions.json"), json!(questions).to_string()).unwrap();
}

impl Written {
    fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    /// For each recording, the packets whose rows the scripts read, and the ranges of the blob.
    fn questions(&self) -> PathBuf {
        self.folder.join("questions.json")
    }
}

impl Stored {
    /// Takes a file apart without the store, except for the sync map.
    fn read(file: &Path, folder: &Path) -> Self {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let store = Store::open(folder.join("store")).unwrap();
        let reader = store.open_recording(&name.parse().unwrap()).unwrap();
        let sync = reader.sync_entries().unwrap().unwrap();
        let blob = fs::read(file).unwrap();
        let (packets, rows) = take_apart(&blob);
        let asked_packets = asked_packets(packets.len());
        let asked_ranges = asked_ranges(blob.len());
        Self { name, blob, packets, rows, sync, asked_packets, asked_ranges }
    }

    fn questions(&self) -> Value {
        json!({ "packets": self.asked_packets, "ranges": self.asked_ranges })
    }

    fn asked_rows(&self) -> Value {
        let rows = self.asked_packets.iter().map(|&packet| columns(&self.rows[packet]));
        json!(Vec::from_iter(rows))
    }

    /// The output of scripts that print hashes.
    fn hashes(&self) -> Value {
        let range = |&[start, end]: &[usize; 2]| sha256(&self.blob[start..end]);
        let column = |number: usize| {
            let values = self.rows.iter().flat_map(|row| columns(row)[number].to_le_bytes());
            sha256(&Vec::from_iter(values))
        };
        json!({
            "rows": self.asked_rows(),
            "columns": Vec::from_iter((0..5).map(column)),
            "ranges": Vec::from_iter(self.asked_ranges.iter().map(range)),
            "blob": sha256(&self.blob),
            "index": sha256(&rows_to_bytes(&self.rows)),
            "sync": sha256(&sync_to_bytes(&self.sync)),
        })
    }
}

fn take_apart(blob: &[u8]) -> (Vec<Vec<u8>>, Vec<IndexRow>) {
    let mut reader = OggOpusReader::new(blob).unwrap();
    let mut builder = IndexBuilder::default();
    let (mut packets, mut rows) = (Vec::new(), Vec::new());
    while let Some(packet) = reader.next_located().unwrap() {
        let length = wide(packet.data.len());
        rows.push(builder.push(packet.offset.unwrap(), length, packet.duration).unwrap());
        packets.push(packet.data.to_vec());
    }
    (packets, rows)
}

/// The first packet, the last, and some between.
fn asked_packets(count: usize) -> Vec<usize> {
    let mut random = Random(7);
    let between = (0..30).map(|_| small(random.below(wide(count))));
    [0, count - 1].into_iter().chain(between).collect()
}

/// Both ends of the blob, the border between two shards, and some ranges between.
fn asked_ranges(len: usize) -> Vec<[usize; 2]> {
    let mut random = Random(8);
    let mut ranges = vec![[0, 100], [len - 100, len]];
    if len > SHARD {
        ranges.push([SHARD - 70_000, len.min(SHARD + 70_000)]);
    }
    for _ in 0..20 {
        let range = random.range(wide(len), 200_000);
        ranges.push([small(range.start), small(range.end)]);
    }
    ranges
}

/// Packets of one 20-ms frame each (RFC 6716 section 3.1), filled with random bytes.
fn write_long(file: File) {
    let mut random = Random(1);
    let head = OpusHead::new(1, 312, 48_000).unwrap();
    let tags = OpusTags::new("test", []);
    let mut writer = OggOpusWriter::new(io::BufWriter::new(file), 1, &head, &tags).unwrap();
    for _ in 0..LONG_PACKETS {
        let mut packet = vec![0x78];
        let len = 700 + random.below(575);
        packet.extend((0..len).map(|_| u8::try_from(random.below(256)).unwrap()));
        writer.write(&packet).unwrap();
    }
    writer.finish(0).unwrap();
}

fn columns(row: &IndexRow) -> [u64; 5] {
    [row.offset, row.length, row.duration, row.first, row.last]
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn small(number: u64) -> usize {
    number.try_into().unwrap()
}

fn wide(number: usize) -> u64 {
    number.try_into().unwrap()
}

/// The Python that has the packages of others that read what we write.
pub(crate) fn python(what: &str) -> Option<PathBuf> {
    opus_zarr_testkit::python::neighbours(what)
}

/// A file beside the scripts.
pub(crate) fn interop(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/interop").join(name)
}
