use std::{path::Path, process::Command};

use opus_zarr_testkit::{python::run, say_skipped};

/// The arithmetic of the page: axes, tiles, links and tables of labels.
#[test]
fn its_own_tests_pass() {
    if Command::new("node").arg("--version").output().is_err() {
        return say_skipped("the page was not tested: no node");
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page");
    run(Command::new("node").arg("--test").current_dir(folder));
}
