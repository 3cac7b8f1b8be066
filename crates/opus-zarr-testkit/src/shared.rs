//! Work that the tests of one executable do once, whether they run as threads or as processes.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::Value;

use crate::files::target_tmp;

/// Returns a folder that `make` filled.
///
/// The first test that asks for it runs `make`; others wait. A rebuilt executable starts afresh.
pub fn shared_folder(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let build = folder_of_this_build();
    let folder = build.join(name);
    let lock = File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let complete = folder.with_extension("complete");
    if !complete.exists() {
        // A test that was stopped may have left a part.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        make(&folder);
        File::create(complete).unwrap();
    }
    folder
}

/// Returns the JSON that `make` returned, as [`shared_folder`] does a folder.
pub fn shared_json(name: &str, make: impl FnOnce() -> Value) -> Value {
    let folder = shared_folder(name, |folder| {
        fs::write(folder.join("value.json"), make().to_string()).unwrap();
    });
    serde_json::from_slice(&fs::read(folder.join("value.json")).unwrap()).unwrap()
}

/// Returns the folder of the running executable, and removes those of its earlier builds.
fn folder_of_this_build() -> PathBuf {
    let executable = env::current_exe().unwrap();
    let metadata = executable.metadata().unwrap();
    let modified = metadata.modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let builds = target_tmp().join("shared").join(executable.file_stem().unwrap());
    let build = builds.join(format!("{}-{}", modified.as_nanos(), metadata.len()));
    fs::create_dir_all(&build).unwrap();
    for entry in fs::read_dir(builds).unwrap() {
        let other = entry.unwrap().path();
        if other != build {
            // Another process may be removing it as well.
            let _ = fs::remove_dir_all(other);
        }
    }
    build
}
