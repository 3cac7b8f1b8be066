//! Python with the packages that the tests need, which no machine has to have.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use super::say_skipped;

/// The Python of a virtual environment below the target directory, made by the first run,
/// that has what `tests/interop/requirements.txt` lists. None, and a message that says
/// what was not done, on a machine without Python.
pub fn python(what: &str) -> Option<PathBuf> {
    let Ok(version) = Command::new("python3").arg("--version").output() else {
        say_skipped(&format!("{what}: no python3"));
        return None;
    };
    let requirements = interop("requirements.txt");
    let wanted = text(&version.stdout) + &fs::read_to_string(&requirements).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    let python = folder.join("bin/python");
    install_once(&folder, &wanted, || {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--disable-pip-version-check", "--requirement"])
            .arg(&requirements));
    });
    Some(python)
}

/// Runs `install`, unless a folder holds what is wanted. One test at a time.
pub fn install_once(folder: &Path, wanted: &str, install: impl FnOnce()) {
    let lock = File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let complete = folder.join("complete");
    if fs::read_to_string(&complete).is_ok_and(|installed| installed == wanted) {
        return;
    }
    // Stopped in between, what is there is not what it says to be.
    let _ = fs::remove_file(&complete);
    install();
    fs::write(complete, wanted).unwrap();
}

/// A file of `tests/interop/`.
pub fn interop(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name)
}

/// Runs a command, which must succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?} failed:\n{said}\n{complained}");
    output
}

/// Runs a command, which must succeed without a warning; gives the JSON that it prints.
pub fn answer_of(command: &mut Command) -> serde_json::Value {
    let output = run(command);
    assert!(output.stderr.is_empty(), "{command:?} says: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
