//! Stores of other programs that exceed the limits of the format. Each is an error that names the limit
//! and what was found, and costs little.

use std::{fs, ops::ControlFlow, path::Path};

use opus_zarr::{ErrorKind, Recording, Store, StoreErrorKind, VerifyOptions};
use opus_zarr_testkit::{
    chain,
    damage::{edit_document, set_attribute},
    fast_folder,
    processes::this_test,
    recordings::{MONO, import_to, open_at, verify_at},
    testdata,
};
use serde_json::{Value, json};

use super::hostile::Memory;

type Excess = (&'static str, fn(&Path), String);

/// The foreign attribute of a document.
fn set_foreign(recording: &Path, value: Value) {
    edit_document(recording, |document| document["attributes"]["other"] = value);
}

fn excesses() -> Vec<Excess> {
    let notes = |found| format!("notes of {found} bytes, expected at most 65536");
    let values = || "values, expected at most 262144".to_owned();
    vec![
        (
            "notes of zeros",
            |it| set_attribute(it, "user", json!({ "note": vec![0; 100_000] })),
            notes(200_010),
        ),
        (
            "a long note",
            |it| set_attribute(it, "user", json!({ "note": "x".repeat(1 << 20) })),
            notes((1 << 20) + 11),
        ),
        (
            "many notes",
            |it| {
                let all: serde_json::Map<_, _> =
                    (0..7000).map(|number| (format!("{number:04}"), json!(""))).collect();
                set_attribute(it, "user", all.into());
            },
            notes(7000 * 10 + 1),
        ),
        ("zeros", |it| set_foreign(it, json!(vec![0; 900_000])), values()),
        ("objects", |it| set_foreign(it, json!(vec![json!({ "": 0 }); 50_000])), values()),
        ("arrays", |it| set_foreign(it, json!(vec![json!([0]); 100_000])), values()),
        ("values of ours", |it| set_attribute(it, "source", json!(vec![0; 900_000])), values()),
        (
            "a long text",
            |it| set_foreign(it, json!("x".repeat(16 << 20))),
            "expected at most 16777216 bytes".to_owned(),
        ),
        (
            "a hole",
            |it| {
                let file = fs::File::options().write(true).open(it.join("zarr.json")).unwrap();
                file.set_len(1 << 40).unwrap();
            },
            "document of 1099511627776 bytes, expected at most 16777216 bytes".to_owned(),
        ),
    ]
}

#[test]
fn every_excess_is_an_error_that_names_the_limit() {
    let folder = fast_folder();
    for name in ["it", "other"] {
        import_to(testdata(MONO), folder.path(), name).unwrap();
    }
    let it = folder.path().join("it");
    let intact = fs::read(it.join("zarr.json")).unwrap();
    for (what, inflict, says) in excesses() {
        inflict(&it);
        let opened = open_at(folder.path(), "it").unwrap_err();
        let verified = verify_at(folder.path(), "it", &VerifyOptions::default()).unwrap_err();
        for error in [opened, verified] {
            assert_eq!(error.kind(), ErrorKind::TooLarge, "{what}: {error}");
            let line = chain(&error);
            assert!(line.contains("it/zarr.json\": ") && line.ends_with(&says), "{what}: {line}");
        }
        let mut listed = Vec::new();
        let store = Store::open(folder.path()).unwrap();
        Recording::open_each(&store, |name, opened| {
            listed.push((name.to_string(), opened.map(drop).map_err(|error| error.kind())));
            ControlFlow::Continue(())
        })
        .unwrap();
        let expected = [("it".to_owned(), Err(ErrorKind::TooLarge)), ("other".to_owned(), Ok(()))];
        assert_eq!(listed, expected, "{what}");
        fs::write(it.join("zarr.json"), &intact).unwrap();
    }
}

#[test]
fn a_recording_that_exceeds_a_limit_can_be_removed() {
    for (what, inflict, _) in excesses() {
        let folder = fast_folder();
        import_to(testdata(MONO), folder.path(), "it").unwrap();
        inflict(&folder.path().join("it"));
        let store = Store::open(folder.path()).unwrap();
        let name = "it".parse().unwrap();
        let error = store.open_recording(&name).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::TooLarge, "{what}");
        store.delete_recording(&name).unwrap();
        assert!(!folder.path().join("it").exists(), "{what}");
    }
}

/// Opens all recordings of a store in which each has the longest notes, and returns the memory.
fn memory_of(recordings: u64) -> u64 {
    let folder = fast_folder();
    import_to(testdata(MONO), folder.path(), "0").unwrap();
    let first = folder.path().join("0");
    set_attribute(&first, "user", json!({ "": vec![0; 32_000] }));
    for number in 1..recordings {
        let copy = folder.path().join(number.to_string());
        fs::create_dir(&copy).unwrap();
        fs::copy(first.join("zarr.json"), copy.join("zarr.json")).unwrap();
    }
    let (store, memory) = (Store::open(folder.path()).unwrap(), Memory::start());
    let mut opened = 0;
    Recording::open_each(&store, |_, recording| {
        opened += u64::from(recording.is_ok());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(opened, recordings);
    memory.grown()
}

#[test]
fn memory_does_not_grow_with_the_number_of_recordings() {
    let output = this_test(module_path!(), "child_that_lists").output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "runs as a child process"]
fn child_that_lists() {
    let [few, many] = [50, 500].map(memory_of);
    println!("{} KiB for 50 recordings, {} KiB for 500", few >> 10, many >> 10);
    // The first store also pays for memory that the second one uses again.
    assert!(many < few + few / 2, "{few} {many}");
}
