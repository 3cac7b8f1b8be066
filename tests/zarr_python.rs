//! zarr-python reads the stores that `opus_zarr::import` writes: every byte and every
//! row, in pieces and as a whole, without a warning.
//!
//! It runs in a virtual environment below the target directory, made by the first run.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod support;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

use ogg_opus_demux::{OggOpusReader, OggOpusWriter};
use opus_packet::{OpusHead, OpusTags};
use opus_packet_index::{IndexBuilder, IndexRow, rows_to_bytes};
use opus_zarr::{Recording, import};
use serde_json::{Value, json};
use support::{Random, say_skipped, testdata};

/// Three chunks of the index.
const LONG_PACKETS: u64 = 25_000;
const SHARD: usize = 16 * 1024 * 1024;

#[test]
fn the_root_group_has_a_layout_and_the_recordings() {
    let Some(store) = STORE.as_ref() else { return };
    assert_eq!(store.answers["groups"], json!(["chirps-stereo", "field-notes", "long"]));
    assert_eq!(store.answers["arrays"], json!([]));
    assert_eq!(store.answers["attributes"], json!({ "opus_zarr": { "layout": 1 } }));
}

#[test]
fn the_arrays_have_their_types_and_shapes() {
    for recording in recordings() {
        let arrays = json!({
            "opus_blob": { "dtype": "uint8", "shape": [recording.blob.len()], "chunks": [65_536] },
            "opus_index": {
                "dtype": "uint64",
                "shape": [recording.packets.len(), 5],
                "chunks": [10_000, 5],
            },
        });
        assert_eq!(recording.answers["plain"]["arrays"], arrays, "{}", recording.name);
    }
}

#[test]
fn the_attributes_are_those_of_the_recording() {
    for recording in recordings() {
        let attributes = &recording.answers["plain"]["attributes"]["opus_zarr"];
        assert_eq!(attributes["layout"], 1);
        assert_eq!(attributes["packet_count"], recording.packets.len());
        assert_eq!(attributes["blob_bytes"], recording.blob.len());
        assert_eq!(attributes["blob_sha256"], recording.answers["blob_sha256"]);
    }
}

#[test]
fn the_consolidated_metadata_says_the_same() {
    for Stored { name, answers, .. } in recordings() {
        assert_eq!(answers["consolidated"], answers["plain"], "{name}");
    }
}

#[test]
fn every_byte_of_the_blob_is_read() {
    for recording in recordings() {
        assert!(recording.read_blob == recording.blob, "{}: another blob", recording.name);
    }
}

#[test]
fn every_row_of_the_index_is_read() {
    for recording in recordings() {
        let is_same = recording.read_index == rows_to_bytes(&recording.rows);
        assert!(is_same, "{}: another index", recording.name);
    }
}

#[test]
fn any_row_of_the_index_is_read() {
    for recording in recordings() {
        let rows = recording.asked_packets.iter().map(|&packet| columns(&recording.rows[packet]));
        assert_eq!(recording.answers["rows"], json!(Vec::from_iter(rows)), "{}", recording.name);
    }
}

#[test]
fn any_row_of_the_index_leads_to_its_packet() {
    for recording in recordings() {
        let packets = recording.asked_packets.iter().map(|&packet| hex(&recording.packets[packet]));
        assert_eq!(recording.answers["packets"], json!(Vec::from_iter(packets)));
    }
}

#[test]
fn any_range_of_the_blob_is_read() {
    for recording in recordings() {
        let bytes = |&[start, end]: &[usize; 2]| hex(&recording.blob[start..end]);
        let ranges = recording.asked_ranges.iter().map(bytes);
        assert_eq!(recording.answers["ranges"], json!(Vec::from_iter(ranges)));
    }
}

#[test]
fn the_long_recording_has_two_shards_and_three_chunks_of_index() {
    for recording in recordings().iter().filter(|recording| recording.name == "long") {
        assert_eq!(recording.blob.len().div_ceil(SHARD), 2);
        assert_eq!(recording.packets.len().div_ceil(10_000), 3);
    }
}

/// What we wrote, and what zarr-python read.
struct Store {
    recordings: Vec<Stored>,
    answers: Value,
}

struct Stored {
    name: String,
    blob: Vec<u8>,
    packets: Vec<Vec<u8>>,
    rows: Vec<IndexRow>,
    asked_packets: Vec<usize>,
    asked_ranges: Vec<[usize; 2]>,
    answers: Value,
    read_blob: Vec<u8>,
    read_index: Vec<u8>,
}

/// Written and read once, for all tests. None without Python.
static STORE: LazyLock<Option<Store>> = LazyLock::new(|| {
    let python = python()?;
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("long.opus");
    write_long(File::create(&long).unwrap());
    let store = folder.path().join("store");
    let mut recordings: Vec<Stored> =
        [testdata("field-notes.opus"), testdata("chirps-stereo.opus"), long]
            .iter()
            .map(|file| Stored::write(file, &store))
            .collect();
    let mut answers = ask(&python, &store, folder.path(), &recordings);
    for recording in &mut recordings {
        recording.answers = answers["recordings"][&recording.name].take();
        let read = |array| fs::read(folder.path().join(&recording.name).with_extension(array));
        recording.read_blob = read("opus_blob").unwrap();
        recording.read_index = read("opus_index").unwrap();
    }
    Some(Store { recordings, answers })
});

fn recordings() -> &'static [Stored] {
    STORE.as_ref().map_or(&[], |store| &store.recordings)
}

impl Stored {
    /// Imports a file, and takes it apart without the store.
    fn write(file: &Path, store: &Path) -> Self {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let recording = import(file, store, &name).unwrap().into_first();
        let blob = blob_of(&recording);
        let (packets, rows) = take_apart(&blob);
        let asked_packets = asked_packets(packets.len());
        let asked_ranges = asked_ranges(blob.len());
        Self {
            name,
            blob,
            packets,
            rows,
            asked_packets,
            asked_ranges,
            answers: Value::Null,
            read_blob: Vec::new(),
            read_index: Vec::new(),
        }
    }
}

fn blob_of(recording: &Recording) -> Vec<u8> {
    let mut blob = Vec::new();
    recording.ogg_opus().read_to_end(&mut blob).unwrap();
    blob
}

fn take_apart(blob: &[u8]) -> (Vec<Vec<u8>>, Vec<IndexRow>) {
    let mut reader = OggOpusReader::new(blob).unwrap();
    let mut builder = IndexBuilder::default();
    let (mut packets, mut rows) = (Vec::new(), Vec::new());
    while let Some(packet) = reader.next_ogg_packet().unwrap() {
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

/// Both ends of the blob, the border between two shards, and some places between.
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

/// Packets of one 20-ms frame each (RFC 6716 section 3.1), of bytes without meaning.
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

/// Lets zarr-python read what the recordings ask for, with warnings as errors.
fn ask(python: &Path, store: &Path, folder: &Path, recordings: &[Stored]) -> Value {
    let questions: BTreeMap<&str, Value> = recordings
        .iter()
        .map(|one| {
            (&*one.name, json!({ "packets": one.asked_packets, "ranges": one.asked_ranges }))
        })
        .collect();
    let questions_file = folder.join("questions.json");
    fs::write(&questions_file, serde_json::to_vec(&questions).unwrap()).unwrap();
    let output = run(Command::new(python)
        .args(["-I", "-W", "error"])
        .arg(in_tests("zarr_python.py"))
        .args([store, &questions_file, folder]));
    assert!(output.stderr.is_empty(), "zarr-python says: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The Python of a virtual environment that has what `zarr_python.txt` lists. None,
/// and a message, on a machine without Python.
fn python() -> Option<PathBuf> {
    let Ok(version) = Command::new("python3").arg("--version").output() else {
        say_skipped("nothing was read with zarr-python: no python3");
        return None;
    };
    let requirements = in_tests("zarr_python.txt");
    let wanted = text(&version.stdout) + &fs::read_to_string(&requirements).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("zarr-python");
    let (python, complete) = (folder.join("bin/python"), folder.join("complete"));
    if fs::read_to_string(&complete).ok().as_ref() != Some(&wanted) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--disable-pip-version-check", "--requirement"])
            .arg(requirements));
        fs::write(complete, wanted).unwrap();
    }
    Some(python)
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?} failed:\n{said}\n{complained}");
    output
}

fn columns(row: &IndexRow) -> [u64; 5] {
    [row.offset, row.length, row.duration, row.first, row.last]
}

fn in_tests(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn small(number: u64) -> usize {
    number.try_into().unwrap()
}

fn wide(number: usize) -> u64 {
    number.try_into().unwrap()
}
