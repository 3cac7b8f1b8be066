//! What is answered, compared with what the library reads.

use std::{fs, time::Duration};

use opus_zarr::{ChannelSelection, Output, OutputRate, Recording, Store, unwatched};
use opus_zarr_serve::Options;
use opus_zarr_testkit::{
    files::testdata,
    recordings::{DTX, store_of},
};

use crate::support::{Serving, recording, store};

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

fn integers(bytes: &[u8]) -> Vec<i16> {
    bytes.chunks_exact(2).map(|two| i16::from_le_bytes(two.try_into().unwrap())).collect()
}

#[test]
fn chunks_are_the_samples_of_a_read() {
    let serving = Serving::golden();
    for name in ["notes", "synced", "trio"] {
        let recording = recording(name);
        let (length, channels) = (recording.info().play_length, recording.info().channels);
        for number in 0..length.div_ceil(48_000) {
            let (start, end) = (number * 48_000, (number * 48_000 + 48_000).min(length));
            let padded = 48_000 * usize::from(channels);
            let mut expected: Vec<i16> = recording.read(start..end).unwrap();
            expected.resize(padded, 0);
            let answer = serving.get(&format!("/zarr/{name}/audio/c/{number}/0"));
            assert_eq!((answer.status, integers(&answer.body)), (200, expected));
            let mut expected: Vec<f32> = recording.read(start..end).unwrap();
            expected.resize(padded, 0.0);
            let answer = serving.get(&format!("/zarr/float32-48000-1/{name}/audio/c/{number}/0"));
            assert_eq!((answer.status, floats(&answer.body)), (200, expected));
        }
        let beyond = length.div_ceil(48_000);
        assert_eq!(serving.get(&format!("/zarr/{name}/audio/c/{beyond}/0")).status, 404);
    }
}

/// Chunks of another rate, length and mix, joined, are one read of all.
#[test]
fn chunks_of_every_form_join() {
    let serving = Serving::golden();
    for (form, rate, chunk) in [
        ("float32-16000-0.25-mono", OutputRate::Hz16000, 4000),
        ("float32-8000-0.5-mono", OutputRate::Hz8000, 4000),
        ("float32-24000-1-mono", OutputRate::Hz24000, 24_000),
    ] {
        for name in ["synced", "trio"] {
            let mut recording: Recording = recording(name);
            let output = Output::default().rate(rate).channels(ChannelSelection::Mono);
            recording.set_output(output).unwrap();
            let expected: Vec<f32> = recording.read(0..recording.info().play_length).unwrap();
            let array = serving.get(&format!("/zarr/{form}/{name}/audio/zarr.json")).json();
            assert_eq!(array["shape"], serde_json::json!([expected.len(), 1]));
            let joined: Vec<f32> = (0..expected.len().div_ceil(chunk))
                .flat_map(|number| {
                    let key = format!("/zarr/{form}/{name}/audio/c/{number}/0");
                    floats(&serving.get(&key).body)
                })
                .collect();
            assert_eq!(joined.len() % chunk, 0);
            let (found, padding) = joined.split_at(expected.len());
            assert!(found == expected && padding.iter().all(|it| *it == 0.0), "{form} {name}");
        }
    }
}

#[test]
fn cuts_are_the_samples_of_a_read() {
    let serving = Serving::golden();
    let synced = recording("synced");
    let answer = serving.get("/audio/synced.wav?from=1000&to=50000&bits=32f");
    let samples = &answer.body[answer.body.len() - 49_000 * 4..];
    assert_eq!(floats(samples), synced.read::<f32>(1000..50_000).unwrap());
    let answer = serving.get("/audio/synced.wav?start=0.5&end=1.25");
    let samples = &answer.body[answer.body.len() - 36_000 * 2..];
    assert_eq!(integers(samples), synced.read::<i16>(24_000..60_000).unwrap());
    assert_eq!(&answer.body[24..28], 48_000_u32.to_le_bytes());
    let slow = serving.get("/audio/synced.wav?start=0.5&end=1.25&speed=0.1");
    assert_eq!(&slow.body[24..28], 4800_u32.to_le_bytes());
    // WAV has the channels of surround in another order than Opus.
    let trio = serving.get("/audio/trio.wav?from=0&to=1000");
    let mut reordered = recording("trio");
    let order = ChannelSelection::Only(vec![0, 2, 1]);
    reordered.set_output(Output::default().channels(order)).unwrap();
    let samples = &trio.body[trio.body.len() - 6000..];
    assert_eq!(integers(samples), reordered.read::<i16>(0..1000).unwrap());
    for query in ["from=0&to=94989", "start=3", "utc=2026-05-12T20:15:00Z..", "from=5&to=5"] {
        let refused = serving.get(&format!("/audio/synced.wav?{query}"));
        assert_eq!(refused.status, 400, "{query}");
        assert_eq!(refused.field("content-type"), Some("application/problem+json"));
    }
}

/// Every way to ask for a part of the bytes, of a stored file and of one that is made.
#[test]
fn parts_of_files_are_parts() {
    let serving = Serving::golden();
    for target in [
        "/audio/notes.opus",
        "/audio/synced.wav",
        "/audio/trio.wav?bits=24&from=7&to=90000",
        "/zarr/notes/audio/c/1/0",
        "/api/recordings",
    ] {
        let whole = serving.get(target);
        let length = whole.body.len();
        assert_eq!(whole.status, 200, "{target}");
        assert_eq!(whole.field("accept-ranges"), Some("bytes"));
        assert_eq!(whole.field("content-length"), Some(&*length.to_string()));
        let tag = whole.field("etag").unwrap();
        for (first, end) in [
            (0, 1),
            (0, length),
            (1, 44),
            (43, 103),
            (length - 1, length),
            (length / 3, length / 2),
        ] {
            let range = format!("Range: bytes={first}-{}", end - 1);
            let part = serving.ask("GET", target, &[&range]);
            assert_eq!(part.status, 206, "{target} {range}");
            assert!(part.body == whole.body[first..end], "{target} {range}");
            let of = format!("bytes {first}-{}/{length}", end - 1);
            assert_eq!(part.field("content-range"), Some(&*of));
        }
        let last = serving.ask("GET", target, &["Range: bytes=-10"]);
        assert_eq!(last.body, whole.body[length - 10..]);
        let beyond = serving.ask("GET", target, &[&format!("Range: bytes={length}-")]);
        assert_eq!((beyond.status, beyond.body.len()), (416, 0), "{target}");
        assert_eq!(beyond.field("content-range"), Some(&*format!("bytes */{length}")));
        let same = format!("If-Range: {tag}");
        assert_eq!(serving.ask("GET", target, &["Range: bytes=0-0", &same]).status, 206);
        let other = serving.ask("GET", target, &["Range: bytes=0-0", "If-Range: \"other\""]);
        assert_eq!((other.status, other.body.len()), (200, length));
        let unchanged = serving.ask("GET", target, &[&format!("If-None-Match: {tag}")]);
        assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
        assert_eq!(unchanged.field("etag"), Some(tag));
        assert_eq!(serving.ask("GET", target, &["If-Match: \"other\""]).status, 412);
        let head = serving.ask("HEAD", target, &["Range: bytes=0-0"]);
        assert_eq!((head.status, head.body.len()), (200, 0), "{target}");
        assert_eq!(head.field("content-length"), Some(&*length.to_string()), "{target}");
    }
    let whole = serving.get("/audio/notes.opus");
    assert_eq!(whole.body, fs::read(testdata("golden/notes.opus")).unwrap());
}

#[test]
fn listings_are_the_catalogue() {
    let serving = Serving::golden();
    let names = |target: &str| -> Vec<String> {
        let rows = serving.get(target).json();
        rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().into()).collect()
    };
    assert_eq!(names("/api/recordings"), ["notes", "synced", "trio"]);
    assert_eq!(names("/api/recordings?names=%5Bnt%5D*"), ["notes", "trio"]);
    assert!(names("/api/recordings?since=2026-05-12T00:00:00Z").is_empty());
    let info = serving.get("/api/recordings/synced").json();
    assert_eq!(info["blob_sha256"], recording("synced").info().blob_sha256);
    assert_eq!((&info["name"], &info["is_exact"]), (&"synced".into(), &true.into()));
    assert!(info.get("blob_checksums").is_none());
    assert_eq!(serving.get("/api/recordings/none").status, 404);
    let expected = serde_json::json!([{"base": "", "name": "golden"}]);
    assert_eq!(serving.get("/api/stores").json(), expected);
}

#[test]
fn several_stores_have_prefixes() {
    let stores = vec![("a b".to_owned(), store()), ("c".to_owned(), store())];
    let serving = Serving::of(stores, Options::default());
    let stores = serving.get("/api/stores").json();
    let bases: Vec<&str> =
        stores.as_array().unwrap().iter().map(|it| it["base"].as_str().unwrap()).collect();
    assert_eq!(bases, ["/s/a%20b", "/s/c"]);
    for base in bases {
        assert_eq!(serving.get(&format!("{base}/audio/notes.opus")).status, 200);
        let group = serving.get(&format!("{base}/zarr/notes/zarr.json")).json();
        let url = group["attributes"]["url"].as_str().unwrap();
        assert_eq!(url, format!("{base}/audio/notes.opus"));
        assert_eq!(serving.get(url).status, 200);
    }
    for missing in ["/s/d/api/recordings", "/api/recordings", "/s/c", "/s//api/recordings"] {
        assert_eq!(serving.get(missing).status, 404, "{missing}");
    }
}

#[test]
fn what_is_damaged_is_an_error_without_names_of_files() {
    let (folder, _) = store_of(DTX);
    let blob = folder.path().join("it/opus_blob/c/0");
    let bytes = fs::read(&blob).unwrap();
    fs::write(&blob, &bytes[..bytes.len() / 3]).unwrap();
    let stores = vec![("it".to_owned(), Store::open(folder.path()).unwrap())];
    let serving = Serving::of(stores, Options::default());
    for target in ["/audio/it.opus", "/audio/it.wav", "/zarr/it/audio/c/9/0"] {
        let answer = serving.get(target);
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, 500, "{target}: {text}");
        assert!(!text.contains(folder.path().to_str().unwrap()), "{text}");
    }
}

/// What is replaced, changed or removed in the store is noticed, at the latest after the time for which an open
/// recording is trusted.
#[test]
fn changes_of_the_store_are_seen() {
    let (folder, recording) = store_of(DTX);
    let store = Store::open(folder.path()).unwrap();
    let mut options = Options::default();
    options.trust = Duration::ZERO;
    let serving = Serving::of(vec![("it".to_owned(), store.clone())], options);
    let tag = |target: &str| serving.get(target).field("etag").map(str::to_owned);
    let target = "/zarr/it/audio/c/0/0";
    let before = tag(target).unwrap();
    assert_eq!(tag(target).as_ref(), Some(&before));
    let mut synced = Recording::open(&store, recording.name()).unwrap();
    synced.build_sync(unwatched).unwrap();
    assert!(tag(target).is_some_and(|after| after != before));
    assert_eq!(serving.get("/api/recordings/it").json()["is_exact"], true);
    fs::remove_dir_all(folder.path().join("it")).unwrap();
    assert_eq!(serving.get(target).status, 404);
}
