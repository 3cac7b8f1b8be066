//! The corpus of real recordings, which is not part of the repository.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{files::root, skipped::say_skipped};

/// A file of the corpus, as its manifest describes it.
#[derive(Clone, Debug)]
pub struct CorpusFile {
    /// The file name.
    pub name: String,
    /// The path within the corpus.
    pub relative: String,
    /// The whole path.
    pub path: PathBuf,
    /// The container, as ffmpeg names it.
    pub container: String,
    /// The codec, as ffmpeg names it.
    pub codec: String,
    /// The number of channels.
    pub channels: u32,
    /// The play length in samples at 48 kHz as opusfile counts it. Only for files that it reads
    /// to the end as one link.
    pub opusfile_samples: Option<u64>,
}

/// Returns the Ogg Opus files of the corpus, or `None` if the corpus is missing.
pub fn ogg_opus_files() -> Option<Vec<CorpusFile>> {
    Some(every_opus_file()?.into_iter().filter(|file| file.container == "ogg").collect())
}

/// Returns the files of the corpus that hold Opus in any container, or `None` where there is no
/// corpus.
pub fn every_opus_file() -> Option<Vec<CorpusFile>> {
    Some(every_file()?.into_iter().filter(|file| file.codec == "opus").collect())
}

/// Returns whether long campaigns run in full: with `OPUS_ZARR_FULL=1`, once before an issue is
/// resolved. Otherwise they take a sample.
pub fn is_full_run() -> bool {
    env::var_os("OPUS_ZARR_FULL").is_some_and(|value| value == "1")
}

/// Returns the files of the corpus in `OPUS_ZARR_CORPUS`, or else in `../shared/corpus`.
///
/// If the corpus is missing, prints that and returns `None`.
pub fn every_file() -> Option<Vec<CorpusFile>> {
    let named = env::var_os("OPUS_ZARR_CORPUS");
    let folder = named.as_ref().map_or_else(|| root().join("../shared/corpus"), PathBuf::from);
    let manifest = folder.join("MANIFEST.tsv");
    if !manifest.exists() {
        assert!(named.is_none(), "no {}", manifest.display());
        say_skipped("no corpus of real recordings; set OPUS_ZARR_CORPUS to its directory");
        return None;
    }
    let manifest = fs::read_to_string(manifest).unwrap();
    Some(manifest.lines().skip(1).map(|row| corpus_file(&folder, row)).collect())
}

fn corpus_file(folder: &Path, row: &str) -> CorpusFile {
    let fields: Vec<&str> = row.split('\t').collect();
    let [path, container, codec, channels, ..] = fields[..] else { panic!("manifest: {row}") };
    let says: Vec<&str> = fields[11].split(' ').collect();
    let number =
        |key: &str| says.iter().find_map(|field| field.strip_prefix(key))?.parse::<u64>().ok();
    let whole = number("links=") == Some(1) && number("holes=") == Some(0);
    CorpusFile {
        name: Path::new(path).file_name().unwrap().to_string_lossy().into_owned(),
        relative: path.to_owned(),
        path: folder.join(path),
        container: container.to_owned(),
        codec: codec.to_owned(),
        channels: channels.parse().unwrap(),
        opusfile_samples: number("pcm_total=").filter(|_| whole),
    }
}
