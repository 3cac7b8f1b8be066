//! tensorstore: the implementation in C++, which rejects short forms of metadata.

use opus_zarr_testkit::{python::answer_of, shared::shared_json};
use serde_json::Value;
use std::{process::Command, sync::LazyLock};

use super::{WRITTEN, interop, python};

/// What it read. `None` without Python.
static ANSWERS: LazyLock<Option<Value>> = LazyLock::new(|| {
    let python = python("nothing was read with tensorstore")?;
    Some(shared_json("tensorstore", || {
        answer_of(
            Command::new(python)
                .args(["-I", "-W", "error"])
                .arg(interop("with_tensorstore.py"))
                .args([WRITTEN.store(), WRITTEN.questions()]),
        )
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
fn its_read_chunks_are_the_inner_chunks_of_the_shards() {
    let Some(answers) = ANSWERS.as_ref() else { return };
    for recording in &WRITTEN.recordings {
        let chunks = serde_json::json!({
            "opus_blob": [65_536], "opus_index": [10_000, 5], "opus_sync": [10_000, 3],
        });
        assert_eq!(answers[&recording.name]["chunks"], chunks, "{}", recording.name);
    }
}
