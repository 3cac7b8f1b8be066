//! Python with the packages that a test needs, for machines that have Python.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

use crate::{files::target_tmp, skipped::say_skipped};

/// Returns the Python of a virtual environment in `target/tmp` that has what `requirements`
/// lists. The first run makes it.
///
/// Without Python, says that `what` was skipped and returns `None`.
pub fn python(environment: &str, requirements: &Path, what: &str) -> Option<PathBuf> {
    let Ok(version) = Command::new("python3").arg("--version").output() else {
        say_skipped(&format!("{what}: no python3"));
        return None;
    };
    let wanted = text(&version.stdout) + &fs::read_to_string(requirements).unwrap();
    let folder = target_tmp().join(environment);
    let python = folder.join("bin/python");
    install_once(&folder, &wanted, || {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--disable-pip-version-check", "--requirement"])
            .arg(requirements));
    });
    Some(python)
}

/// The Python that has the packages which read what we write, and what our own package is tested with.
pub fn neighbours(what: &str) -> Option<PathBuf> {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/neighbours.txt");
    python("python", &requirements, what)
}

/// Runs `install` unless the folder already holds what is wanted. Concurrent tests wait.
pub fn install_once(folder: &Path, wanted: &str, install: impl FnOnce()) {
    let lock = File::create(folder.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let complete = folder.join("complete");
    if fs::read_to_string(&complete).is_ok_and(|installed| installed == wanted) {
        return;
    }
    // An installation that is interrupted must not look complete.
    let _ = fs::remove_file(&complete);
    install();
    fs::write(complete, wanted).unwrap();
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?} failed:\n{said}\n{complained}");
    output
}

/// Runs a command that must succeed without a warning, and returns the JSON that it prints.
pub fn answer_of(command: &mut Command) -> Value {
    let output = run(command);
    assert!(output.stderr.is_empty(), "{command:?} says: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
