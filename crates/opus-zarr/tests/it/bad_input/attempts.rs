//! Imports that must be refused, in a world where nothing may change by them.

use std::{fs, path::PathBuf, process::Command};

use opus_zarr::ImportOptions;
use opus_zarr_testkit::{
    fast_folder,
    recordings::{MONO, STEREO, first_and_last, import_to, import_with, open_at},
    testdata,
    tree::Tree,
};
use tempfile::TempDir;

use super::disks::Disk;

/// What is wrong with an import; all the rest of it is good.
pub(crate) enum Attempt {
    /// The source is a file with these bytes.
    Bytes(Vec<u8>),
    /// The source is this path in the world.
    Source(&'static str),
    /// The recording is to have this name.
    Name(String),
    /// The store is this path in the world.
    Store(&'static str),
    /// The store is on this disk.
    Disk(Disk),
}

/// A directory with a good store that holds one recording, and with what is no store.
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

    /// What the attempt is told; sources and names are tried with a store that there
    /// is and with one that there is not.
    pub(crate) fn refusals(&self, attempt: &Attempt) -> Vec<String> {
        let into = |source: PathBuf, store: &str, name: &str| {
            let strict = ImportOptions::default().strict(true);
            let result = import_with(source, self.at(store), name, &strict);
            result.map(drop).expect_err("an import that is refused").to_string()
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
            // Of another file.
            Attempt::Name(name) if name == "earlier" => vec![into(testdata(STEREO), "store", name)],
            Attempt::Name(name) => into_stores(testdata(MONO), name),
            Attempt::Store(path) => vec![into(testdata(MONO), path, "it")],
            Attempt::Disk(disk) => disk.refusals(&self.at("disk")),
        }
    }

    /// All that could change, but for the source of the row.
    pub(crate) fn tree(&self) -> Tree {
        fs::write(self.at("source.opus"), "").unwrap();
        Tree::of(self.folder.path())
    }

    pub(crate) fn assert_that_the_earlier_recording_reads(&self, what: &str) {
        let recording = open_at(self.at("store"), "earlier").unwrap();
        assert!(first_and_last(&recording) == self.earlier, "{what}: the earlier recording");
    }

    pub(crate) fn assert_that_a_good_import_works(&self, what: &str) {
        let recording =
            import_to(testdata(MONO), self.at("store"), "next").expect(what).into_first();
        assert!(first_and_last(&recording) == self.earlier, "{what}: the next recording");
        fs::remove_dir_all(self.at("store/next")).unwrap();
    }

    /// The text with WORLD in place of the directory.
    pub(crate) fn anonymous(&self, text: &str) -> String {
        text.replace(self.folder.path().to_str().unwrap(), "WORLD")
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }
}

/// What a store of a later layout may say.
const FUTURE: &str =
    r#"{"zarr_format":3,"node_type":"group","attributes":{"opus_zarr":{"layout":7}}}"#;
