//! Numbers in documents that no stored bytes back. None makes any verb take time or memory in
//! proportion to it.

use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use opus_zarr::{ReadLimits, ReadMode, Store, VerifyLevel, VerifyOptions, unwatched};
use opus_zarr_testkit::{
    damage::repair,
    fast_folder, is_full_run,
    processes::this_test,
    recordings::{MONO, import_with, open_at, stream_of, verify_at},
    stream::Pages,
    tree::Tree,
};
use serde_json::{Value, json};

use super::hostile::{MOST_MEMORY, Memory};

/// What every number is replaced by.
fn values() -> Vec<Value> {
    vec![
        json!(0),
        json!(1),
        json!(1_000_000_000),
        json!(1_u64 << 53),
        json!(1_u64 << 63),
        json!(u64::MAX),
        json!(-1),
        json!(1.5),
        json!(1e300),
    ]
}

/// The places of all numbers in a document.
fn numbers(document: &Value) -> Vec<String> {
    match document {
        Value::Number(_) => vec![String::new()],
        Value::Array(items) => below(items.iter().enumerate().map(|(at, it)| (at.to_string(), it))),
        Value::Object(fields) => below(fields.iter().map(|(key, it)| (key.clone(), it))),
        _ => Vec::new(),
    }
}

fn below<'a>(members: impl Iterator<Item = (String, &'a Value)>) -> Vec<String> {
    let places = |(key, it): (String, &Value)| {
        numbers(it).into_iter().map(move |place| format!("/{key}{place}")).collect::<Vec<_>>()
    };
    members.flat_map(places).collect()
}

/// A document with some numbers replaced.
struct Lie {
    document: &'static str,
    changes: Vec<(String, Value)>,
}

fn lies(store: &Path) -> Vec<Lie> {
    let mut lies = Vec::new();
    for document in DOCUMENTS {
        for place in numbers(&parse(&store.join(document))) {
            for value in values() {
                lies.push(Lie { document, changes: vec![(place.clone(), value)] });
            }
        }
    }
    lies.extend(consistent_lies(&parse(&store.join(DOCUMENTS[0]))));
    lies
}

/// Lengths that agree with each other.
fn consistent_lies(document: &Value) -> Vec<Lie> {
    let ours = |name: &str| format!("/attributes/opus_zarr/{name}");
    let pre_skip = document.pointer(&ours("pre_skip")).and_then(Value::as_u64).unwrap();
    let array = |name: &str| format!("/consolidated_metadata/metadata/{name}/shape/0");
    let mut lies = Vec::new();
    for packets in [1_000_000_000, 1_u64 << 53, (1 << 63) / 960, u64::MAX / 960] {
        let coded = packets * 960;
        let lengths = vec![
            (ours("coded_length"), json!(coded)),
            (ours("play_length"), json!(coded - pre_skip)),
        ];
        let counts = vec![
            (ours("packet_count"), json!(packets)),
            (array("opus_index"), json!(packets)),
            (ours("sync/entries"), json!(coded.div_ceil(19_200))),
            (array("opus_sync"), json!(coded.div_ceil(19_200))),
        ];
        let blob = vec![(ours("blob_bytes"), json!(packets)), (array("opus_blob"), json!(packets))];
        let all = [&lengths[..], &counts, &blob].concat();
        for changes in [lengths.clone(), [lengths, counts].concat(), all, blob] {
            lies.push(Lie { document: DOCUMENTS[0], changes });
        }
    }
    lies
}

fn parse(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

impl Lie {
    fn tell(&self, store: &Path) {
        let path = store.join(self.document);
        let mut document = parse(&path);
        for (place, value) in &self.changes {
            if let Some(number) = document.pointer_mut(place) {
                *number = value.clone();
            }
        }
        repair(&mut document);
        fs::write(path, document.to_string()).unwrap();
    }
}

/// Uses a recording in every way that reads. Errors are fine.
fn read_it(store: &Path) {
    for level in [VerifyLevel::Metadata, VerifyLevel::Decode] {
        drop(verify_at(store, "it", &VerifyOptions::default().level(level)));
    }
    let Ok(opened) = Store::open(store) else { return };
    assert!(opened.recordings().unwrap().count() <= 1);
    let name = "it".parse().unwrap();
    drop(opened.copy_recording(&name, &opened, &"copy".parse().unwrap()));
    let Ok(mut recording) = open_at(store, "it") else { return };
    let (play, coded) = (recording.info().play_length, recording.info().coded_length);
    let ranges =
        [0..960, 480_000..481_000, 0..play, play.saturating_sub(960)..play, 0..coded, 0..u64::MAX];
    for range in ranges {
        drop(recording.find(range.clone()));
        drop(recording.exactness_of(recording.read_mode(), range.clone()));
        for mode in [ReadMode::Exact, ReadMode::Agreed, recording.read_mode()] {
            if let Ok(mut stream) = recording.stream_as::<i16>(mode, range.clone()) {
                // At most ten seconds: a decoder of many channels may conceal for long.
                let mut samples = vec![0; 4800];
                for _ in 0..100 {
                    if !stream.read(&mut samples).is_ok_and(|count| count > 0) {
                        break;
                    }
                }
            }
        }
        drop(recording.read::<i16>(range));
    }
    drop(recording.read_many::<i16>(&[0..960, 0..play, 0..u64::MAX], ReadLimits::default()));
    let _ = (recording.time_of(play), recording.utc_of(play), recording.index_info());
    drop(io::copy(&mut recording.ogg_opus(), &mut io::sink()));
    drop(recording.check_sync(unwatched));
    drop(recording.rebuild_index(unwatched));
    if let Ok(mut recording) = open_at(store, "it") {
        drop(recording.build_sync(unwatched));
    }
    if let Ok(mut reader) = opened.open_recording(&name) {
        drop(reader.edit_user_metadata(|user| drop(user.insert("note".to_owned(), json!(1)))));
    }
}

#[test]
fn no_declared_number_costs_anything() {
    let output = this_test(module_path!(), "child_that_believes").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{}", said.lines().last().unwrap_or_default());
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "runs as a child process"]
fn child_that_believes() {
    let folder = fast_folder();
    let file = folder.path().join("short.opus");
    fs::write(&file, stream_of(MONO).shortened(100).write(Pages::OfOneSecond)).unwrap();
    let store = folder.path().join("store");
    import_with(&file, &store, "it", &opus_zarr::ImportOptions::default()).unwrap();
    let original = Tree::of(&store);
    read_it(&store);
    let mut count = 0;
    for (number, lie) in lies(&store).into_iter().enumerate() {
        // All values in turn for each seventh number, and all consistent lies.
        if !is_full_run() && lie.changes.len() == 1 && number % 7 != 0 {
            continue;
        }
        let told = fast_folder();
        original.write(told.path());
        lie.tell(told.path());
        let (start, memory) = (Instant::now(), Memory::start());
        read_it(told.path());
        let (took, grown) = (start.elapsed(), memory.grown());
        let what = format!("{}: {:?}", lie.document, lie.changes);
        println!("{what}: {took:?}, {} KiB", grown / 1024);
        // It takes milliseconds; the rest is for busy machines.
        assert!(took < Duration::from_secs(30), "{what}: {took:?}");
        assert!(grown < MOST_MEMORY, "{what}: {} MiB", grown >> 20);
        count += 1;
    }
    println!("{count} documents");
}

const DOCUMENTS: [&str; 4] =
    ["it/zarr.json", "it/opus_blob/zarr.json", "it/opus_index/zarr.json", "it/opus_sync/zarr.json"];
