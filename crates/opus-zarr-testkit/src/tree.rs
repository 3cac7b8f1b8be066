//! The content of a directory, for comparing before and after.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Every path below a directory, with the content of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree(BTreeMap<PathBuf, Option<Vec<u8>>>);

impl Tree {
    /// Reads everything below `root`.
    pub fn of(root: &Path) -> Self {
        let mut entries = BTreeMap::new();
        let mut directories = vec![root.to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let content = path.is_file().then(|| fs::read(&path).unwrap());
                if path.is_dir() {
                    directories.push(path.clone());
                }
                entries.insert(path.strip_prefix(root).unwrap().to_owned(), content);
            }
        }
        Self(entries)
    }

    /// Writes everything below `root`.
    pub fn write(&self, root: &Path) {
        fs::create_dir_all(root).unwrap();
        // A directory comes before its entries.
        for (path, content) in &self.0 {
            match content {
                Some(content) => fs::write(root.join(path), content).unwrap(),
                None => fs::create_dir(root.join(path)).unwrap(),
            }
        }
    }

    /// Returns the tree without what unfinished writers keep or left behind.
    pub fn without_drafts(mut self) -> Self {
        let is_draft = |path: &Path| {
            path.components()
                .any(|part| part.as_os_str().to_string_lossy().starts_with(".opus-zarr-draft-"))
        };
        self.0.retain(|path, _| !is_draft(path));
        self
    }

    /// Returns the tree with the content of every file changed by `change`.
    pub fn map_files(mut self, change: impl Fn(&Path, Vec<u8>) -> Vec<u8>) -> Self {
        for (path, content) in &mut self.0 {
            *content = content.take().map(|content| change(path, content));
        }
        self
    }

    /// Returns the paths that only one of the trees has, or whose content differs.
    pub fn differences<'a>(&'a self, other: &'a Self) -> Vec<&'a Path> {
        let paths = self.0.keys().chain(other.0.keys());
        let mut changed: Vec<&Path> = paths
            .filter(|path| self.0.get(*path) != other.0.get(*path))
            .map(PathBuf::as_path)
            .collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// Panics with the differences, if any.
    pub fn assert_same(&self, now: &Self, what: &str) {
        let changed = self.differences(now);
        assert!(changed.is_empty(), "{what}: changed {changed:?}");
    }
}

/// Returns the names of the recordings that a store shows: everything but its document and
/// drafts.
pub fn visible(store: &Path) -> Vec<String> {
    names(store).into_iter().filter(|name| name != "zarr.json" && !name.starts_with('.')).collect()
}

/// Returns the names of the drafts in a store that unfinished writers keep or left behind.
pub fn drafts(store: &Path) -> Vec<String> {
    names(store).into_iter().filter(|name| name.starts_with(".opus-zarr-draft-")).collect()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
