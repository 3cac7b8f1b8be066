//! tensorstore: a second implementation in C++, which takes no short forms of metadata.

use std::{process::Command, sync::LazyLock};

use serde_json::Value;

use opus_zarr_testkit::python::answer_of;

use super::{WRITTEN, interop, python};

/// What it read; none without Python.
static ANSWERS: LazyLock<Option<Value>> = LazyLock::new(|| {
    let python = python("nothing was read with tensorstore")?;
    Some(answer_of(
        Command::new(python)
            .args(["-I", "-W", "error"])
            .arg(interop("with_tensorstore.py"))
            .args([WRITTEN.store(), WRITTEN.questions()]),
    ))
});

#[test]
fn rows_columns_and_ranges_are_read() {
    let Some(answers) = ANSWERS.as_ref() else { return };
    for recording in &WRITTEN.recordings {
        assert_eq!(answers[&recording.name]["read"], recording.hashes(), "{}", recording.name);
    }
}

#[test]
fn the_chunks_that_it_reads_at_once_are_those_of_the_shards() {
    let Some(answers) = ANSWERS.as_ref() else { return };
    for recording in &WRITTEN.recordings {
        let chunks = serde_json::json!({
            "opus_blob": [65_536], "opus_index": [10_000, 5], "opus_sync": [10_000, 2],
        });
        assert_eq!(answers[&recording.name]["chunks"], chunks, "{}", recording.name);
    }
}
