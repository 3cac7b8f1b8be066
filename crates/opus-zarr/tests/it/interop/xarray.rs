//! xarray, dask, obstore and VirtualiZarr, in every way that they open a recording or a store.

use std::{process::Command, sync::LazyLock};

use opus_zarr_testkit::{python::answer_of, shared::shared_json};
use serde_json::{Value, json};

use super::{Stored, WRITTEN, interop, python};

/// What they read. `None` without Python. Warnings are errors.
static ANSWERS: LazyLock<Option<Value>> = LazyLock::new(|| {
    let python = python("nothing was read with xarray")?;
    let names = WRITTEN.recordings.iter().map(|recording| &recording.name);
    Some(shared_json("xarray", || {
        answer_of(
            Command::new(python)
                .args(["-I", "-W", "error"])
                .arg(interop("with_xarray.py"))
                .arg(WRITTEN.store())
                .args(names),
        )
    }))
});

/// Checks what was read in one way.
fn assert_read(way: &str) {
    let Some(answers) = ANSWERS.as_ref() else { return };
    for recording in &WRITTEN.recordings {
        assert_eq!(answers[way][&recording.name], expected(recording), "{}", recording.name);
    }
}

fn expected(recording: &Stored) -> Value {
    let hashes = recording.hashes();
    let array = |dimensions: &[&str], hash: &str| json!({ "dimensions": dimensions, "sha256": hashes[hash] });
    json!({
        "opus_blob": array(&["byte"], "blob"),
        "opus_index": array(&["packet", "index_column"], "index"),
        "opus_sync": array(&["sync_entry", "sync_column"], "sync"),
    })
}

#[test]
fn it_opens_a_recording() {
    for way in ["open_zarr", "open_zarr, each document", "open_zarr, in chunks"] {
        assert_read(way);
    }
}

#[test]
fn it_opens_a_store_as_a_tree() {
    assert_read("open_datatree");
}

#[test]
fn it_opens_what_zarr_python_has_consolidated() {
    assert_read("open_zarr, consolidated");
    assert_read("open_datatree, consolidated");
}

#[test]
fn dask_reads_the_arrays() {
    assert_read("dask");
}

#[test]
fn obstore_reads_the_arrays() {
    assert_read("obstore");
}

#[test]
fn virtualizarr_refers_to_the_shards() {
    assert_read("ManifestStore");
    assert_read("ManifestStore of all");
}
