//! zarrita: the implementation in JavaScript, which browsers and viewers use.

use opus_zarr_testkit::{
    python::{answer_of, install_once, run},
    say_skipped,
    shared::shared_json,
    target_tmp,
};
use serde_json::{Value, json};
use std::{fs, process::Command, sync::LazyLock};

use super::{WRITTEN, interop};

/// What it read. `None` without Node.
static ANSWERS: LazyLock<Option<Value>> = LazyLock::new(|| {
    let version = |command| Command::new(command).arg("--version").output().ok();
    let Some((node, _)) = version("node").zip(version("npm")) else {
        say_skipped("nothing was read with zarrita: no node and npm");
        return None;
    };
    let folder = target_tmp().join("zarrita");
    let lock = fs::read_to_string(interop("package-lock.json")).unwrap();
    fs::create_dir_all(&folder).unwrap();
    install_once(&folder, &(String::from_utf8(node.stdout).unwrap() + &lock), || {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(interop(file), folder.join(file)).unwrap();
        }
        run(Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder));
    });
    // Node looks for packages beside the script.
    let script = folder.join("with_zarrita.mjs");
    fs::copy(interop("with_zarrita.mjs"), &script).unwrap();
    Some(shared_json("zarrita", || {
        answer_of(Command::new("node").arg(script).args([WRITTEN.store(), WRITTEN.questions()]))
    }))
});

#[test]
fn it_reads_rows_columns_and_ranges() {
    let Some(answers) = ANSWERS.as_ref() else { return };
    for recording in &WRITTEN.recordings {
        assert_eq!(answers[&recording.name]["read"], recording.hashes(), "{}", recording.name);
    }
}

#[test]
fn it_reads_the_metadata() {
    let Some(answers) = ANSWERS.as_ref() else { return };
    for recording in &WRITTEN.recordings {
        let document = fs::read(WRITTEN.store().join(&recording.name).join("zarr.json")).unwrap();
        let document: Value = serde_json::from_slice(&document).unwrap();
        let metadata = &answers[&recording.name]["metadata"];
        assert_eq!(metadata["attributes"], document["attributes"], "{}", recording.name);
        let arrays = json!({
            "opus_blob": {
                "dtype": "uint8", "shape": [recording.blob.len()], "chunks": [65_536],
            },
            "opus_index": {
                "dtype": "uint64", "shape": [recording.packets.len(), 5], "chunks": [10_000, 5],
            },
            "opus_sync": {
                "dtype": "uint32", "shape": [recording.sync.len(), 3], "chunks": [10_000, 3],
            },
        });
        assert_eq!(metadata["arrays"], arrays, "{}", recording.name);
    }
}
