//! Where tests find and put their files.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// Returns the root of the repository.
pub fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap()
}

/// Returns the path of a file in the repository's `testdata/`.
pub fn testdata(name: &str) -> PathBuf {
    root().join("testdata").join(name)
}

/// Makes a temporary directory, in memory where the system allows it: for tests that do not
/// test the disk.
pub fn fast_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Returns `target/tmp`, which survives from one run of the tests to the next.
pub fn target_tmp() -> PathBuf {
    // The test executable is target/<profile>/deps/<name>.
    let executable = env::current_exe().unwrap();
    let tmp = executable.ancestors().nth(3).unwrap().join("tmp");
    fs::create_dir_all(&tmp).unwrap();
    tmp
}
