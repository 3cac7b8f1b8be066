//! A lost or damaged index costs time, never samples. A damaged blob is an error that says where.

use std::{fs, io::Read, ops::Range, path::Path, sync::Barrier, thread};

use opus_zarr::{Error, ErrorKind, Recording, unwatched};
use opus_zarr_testkit::{
    Random,
    errors::chain,
    recordings::{BOTH, MONO, STEREO, all, bytes_of, import_to, open_at, store_of},
    stream::interleaved,
    testdata,
    tree::Tree,
    warnings::warnings_of,
};
use serde_json::{Value, json};

const INDEX_SHARD: &str = "opus_index/c/0/0";
const BLOB_SHARD: &str = "opus_blob/c/0";
/// Bytes of an inner chunk of the blob, without and with its checksum.
const CHUNK: u64 = 65_536;
const STORED_CHUNK: u64 = CHUNK + 4;

/// A way to lose the index of the recording in a directory.
struct Loss {
    what: String,
    inflict: Box<dyn Fn(&Path)>,
    /// Whether it is noticed without reading the index.
    is_seen: bool,
}

fn loss(what: impl Into<String>, is_seen: bool, inflict: impl Fn(&Path) + 'static) -> Loss {
    Loss { what: what.into(), inflict: Box::new(inflict), is_seen }
}

fn losses() -> Vec<Loss> {
    let mut losses = vec![
        loss("shard deleted", true, |it| fs::remove_file(it.join(INDEX_SHARD)).unwrap()),
        loss("array deleted", true, |it| fs::remove_dir_all(it.join("opus_index")).unwrap()),
        loss("shard empty", true, |it| edit(&it.join(INDEX_SHARD), Vec::clear)),
        loss("shard cut in half", true, |it| {
            edit(&it.join(INDEX_SHARD), |bytes| bytes.truncate(bytes.len() / 2));
        }),
        loss("shard of another recording", true, |it| {
            fs::copy(it.with_file_name("other").join(INDEX_SHARD), it.join(INDEX_SHARD)).unwrap();
        }),
        loss("shard of zeros", true, |it| edit(&it.join(INDEX_SHARD), |bytes| bytes.fill(0))),
        loss("another checksum in the attributes", false, |it| {
            attribute(it, "index_checksums", json!("01234567"));
        }),
        loss("impossible ranges in the attributes", true, |it| {
            attribute(it, "index_ranges", json!([[40, 17]]));
        }),
        loss("impossible checkpoints in the attributes", true, |it| {
            attribute(it, "index_checkpoints", json!([960]));
        }),
    ];
    // The compressed chunk precedes the 20 bytes of the shard's own index.
    losses.extend((0..16).map(|place| {
        let what = format!("a bit flipped at {place}/16 of the chunk");
        loss(what, false, move |it| {
            edit(&it.join(INDEX_SHARD), |bytes| {
                let at = (bytes.len() - 20) * place / 16;
                bytes[at] ^= 1 << (place % 8);
            });
        })
    }));
    losses
}

fn edit(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

/// Sets an attribute of the recording in a directory and corrects the checksum, as a faulty writer
/// might.
fn attribute(recording: &Path, key: &str, value: Value) {
    edit(&recording.join("zarr.json"), |bytes| {
        let mut document: Value = serde_json::from_slice(bytes).unwrap();
        let attributes = document["attributes"]["opus_zarr"].as_object_mut().unwrap();
        attributes[key] = value;
        attributes.remove("checksum");
        let mut sorted = Value::Object(attributes.clone());
        sorted.sort_all_objects();
        let checksum = crc32c::crc32c(sorted.to_string().as_bytes());
        attributes.insert("checksum".to_owned(), format!("{checksum:08x}").into());
        *bytes = document.to_string().into_bytes();
    });
}

/// Some ranges and their samples. The first is the whole recording.
fn some_reads(recording: &Recording) -> Vec<(Range<u64>, Vec<i16>)> {
    let len = recording.info().play_length;
    let mut random = Random(1);
    let ranges = std::iter::once(0..len).chain((0..6).map(|_| random.range(len, 50_000)));
    ranges.map(|range| (range.clone(), recording.read(range).unwrap())).collect()
}

#[test]
fn without_a_usable_index_reads_return_the_same_samples_and_warn() {
    let (store, recording) = store_of(MONO);
    import_to(testdata(STEREO), store.path(), "other").unwrap();
    let it = store.path().join("it");
    let (whole, reads) = (Tree::of(&it), some_reads(&recording));
    for Loss { what, inflict, is_seen } in losses() {
        inflict(&it);
        let mut damaged = open_at(store.path(), "it").unwrap();
        assert_eq!(damaged.has_index(), !is_seen, "{what}");
        assert_eq!(damaged.index_info().unwrap().is_some(), !is_seen, "{what}");
        for (range, expected) in &reads {
            let (samples, warnings) = warnings_of(|| damaged.read::<i16>(range.clone()).unwrap());
            assert!(&samples == expected, "{what}: {range:?}");
            assert_warns_of_the_index(&warnings, &what);
        }
        damaged.rebuild_index(unwatched).unwrap();
        // Attributes that had to change count the change.
        let now = Tree::of(&it);
        let changed = whole.differences(&now);
        assert!(changed.is_empty() || changed == [Path::new("zarr.json")], "{what}: {changed:?}");
        assert_eq!(damaged.info().generation == 0, changed.is_empty(), "{what}");
        assert_reads_without_a_warning(&damaged, &reads[1..], &what);
    }
}

fn assert_warns_of_the_index(warnings: &[String], what: &str) {
    let [warning] = warnings else { panic!("{what}: expected one warning, found {warnings:?}") };
    for part in ["reading without the index", "recording=it", "fault="] {
        assert!(warning.contains(part), "{what}: no \"{part}\" in {warning}");
    }
}

fn assert_reads_without_a_warning(
    recording: &Recording,
    reads: &[(Range<u64>, Vec<i16>)],
    what: &str,
) {
    for (range, expected) in reads {
        let (samples, warnings) = warnings_of(|| recording.read::<i16>(range.clone()).unwrap());
        assert!(&samples == expected, "{what}: {range:?} after it was rebuilt");
        assert!(warnings.is_empty(), "{what}: {warnings:?}");
    }
}

#[test]
fn losing_the_index_of_an_open_recording_is_noticed() {
    let (store, recording) = store_of(STEREO);
    let reads = some_reads(&recording);
    let fresh = open_at(store.path(), "it").unwrap();
    assert!(recording.has_index());
    fs::remove_file(store.path().join("it").join(INDEX_SHARD)).unwrap();
    assert!(!recording.has_index());
    assert_reads_without_a_warning(&recording, &reads, "with its one chunk cached");
    let recording = fresh;
    for (range, expected) in &reads {
        let (samples, warnings) = warnings_of(|| recording.read::<i16>(range.clone()).unwrap());
        assert!(&samples == expected, "{range:?}");
        assert_warns_of_the_index(&warnings, "lost while open");
    }
}

#[test]
fn without_the_index_f32_samples_are_the_same() {
    for file in BOTH {
        let (store, recording) = store_of(file);
        let before: Vec<f32> = recording.read(100_000..200_000).unwrap();
        fs::remove_dir_all(store.path().join("it/opus_index")).unwrap();
        let recording = open_at(store.path(), "it").unwrap();
        let after: Vec<f32> = recording.read(100_000..200_000).unwrap();
        assert!(before == after, "{file}");
    }
}

#[test]
fn rebuilding_an_intact_index_writes_the_same_bytes() {
    for file in BOTH {
        let (store, mut recording) = store_of(file);
        let (whole, info) = (Tree::of(store.path()), recording.index_info().unwrap());
        recording.rebuild_index(unwatched).unwrap();
        whole.assert_same(&Tree::of(store.path()), file);
        assert_eq!(recording.index_info().unwrap(), info);
    }
}

#[test]
fn threads_rebuild_one_index_concurrently() {
    let (store, recording) = store_of(MONO);
    let whole = Tree::of(store.path());
    drop(recording);
    for round in 0..30 {
        fs::remove_dir_all(store.path().join("it/opus_index/c")).unwrap();
        let start = Barrier::new(4);
        let rebuild = || {
            let mut recording = open_at(store.path(), "it").unwrap();
            start.wait();
            recording.rebuild_index(unwatched).map_err(|error| chain(&error))
        };
        let results: Vec<Result<(), String>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(rebuild)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(results.iter().all(Result::is_ok), "round {round}: {results:?}");
        whole.assert_same(&Tree::of(store.path()), &format!("round {round}"));
    }
}

#[test]
fn find_needs_the_index_and_says_so() {
    let (store, recording) = store_of(MONO);
    let shard = store.path().join("it").join(INDEX_SHARD);
    fs::remove_file(&shard).unwrap();
    let error = chain(&recording.find(0..960).unwrap_err());
    assert!(error.contains(&shard.display().to_string()), "{error}");
}

#[test]
fn without_the_index_an_invalid_range_is_the_same_error() {
    let (store, recording) = store_of(MONO);
    fs::remove_dir_all(store.path().join("it/opus_index")).unwrap();
    let (error, warnings) = warnings_of(|| recording.read::<i16>(0..u64::MAX).unwrap_err());
    assert!(chain(&error).contains("valid ranges lie in 0.."), "{error}");
    assert!(warnings.is_empty(), "{warnings:?}");
}

/// Returns the end of the play samples that lie within the first chunk of the blob, a second before
/// the next chunk, so that no read of them touches it.
fn play_of_first_chunk(recording: &Recording) -> u64 {
    let len = recording.info().play_length;
    len * CHUNK / recording.info().blob_bytes - 2 * 48_000
}

#[test]
fn reading_a_damaged_chunk_of_the_blob_is_an_error_that_names_it() {
    for file in BOTH {
        let (store, recording) = store_of(file);
        let shard = store.path().join("it").join(BLOB_SHARD);
        let len = recording.info().play_length;
        edit(&shard, |bytes| bytes[usize::try_from(STORED_CHUNK).unwrap() + 999] ^= 1);
        for range in [0..len, len - 1..len, len - 48_000..len - 100] {
            assert_blob_damage(recording.read::<i16>(range).unwrap_err(), &shard);
        }
    }
}

fn assert_blob_damage(error: Error, shard: &Path) {
    let text = chain(&error);
    let place = format!("bytes {STORED_CHUNK}..{} are damaged", 2 * STORED_CHUNK);
    assert!(text.starts_with("cannot read recording \"it\": "), "{text}");
    assert!(text.contains(&shard.display().to_string()), "{text}");
    assert!(text.contains(&place), "no \"{place}\" in {text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(error.kind() == ErrorKind::Damaged && error.object().is_some(), "{error:?}");
}

#[test]
fn reads_beside_a_damaged_chunk_return_the_same_samples() {
    for file in BOTH {
        let (store, recording) = store_of(file);
        let (samples, channels) = (all::<i16>(&recording), recording.info().channels);
        let shard = store.path().join("it").join(BLOB_SHARD);
        edit(&shard, |bytes| bytes[usize::try_from(STORED_CHUNK).unwrap() + 999] ^= 1);
        let whole = 0..play_of_first_chunk(&recording);
        let (read, warnings) = warnings_of(|| recording.read::<i16>(whole.clone()).unwrap());
        assert!(read == samples[interleaved(&whole, channels)], "{file}");
        assert!(warnings.is_empty(), "{warnings:?}");

        fs::remove_dir_all(store.path().join("it/opus_index")).unwrap();
        let read = recording.read::<i16>(whole.clone()).unwrap();
        assert!(read == samples[interleaved(&whole, channels)], "{file} without the index");
    }
}

#[test]
fn without_the_index_a_damaged_blob_is_found() {
    let (store, recording) = store_of(MONO);
    let it = store.path().join("it");
    let shard = it.join(BLOB_SHARD);
    edit(&shard, |bytes| bytes[usize::try_from(STORED_CHUNK).unwrap() + 999] ^= 1);
    fs::remove_dir_all(it.join("opus_index")).unwrap();
    let error = chain(&recording.read::<i16>(0..recording.info().play_length).unwrap_err());
    let place = format!("bytes {STORED_CHUNK}..{} are damaged", 2 * STORED_CHUNK);
    assert!(error.contains(&shard.display().to_string()) && error.contains(&place), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");

    let (mut kept, mut reader) = (Vec::new(), recording.ogg_opus());
    for _ in 0..3 {
        let error = reader.read_to_end(&mut kept).unwrap_err().to_string();
        assert!(error.contains(&shard.display().to_string()) && error.contains(&place), "{error}");
    }
    assert!(kept == bytes_of(MONO)[..kept.len()], "other bytes before the damage");
    assert_eq!(u64::try_from(kept.len()), Ok(CHUNK), "bytes before the damage are missing");
}

#[test]
fn rebuilding_the_index_from_a_damaged_blob_fails_and_leaves_nothing() {
    let (store, mut recording) = store_of(MONO);
    let shard = store.path().join("it").join(BLOB_SHARD);
    edit(&shard, |bytes| bytes[usize::try_from(STORED_CHUNK).unwrap() + 999] ^= 1);
    let before = Tree::of(store.path());
    let error = chain(&recording.rebuild_index(unwatched).unwrap_err());
    assert!(error.contains(&shard.display().to_string()), "{error}");
    before.assert_same(&Tree::of(store.path()), "rebuilding");
    assert!(recording.has_index());
}

#[test]
fn a_flipped_bit_of_the_blob_is_an_error_or_changes_no_sample() {
    let (store, recording) = store_of(MONO);
    let shard = store.path().join("it").join(BLOB_SHARD);
    let (good, samples) = (fs::read(&shard).unwrap(), all::<i16>(&recording));
    let mut random = Random(7);
    let bits = u64::try_from(good.len()).unwrap() * 8;
    for _ in 0..100 {
        let bit = usize::try_from(random.below(bits)).unwrap();
        edit(&shard, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        if let Ok(read) = recording.read::<i16>(0..recording.info().play_length) {
            assert!(read == samples, "bit {bit}");
        }
        fs::write(&shard, &good).unwrap();
    }
}

#[test]
fn a_flipped_bit_of_the_metadata_is_an_error_of_one_line_or_changes_no_sample() {
    let (store, recording) = store_of(MONO);
    let expected: Vec<i16> = recording.read(0..1000).unwrap();
    let document = store.path().join("it/zarr.json");
    let good = fs::read(&document).unwrap();
    let mut refused = 0;
    for bit in (0..good.len() * 8).step_by(7) {
        edit(&document, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        match open_at(store.path(), "it").and_then(|it| it.read::<i16>(0..1000)) {
            Ok(samples) => assert!(samples == expected, "bit {bit}"),
            Err(error) => {
                assert_eq!(error.to_string().lines().count(), 1, "bit {bit}: {error}");
                refused += 1;
            }
        }
        fs::write(&document, &good).unwrap();
    }
    assert!(refused > good.len() * 8 / 7 / 2, "only {refused} bits were noticed");
}

#[test]
fn errors_escape_line_feeds_in_attributes() {
    let (store, _) = store_of(MONO);
    let stored = json!({ "name": "", "bytes": 0, "sha256": "", "container": "", "codec": "",
        "stored": "ver\nbatim" });
    attribute(&store.path().join("it"), "source", stored);
    let error = chain(&open_at(store.path(), "it").unwrap_err());
    assert!(error.contains("unknown variant `ver\\nbatim`"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}
