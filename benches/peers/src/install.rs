use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::{Peer, Reads};

/// What can be measured on this machine. Builds or installs it, and says what is missing.
pub(crate) fn peers() -> Vec<Peer> {
    let this = env::current_exe().unwrap();
    let ours = ["libopus alone", "ours, approximate", "ours, exact"].map(|name| Peer {
        command: vec![text(&this), "serve".to_owned(), name.to_owned()],
        reads: Reads::Store,
    });
    let theirs = [
        ("opusfile", built(&this, "peer-opusfile"), "apt-get install libopusfile-dev"),
        ("symphonia", built(&this, "peer-symphonia"), "cargo build --bin peer-symphonia tells"),
        ("PyAV", installed(&this, "pyav"), "apt-get install python3-venv"),
        ("torchcodec", installed(&this, "torchcodec"), "apt-get install python3-venv ffmpeg"),
    ];
    let theirs = theirs.into_iter().filter_map(|(name, command, hint)| match command {
        Ok(command) => Some(Peer { command, reads: Reads::File }),
        Err(reason) => {
            println!("SKIPPED: {name} ({hint}): {reason}");
            None
        }
    });
    ours.into_iter().chain(theirs).collect()
}

/// Another program of this package, beside this one.
fn built(this: &Path, program: &str) -> Result<Vec<String>, String> {
    let target = this.ancestors().nth(2).unwrap();
    run(Command::new(env!("CARGO"))
        .args(["build", "--release", "--bin", program, "--manifest-path"])
        .arg(package("Cargo.toml"))
        .arg("--target-dir")
        .arg(target))?;
    Ok(vec![text(&this.with_file_name(program))])
}

/// A Python package, in a virtual environment of its own that is kept.
fn installed(this: &Path, package_name: &str) -> Result<Vec<String>, String> {
    let folder = this.with_file_name(format!("python-{package_name}"));
    let python = folder.join("bin/python");
    let requirements = package(&format!("python/requirements-{package_name}.txt"));
    let complete = folder.join("complete");
    let wanted = fs::read_to_string(&requirements).unwrap();
    if fs::read_to_string(&complete).ok().as_ref() != Some(&wanted) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        run(Command::new(&python).args(["-m", "pip", "install", "-r"]).arg(&requirements))?;
        fs::write(complete, wanted).unwrap();
    }
    let command = vec![text(&python), text(&package("python/peer.py")), package_name.to_owned()];
    // Alone it only loads what it needs.
    run(Command::new(&command[0]).args(&command[1..]))?;
    Ok(command)
}

/// Or the last that it said.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.success() {
        true => Ok(()),
        false => Err(said.trim().lines().last().unwrap_or("failed").trim().to_owned()),
    }
}

/// A file of this package.
fn package(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
