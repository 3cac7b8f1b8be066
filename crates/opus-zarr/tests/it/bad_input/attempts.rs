//! Imports that must fail, and the directory that they must not change.

use std::{fs, path::PathBuf, process::Command};

use opus_zarr::ImportOptions;
use opus_zarr_testkit::{
    chain, fast_folder,
    recordings::{MONO, STEREO, first_and_last, import_to, import_with, open_at},
    testdata,
    tree::Tree,
};
use tempfile::TempDir;

use super::disks::Disk;

/// What is wrong with an import. Everything else is right.
pub(crate) enum Attempt {
    /// The source is a file with these bytes.
    Bytes(Vec<u8>),
    /// The source is this path in the directory.
    Source(&'static str),
    /// The name of the recording.
    Name(String),
    /// The store is this path in the directory.
    Store(&'static str),
    /// The store is on this disk.
    Disk(Disk),
}

/// A directory with a good store that holds one recording, and with things that are not stores.
pub(crate) struct World {
    folder: TempDir,
    earlier: [Vec<i16>; 2],
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = fast_folder();
        let at = |path: &str| folder.path().join(path);
        let earlier = first_and_last(
            &import_to(testdata(MONO), at("store"), "earlier").unwrap().into_first(),
        );
        for directory in ["directory", "line\nfeed", "future", "foreign", "broken", "disk"] {
            fs::create_dir(at(directory)).unwrap();
        }
        fs::write(at("file"), "Dear reader").unwrap();
        fs::write(at("directory/file"), "Dear reader").unwrap();
        fs::write(at("line\nfeed/file"), "Dear reader").unwrap();
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        fs::write(at("future/zarr.json"), FUTURE).unwrap();
        fs::write(at("foreign/zarr.json"), r#"{"zarr_format":3,"node_type":"group"}"#).unwrap();
        fs::write(at("broken/zarr.json"), r#"{"zarr_format":3,"#).unwrap();
        fs::write(at("source.opus"), "").unwrap();
        Self { folder, earlier }
    }

    /// Returns the errors of the attempt. Sources and names are tried with an existing store and
    /// with a new one.
    pub(crate) fn refusals(&self, attempt: &Attempt) -> Vec<String> {
        let into = |source: PathBuf, store: &str, name: &str| {
            let strict = ImportOptions::default().strict(true);
            let result = import_with(source, self.at(store), name, &strict);
            chain(&result.map(drop).expect_err("an import that must fail"))
        };
        let into_stores = |source: PathBuf, name: &str| {
            ["store", "new/store"].map(|store| into(source.clone(), store, name)).into()
        };
        match attempt {
            Attempt::Bytes(bytes) => {
                fs::write(self.at("source.opus"), bytes).unwrap();
                into_stores(self.at("source.opus"), "it")
            }
            Attempt::Source(path) => into_stores(self.at(path), "it"),
            // This name belongs to another file.
            Attempt::Name(name) if name == "earlier" => vec![into(testdata(STEREO), "store", name)],
            Attempt::Name(name) => into_stores(testdata(MONO), name),
            Attempt::Store(path) => vec![into(testdata(MONO), path, "it")],
            Attempt::Disk(disk) => disk.refusals(&self.at("disk")),
        }
    }

    /// Everything that could change, except for the source of the attempt.
    pub(crate) fn tree(&self) -> Tree {
        fs::write(self.at("source.opus"), "").unwrap();
        Tree::of(self.folder.path())
    }

    /// Asserts that the recording from before reads as before.
    pub(crate) fn assert_that_the_earlier_recording_reads(&self, what: &str) {
        let recording = open_at(self.at("store"), "earlier").unwrap();
        assert!(first_and_last(&recording) == self.earlier, "{what}: the earlier recording");
    }

    /// Asserts that another import succeeds, and removes it again.
    pub(crate) fn assert_that_a_good_import_works(&self, what: &str) {
        let recording =
            import_to(testdata(MONO), self.at("store"), "next").expect(what).into_first();
        assert!(first_and_last(&recording) == self.earlier, "{what}: the next recording");
        fs::remove_dir_all(self.at("store/next")).unwrap();
    }

    /// Replaces the directory by WORLD.
    pub(crate) fn anonymous(&self, text: &str) -> String {
        text.replace(self.folder.path().to_str().unwrap(), "WORLD")
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }
}

/// The document of a store in a later layout.
const FUTURE: &str =
    r#"{"zarr_format":3,"node_type":"group","attributes":{"opus_zarr":{"layout":7}}}"#;
