//! A recording through the store and back, read by this crate and by zarrs' own array reader,
//! which does not share code with the writer.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use opus_packet::{CodedPos, OpusHead, OpusTags, Timeline};
use opus_packet_index::{BlobRead, IndexRead};
use opus_zarr_store::{
    BlobReader, Description, Error, ErrorKind, IndexWriter, Operation, RecordingName,
    RecordingReader, RecordingWriter, Source, Store, StoredAs,
};
use zarrs::{array::Array, filesystem::FilesystemStore};

const PACKET: usize = 100;

pub(crate) fn name(name: &str) -> RecordingName {
    name.parse().unwrap()
}

/// Bytes in which no two chunks are equal and the second is all zeros.
fn blob(packets: usize) -> Vec<u8> {
    let mut blob: Vec<u8> = (0u32..)
        .map(|i| i.wrapping_mul(0x9e37_79b9).to_be_bytes()[0])
        .take(packets * PACKET)
        .collect();
    if let Some(zeros) = blob.get_mut(65_536..131_072) {
        zeros.fill(0);
    }
    blob
}

fn description(packets: usize) -> Description {
    let coded_length = u64::try_from(packets).unwrap() * 960;
    Description::new(
        OpusHead::new(2, 312, 44_100).unwrap().with_output_gain(-256),
        OpusTags::new("vendor", ["TITLE=x", &format!("PICTURE={}", "a".repeat(5000))]),
        Timeline::new(312, coded_length, 100).unwrap(),
        Source::new("a.opus", StoredAs::Verbatim).content(1, "00").format("ogg", "opus"),
    )
}

fn write(writer: RecordingWriter, blob: &[u8]) -> Result<RecordingReader, Error> {
    let mut out = writer.blob()?;
    let mut index = writer.index()?;
    for (packet, offset) in blob.chunks(PACKET).zip((0..).step_by(PACKET)) {
        out.write_all(packet).unwrap();
        index.push(offset, PACKET.try_into().unwrap(), 960)?;
    }
    writer.commit(description(blob.len() / PACKET), &out.finish()?, &index.finish()?)
}

pub(crate) fn stored(root: &Path, packets: usize) -> (Store, Vec<u8>) {
    let store = Store::open_or_create(root).unwrap();
    let blob = blob(packets);
    write(store.create_recording(&name("a")).unwrap(), &blob).unwrap();
    (store, blob)
}

fn read(recording: &RecordingReader, range: std::ops::Range<usize>) -> Result<Vec<u8>, Error> {
    let mut out = vec![1, 2, 3];
    let range = range.start.try_into().unwrap()..range.end.try_into().unwrap();
    recording.read(range, &mut out).map(|()| out)
}

#[test]
fn zarrs_reads_the_same_arrays() {
    let root = tempfile::tempdir().unwrap();
    // More than one blob shard, more than one index chunk.
    let (store, blob) = stored(root.path(), 180_000);
    let zarr = Arc::new(FilesystemStore::new(root.path()).unwrap());

    let array = Array::open(zarr.clone(), "/a/opus_blob").unwrap();
    let bytes: Vec<u8> = array.retrieve_array_subset(&array.subset_all()).unwrap();
    assert!(bytes == blob);

    let array = Array::open(zarr, "/a/opus_index").unwrap();
    assert_eq!(array.shape(), [180_000, 5]);
    let numbers: Vec<u64> = array.retrieve_array_subset(&array.subset_all()).unwrap();
    let recording = store.open_recording(&name("a")).unwrap();
    let span = recording.span(CodedPos::new(0)..CodedPos::new(180_000 * 960)).unwrap();
    assert_eq!(span.packets(), 0..180_000);
    for (row, numbers) in span.rows().iter().zip(numbers.chunks(5)) {
        assert_eq!(numbers, [row.offset, row.length, row.duration, row.first, row.last]);
    }
    let info = recording.index_info().unwrap().unwrap();
    assert_eq!((info.packets, info.chunks), (180_000, 18));
}

#[test]
fn ranges_of_bytes_and_samples_are_read_back() {
    let root = tempfile::tempdir().unwrap();
    let (store, blob) = stored(root.path(), 170_000);
    let recording = store.open_recording(&name("a")).unwrap();
    let (chunk, shard) = (65_536, 16 << 20);
    let borders = [0, 1, chunk - 1, chunk, 2 * chunk, shard - 1, shard, shard + 1, blob.len()];
    for start in borders {
        for end in borders.into_iter().filter(|&end| end >= start) {
            assert!(read(&recording, start..end).unwrap() == blob[start..end], "{start}..{end}");
        }
    }
    let error = read(&recording, 0..blob.len() + 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfRange);
    for first in [0, 9_999, 10_000, 15_000, 169_999] {
        let at = first * 960;
        let span = recording.span(CodedPos::new(at)..CodedPos::new(at + 1)).unwrap();
        assert_eq!(
            (span.packets(), span.bytes()),
            (first..first + 1, first * 100..first * 100 + 100)
        );
    }
    let span = recording.span(CodedPos::new(9_999 * 960)..CodedPos::new(10_001 * 960)).unwrap();
    assert_eq!(span.packets(), 9_999..10_001);
    let error = recording.span(CodedPos::new(0)..CodedPos::new(170_000 * 960 + 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfRange);
    assert!(recording.span(CodedPos::new(7)..CodedPos::new(7)).is_err());
}

#[test]
fn the_description_is_read_back() {
    let root = tempfile::tempdir().unwrap();
    let (store, blob) = stored(root.path(), 10);
    let recording = store.open_recording(&name("a")).unwrap();
    let expected = description(10);
    assert_eq!(recording.head(), &expected.head);
    assert_eq!(recording.timeline(), expected.timeline);
    let info = recording.info();
    assert_eq!(info.source, expected.source);
    assert_eq!(
        (info.tags.comments.as_slice(), info.tags.omitted),
        (&["TITLE=x".to_owned()][..], 1)
    );
    assert_eq!((info.packet_count, info.play_length), (10, 9188));
    let mut all = Vec::new();
    std::io::Read::read_to_end(&mut recording.blob_reader(), &mut all).unwrap();
    assert!(all == blob);
}

#[test]
fn no_flipped_bit_is_read_as_data() {
    let root = tempfile::tempdir().unwrap();
    let (store, blob) = stored(root.path(), 2000);
    // Without a cache, so that every read sees the damage.
    let recording = store.open_recording(&name("a")).unwrap().with_cached_chunks(0);
    for file in ["opus_blob/c/0", "opus_index/c/0/0"] {
        let path = root.path().join("a").join(file);
        let good = fs::read(&path).unwrap();
        for bit in (0..good.len() * 8).step_by(good.len() * 8 / 300) {
            let mut damaged = good.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &damaged).unwrap();
            if let Ok(bytes) = read(&recording, 0..blob.len()) {
                assert!(bytes == blob, "{file} bit {bit}");
            }
            if let Ok(span) = recording.span(CodedPos::new(0)..CodedPos::new(2000 * 960)) {
                assert_eq!(span.bytes(), 0..200_000, "{file} bit {bit}");
            }
        }
        fs::write(&path, &good[..good.len() / 2]).unwrap();
        assert!(
            read(&recording, 0..blob.len()).is_err()
                || recording.span(CodedPos::new(0)..CodedPos::new(960)).is_err()
        );
        fs::write(&path, &good).unwrap();
    }
}

/// Another Zarr implementation may write chunks in any order and omit chunks of zeros.
#[test]
fn a_shard_in_another_order_is_read_through_its_index() {
    let root = tempfile::tempdir().unwrap();
    let (store, blob) = stored(root.path(), 3000);
    let path = root.path().join("a/opus_blob/c/0");
    let good = fs::read(&path).unwrap();
    let (encoded, slots) = (65_540, 256);
    let mut shard = Vec::new();
    let mut entries = vec![[u64::MAX; 2]; slots];
    for chunk in [3, 0, 4, 2] {
        entries[chunk] = [shard.len().try_into().unwrap(), encoded.try_into().unwrap()];
        shard.extend_from_slice(&good[chunk * encoded..(chunk + 1) * encoded]);
    }
    let index: Vec<u8> = entries.concat().into_iter().flat_map(u64::to_le_bytes).collect();
    shard.extend_from_slice(&index);
    shard.extend_from_slice(&crc32c::crc32c(&index).to_le_bytes());
    fs::write(&path, shard).unwrap();
    let recording = store.open_recording(&name("a")).unwrap();
    assert!(read(&recording, 0..blob.len()).unwrap() == blob);
    assert!(read(&recording, 70_000..200_000).unwrap() == blob[70_000..200_000]);
}

/// A shard of another recording is valid in itself, but wrong here.
#[test]
fn a_shard_of_another_recording_is_damage() {
    let root = tempfile::tempdir().unwrap();
    let (store, mut blob) = stored(root.path(), 3000);
    blob.rotate_left(1);
    write(store.create_recording(&name("b")).unwrap(), &blob).unwrap();
    let shard = "opus_blob/c/0";
    fs::copy(root.path().join("b").join(shard), root.path().join("a").join(shard)).unwrap();
    let recording = store.open_recording(&name("a")).unwrap();
    let error = read(&recording, 0..100).unwrap_err();
    assert_eq!((error.kind(), error.bytes()), (ErrorKind::Damaged, Some(0..65_540)));
    assert!(error.object().unwrap().ends_with("a/opus_blob/c/0"));
}

#[test]
fn a_recording_is_complete_or_invisible() {
    let root = tempfile::tempdir().unwrap();
    let (store, blob) = stored(root.path(), 10);
    let listing = || {
        let mut names: Vec<_> =
            fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = listing();

    let writer = store.create_recording(&name("b")).unwrap();
    writer.blob().unwrap().write_all(&blob).unwrap();
    let error = store.open_recording(&name("b")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchRecording);
    assert_eq!(error.recording(), Some(&name("b")));
    drop(writer);
    assert_eq!(listing(), before, "a dropped writer leaves nothing");

    let dead = root.path().join(".opus-zarr-draft-1-0-0");
    fs::create_dir_all(dead.join("opus_blob/c")).unwrap();
    let fresh = || Store::open(root.path()).unwrap();
    drop(fresh().create_recording(&name("d")).unwrap());
    assert!(dead.exists(), "its writer may live on another machine");
    age(&dead);
    // This one has looked for such remains a moment ago.
    let living = store.create_recording(&name("b")).unwrap();
    assert!(dead.exists(), "every recording searches the whole store");
    drop(fresh().create_recording(&name("d")).unwrap());
    assert!(!dead.exists(), "the remains of a dead writer are removed");
    let other = store.create_recording(&name("c")).unwrap();
    write(other, &blob).unwrap();
    write(living, &blob).unwrap();
    assert_eq!(listing().len(), before.len() + 2);
}

/// Makes something look as if nobody had touched it for two days.
fn age(path: &Path) {
    let then = SystemTime::now() - Duration::from_secs(48 * 60 * 60);
    File::open(path).unwrap().set_modified(then).unwrap();
}

#[test]
fn one_of_two_writers_of_a_name_wins() {
    let root = tempfile::tempdir().unwrap();
    let (store, blob) = stored(root.path(), 10);
    let error = store.create_recording(&name("a")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RecordingExists);
    let (first, second) =
        (store.create_recording(&name("b")).unwrap(), store.create_recording(&name("b")).unwrap());
    write(second, &blob).unwrap();
    assert_eq!(write(first, &blob).unwrap_err().kind(), ErrorKind::RecordingExists);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3);
}

#[test]
fn a_missing_index_can_be_replaced() {
    let root = tempfile::tempdir().unwrap();
    let (store, blob) = stored(root.path(), 20_001);
    let mut recording = store.open_recording(&name("a")).unwrap();
    let group = root.path().join("a/zarr.json");
    let shard = root.path().join("a/opus_index/c/0/0");
    let (group_before, shard_before) = (fs::read(&group).unwrap(), fs::read(&shard).unwrap());
    fs::remove_dir_all(root.path().join("a/opus_index")).unwrap();
    assert_eq!(recording.index_info().unwrap(), None);
    let error = recording.span(CodedPos::new(0)..CodedPos::new(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingObject);
    assert_eq!(error.operation(), Some(Operation::Read));
    let line = format!("{error:?}");
    assert_eq!(line.matches("(os error 2)").count(), 1, "{line}");
    assert!(line.starts_with("cannot read "), "{line}");

    let rows = |end| {
        move |_: BlobReader<'_>, index: &mut IndexWriter| {
            (0..end).step_by(PACKET).try_for_each(|at| index.push(at, 100, 960))
        }
    };
    let end = blob.len().try_into().unwrap();
    recording.replace_index(rows(end)).unwrap();
    assert!(recording.index_info().unwrap().is_some());
    assert_eq!(fs::read(&shard).unwrap(), shard_before, "the same bytes again");
    assert_eq!(fs::read(&group).unwrap(), group_before);
    let dead = shard.with_file_name(".opus-zarr-draft-1-0-0");
    fs::write(&dead, "the remains of a dead writer").unwrap();
    age(&dead);
    let error: Error = recording.replace_index(rows(end / 2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Inconsistent);
    assert_eq!(fs::read(&shard).unwrap(), shard_before, "nothing has changed");
    assert_eq!(fs::read_dir(shard.parent().unwrap()).unwrap().count(), 1);
}
