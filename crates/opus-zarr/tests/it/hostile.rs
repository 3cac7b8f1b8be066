//! Malicious stores. Each is an error of one line, after little time, in little memory, and nothing
//! outside the store is read or written.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use opus_zarr::{Store, VerifyLevel, VerifyOptions, unwatched};
use opus_zarr_testkit::{
    chain,
    damage::{edit, edit_document, set_attribute},
    processes::this_test,
    recordings::{MONO, import_to, open_at, store_of, verify_at},
    testdata,
    tree::Tree,
};
use serde_json::{Value, json};

/// A change to a store that holds the recording "it". The directory around it has room for more.
struct Attack {
    what: String,
    inflict: Box<dyn Fn(&Path)>,
    says: String,
}

fn attack(what: impl Into<String>, says: &str, inflict: impl Fn(&Path) + 'static) -> Attack {
    Attack { what: what.into(), inflict: Box::new(inflict), says: says.to_owned() }
}

const OBJECTS: [&str; 6] = [
    "zarr.json",
    "it/zarr.json",
    "it/opus_blob/zarr.json",
    "it/opus_blob/c/0",
    "it/opus_index/zarr.json",
    "it/opus_index/c/0/0",
];
const DIRECTORIES: [&str; 6] = [
    "it",
    "it/opus_blob",
    "it/opus_blob/c",
    "it/opus_index",
    "it/opus_index/c",
    "it/opus_index/c/0",
];

/// Objects and directories replaced by something else.
fn replacements() -> Vec<Attack> {
    let mut attacks = Vec::new();
    for path in OBJECTS {
        let link = "symbolic links within a store are not followed";
        attacks.push(attack(format!("{path} a link"), link, move |store| {
            let away = store.with_file_name("away");
            fs::rename(store.join(path), &away).unwrap();
            symlink(away, store.join(path)).unwrap();
        }));
        attacks.push(attack(format!("{path} a directory"), "", move |store| {
            fs::remove_file(store.join(path)).unwrap();
            fs::create_dir(store.join(path)).unwrap();
        }));
        attacks.push(attack(format!("{path} a device"), link, move |store| {
            fs::remove_file(store.join(path)).unwrap();
            symlink("/dev/zero", store.join(path)).unwrap();
        }));
    }
    for path in OBJECTS.into_iter().chain(DIRECTORIES) {
        attacks.push(attack(format!("{path} a pipe"), "", move |store| {
            let place = store.join(path);
            fs::rename(&place, store.with_file_name("away")).unwrap();
            assert!(Command::new("mkfifo").arg(place).status().unwrap().success());
        }));
    }
    for path in DIRECTORIES {
        let link = "symbolic links within a store are not followed";
        attacks.push(attack(format!("{path} a link"), link, move |store| {
            let away = store.with_file_name("away");
            fs::rename(store.join(path), &away).unwrap();
            symlink(away, store.join(path)).unwrap();
        }));
        attacks.push(attack(format!("{path} a link to itself"), link, move |store| {
            fs::remove_dir_all(store.join(path)).unwrap();
            symlink(".", store.join(path)).unwrap();
        }));
        attacks.push(attack(format!("{path} a file"), "", move |store| {
            fs::remove_dir_all(store.join(path)).unwrap();
            fs::write(store.join(path), "Dear reader").unwrap();
        }));
    }
    attacks
}

/// Objects that are very large, or claim to be.
fn giants() -> Vec<Attack> {
    let mut attacks = Vec::new();
    for path in OBJECTS {
        attacks.push(attack(format!("{path} of 100 MB"), "", move |store| {
            File::options().write(true).open(store.join(path)).unwrap().set_len(100 << 20).unwrap();
        }));
        attacks.push(attack(format!("{path} of 1 TB"), "", move |store| {
            File::options().write(true).open(store.join(path)).unwrap().set_len(1 << 40).unwrap();
        }));
    }
    let it = |store: &Path| store.join("it");
    attacks.push(attack("a blob of empty chunks", "the object ends before", move |store| {
        let zeros = crc32c::crc32c(&[0; 65_536]);
        let chunks = 10_000_u64;
        empty_shards(&it(store), chunks.div_ceil(256));
        edit_document(&it(store), |document| {
            let ours = &mut document["attributes"]["opus_zarr"];
            ours["blob_bytes"] = json!(chunks * 65_536);
            ours["blob_checksums"] = json!(format!("{zeros:08x}").repeat(10_000));
            let arrays = &mut document["consolidated_metadata"]["metadata"];
            arrays["opus_blob"]["shape"] = json!([chunks * 65_536]);
        });
    }));
    attacks.push(attack("a chunk of the index everywhere", "expected 120 to 5760", move |store| {
        let count = 5_000_u64;
        edit_document(&it(store), |document| {
            let ours = &mut document["attributes"]["opus_zarr"];
            ours["packet_count"] = json!(count * 10_000);
            ours["index_checkpoints"] = (0..count).collect::<Vec<u64>>().into();
            let ranges: Vec<[u64; 2]> = (0..count).map(|at| [at * 400_000, 400_000]).collect();
            ours["index_ranges"] = json!(ranges);
            ours["index_checksums"] = json!("00000000".repeat(5_000));
            let arrays = &mut document["consolidated_metadata"]["metadata"]["opus_index"];
            arrays["shape"] = json!([count * 10_000, 5]);
            arrays["chunk_grid"]["configuration"]["chunk_shape"] = json!([count * 10_000, 5]);
        });
        let shard = it(store).join("opus_index/c/0/0");
        File::options().write(true).open(shard).unwrap().set_len(5_000 * 400_000).unwrap();
    }));
    for (what, value) in bombs() {
        attacks.push(attack(format!("attributes with {what}"), "", move |store| {
            set_attribute(&it(store), "tags", value.clone());
        }));
    }
    attacks
}

/// Writes shards in which every chunk is missing, which makes it one of zeros.
fn empty_shards(recording: &Path, count: u64) {
    let mut index = vec![0xff; 4096];
    index.extend(crc32c::crc32c(&index).to_le_bytes());
    for shard in 0..count {
        fs::write(recording.join(format!("opus_blob/c/{shard}")), &index).unwrap();
    }
}

fn bombs() -> Vec<(&'static str, Value)> {
    let nested = (0..100).fold(json!(0), |inner, _| json!([inner]));
    vec![
        ("100,000 values", json!(vec![0; 100_000])),
        ("a text of 1 MB", json!("x".repeat(1 << 20))),
        ("values in values", nested),
    ]
}

/// Uses a store in every way and returns all errors.
pub(super) fn use_it(store: &Path) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let mut say = |error: String| said.push(error);
    let mut copied = Vec::new();
    match open_at(store, "it") {
        Ok(mut recording) => {
            for range in [0..960, 480_000..481_000, 0..u64::MAX] {
                recording
                    .read::<i16>(range.clone())
                    .err()
                    .iter()
                    .for_each(|error| say(chain(error)));
                recording.find(range).err().iter().for_each(|error| say(chain(error)));
            }
            let mut stream = recording.ogg_opus().take(1 << 20);
            io::copy(&mut stream, &mut copied).err().iter().for_each(|error| say(chain(error)));
            drop(stream);
            recording.rebuild_index(unwatched).err().iter().for_each(|error| say(chain(error)));
        }
        Err(error) => say(chain(&error)),
    }
    let options = VerifyOptions::default().level(VerifyLevel::Packets).sample(0.01);
    match verify_at(store, "it", &options) {
        Ok(found) => found.faults.listed().iter().for_each(|fault| say(fault.to_string())),
        Err(error) => say(chain(&error)),
    }
    match Store::open(store) {
        Ok(store) => {
            store
                .recordings()
                .unwrap()
                .filter_map(Result::err)
                .for_each(|error| say(chain(&error)));
            let (from, to) = ("it".parse().unwrap(), "copy".parse().unwrap());
            let copied = store.copy_recording(&from, &store, &to);
            copied.err().iter().for_each(|error| say(chain(error)));
        }
        Err(error) => say(chain(&error)),
    }
    said
}

/// Verifies a store, before anything is rebuilt, and returns all faults.
fn look_at_it(store: &Path) -> Vec<String> {
    let options = VerifyOptions::default().level(VerifyLevel::Checksums).sample(0.01);
    match verify_at(store, "it", &options) {
        Ok(found) => found.faults.listed().iter().map(ToString::to_string).collect(),
        Err(error) => vec![chain(&error)],
    }
}

fn assert_harmless(attacks: Vec<Attack>) {
    for Attack { what, inflict, says } in attacks {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        import_to(testdata(MONO), &store, "it").unwrap();
        inflict(&store);
        let away = folder.path().join("away");
        let before = away.is_dir().then(|| Tree::of(&away));
        let (start, memory) = (Instant::now(), Memory::start());
        let mut said = look_at_it(&store);
        said.extend(use_it(&store));
        let (took, grown) = (start.elapsed(), memory.grown());
        println!("{what}: {took:?}, {} KiB: {:?}", grown / 1024, said.first());
        for line in &said {
            assert!(line.lines().count() == 1 && line.len() < 2000, "{what}: {line:.300}");
        }
        assert!(said.iter().any(|line| line.contains(&says)), "{what}: no \"{says}\" in {said:#?}");
        // It takes milliseconds; the rest is for busy machines.
        assert!(took < Duration::from_secs(60), "{what}: {took:?}");
        assert!(grown < MOST_MEMORY, "{what}: {} MiB", grown >> 20);
        if let Some(before) = before {
            before.assert_same(&Tree::of(&away), &what);
        }
    }
}

/// Measures the peak of memory from now on.
pub(super) struct Memory(u64);

impl Memory {
    pub(super) fn start() -> Self {
        // Resets the peak.
        let _ = fs::write("/proc/self/clear_refs", "5");
        Self(status("VmRSS:"))
    }

    pub(super) fn grown(&self) -> u64 {
        status("VmHWM:").saturating_sub(self.0)
    }
}

fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

pub(super) const MOST_MEMORY: u64 = 64 << 20;

/// Runs a test in its own process, so that no other test uses memory there.
fn run_alone(test: &str) {
    let output = this_test(module_path!(), test).output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn replaced_objects_do_no_harm() {
    run_alone("child_replacements");
}

#[test]
#[ignore = "runs as a child process"]
fn child_replacements() {
    assert_harmless(replacements());
}

#[test]
fn huge_objects_do_no_harm() {
    run_alone("child_giants");
}

#[test]
#[ignore = "runs as a child process"]
fn child_giants() {
    assert_harmless(giants());
}

#[test]
fn names_that_lead_out_of_the_store_are_invalid() {
    let (store, _) = store_of(MONO);
    let whole = Tree::of(store.path());
    let long = "x".repeat(300);
    for name in ["..", "../it", "/etc", "a/b", "it\0", "zarr.json", "__it", ".it", "", &long] {
        let options = VerifyOptions::default();
        for error in [
            open_at(store.path(), name).map(drop).unwrap_err(),
            verify_at(store.path(), name, &options).map(drop).unwrap_err(),
            import_to(testdata(MONO), store.path(), name).map(drop).unwrap_err(),
        ] {
            let error = chain(&error);
            assert!(error.starts_with("invalid recording name"), "{name:?}: {error}");
            assert!(error.lines().count() == 1 && error.len() < 400, "{error}");
        }
    }
    whole.assert_same(&Tree::of(store.path()), "names");
    let long = store.path().join("x".repeat(255));
    fs::create_dir(&long).unwrap();
    edit(&store.path().join("it/zarr.json"), |bytes| {
        fs::write(long.join("zarr.json"), bytes).unwrap()
    });
    let opened = Store::open(store.path()).unwrap();
    let listed: Vec<_> =
        opened.recordings().unwrap().map(|name| name.unwrap().to_string()).collect();
    assert_eq!(listed, ["it"]);
}
