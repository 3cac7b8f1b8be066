//! What the tests across crates share.

#![allow(dead_code, reason = "each test uses a part of it")]

pub mod attempts;
pub mod counter;
pub mod damage;
pub mod disks;
pub mod faulty;
pub mod long;
pub mod operations;
pub mod processes;
pub mod python;
pub mod random;
pub mod recordings;
pub mod strace;
pub mod stream;
pub mod tones;
pub mod tree;
pub mod warnings;

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

pub use random::Random;

/// A file of this repository's `testdata/`.
pub fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

/// A folder that is in memory where there is one: it is not the disk that is tried.
pub fn fast_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Says what is not tested here, and why. Not by `eprintln!`: the test harness swallows
/// that when a test passes.
pub fn say_skipped(what: &str) {
    let _ = writeln!(io::stderr(), "SKIPPED: {what}");
}

/// A row of the corpus manifest.
pub struct CorpusFile {
    pub name: String,
    /// In the corpus.
    pub relative: String,
    pub path: PathBuf,
    pub container: String,
    pub codec: String,
    pub channels: u32,
    /// Samples to play as opusfile counts them, if it reads one link to the end.
    pub opusfile_samples: Option<u64>,
}

/// The Ogg Opus files among [`every_opus_file`].
pub fn corpus() -> Option<Vec<CorpusFile>> {
    Some(every_opus_file()?.into_iter().filter(|file| file.container == "ogg").collect())
}

/// The files with Opus among [`every_file`].
pub fn every_opus_file() -> Option<Vec<CorpusFile>> {
    Some(every_file()?.into_iter().filter(|file| file.codec == "opus").collect())
}

/// The files of the corpus of real recordings: that of `OPUS_ZARR_CORPUS`, or
/// `../shared/corpus`. None if it is not there.
pub fn every_file() -> Option<Vec<CorpusFile>> {
    let root = match env::var_os("OPUS_ZARR_CORPUS") {
        Some(root) => PathBuf::from(root),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
    };
    let manifest = root.join("MANIFEST.tsv");
    if !manifest.exists() {
        assert!(env::var_os("OPUS_ZARR_CORPUS").is_none(), "no {}", manifest.display());
        say_skipped("no corpus of real recordings; set OPUS_ZARR_CORPUS to its directory");
        return None;
    }
    let manifest = fs::read_to_string(manifest).unwrap();
    Some(manifest.lines().skip(1).map(|row| corpus_file(&root, row)).collect())
}

fn corpus_file(root: &Path, row: &str) -> CorpusFile {
    let fields: Vec<&str> = row.split('\t').collect();
    let [path, container, codec, channels, ..] = fields[..] else { panic!("manifest: {row}") };
    let says: Vec<&str> = fields[11].split(' ').collect();
    let number =
        |key: &str| says.iter().find_map(|field| field.strip_prefix(key))?.parse::<u64>().ok();
    let whole = number("links=") == Some(1) && number("holes=") == Some(0);
    CorpusFile {
        name: Path::new(path).file_name().unwrap().to_string_lossy().into_owned(),
        relative: path.to_owned(),
        path: root.join(path),
        container: container.to_owned(),
        codec: codec.to_owned(),
        channels: channels.parse().unwrap(),
        opusfile_samples: number("pcm_total=").filter(|_| whole),
    }
}
