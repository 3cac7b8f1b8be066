use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::{Peer, Reads};

/// Builds or installs every peer that this machine can run, and prints the missing ones.
pub(crate) fn peers() -> Vec<Peer> {
    let this = env::current_exe().unwrap();
    let ours = ["only libopus", "ours, approximate", "ours, agreed", "ours, exact"];
    let ours = ours.map(|name| Peer {
        command: vec![text(&this), "serve".to_owned(), name.to_owned()],
        reads: Reads::Store,
    });
    let theirs = [
        ("opusfile", built(&this, "peer-opusfile"), "apt-get install libopusfile-dev"),
        ("symphonia", built(&this, "peer-symphonia"), "see cargo build --bin peer-symphonia"),
        ("PyAV", installed(&this, "pyav"), "apt-get install python3-venv"),
        ("soundfile", installed(&this, "soundfile"), "apt-get install python3-venv"),
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

/// Builds another program of this package, next to this one.
fn built(this: &Path, program: &str) -> Result<Vec<String>, String> {
    let target = this.ancestors().nth(2).unwrap();
    run(Command::new(env!("CARGO"))
        .args(["build", "--release", "--bin", program, "--manifest-path"])
        .arg(package("Cargo.toml"))
        .arg("--target-dir")
        .arg(target))?;
    Ok(vec![text(&this.with_file_name(program))])
}

/// Installs a Python package into a virtual environment of its own, which stays.
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
    // Without a file it only loads its modules.
    run(Command::new(&command[0]).args(&command[1..]))?;
    Ok(command)
}

/// On failure, returns the last line of standard error.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Ok(());
    }
    Err(said.trim().lines().last().unwrap_or("failed").trim().to_owned())
}

/// A file of this package.
fn package(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
