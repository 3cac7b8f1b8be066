use std::{
    fmt::Debug,
    io::{self, ErrorKind, Write},
};

use super::{ABSENT, BrokenContract, Checked, expect, expect_error, reading::Reading};
use crate::{
    Draft, Entry, Part, RecordingName, Storage, WriteStorage,
    layout::METADATA,
    storage::{Ready, ready},
};

/// An empty storage under test.
pub(super) struct Writing<'a> {
    pub(super) storage: &'a dyn Storage,
}

impl Writing<'_> {
    /// Writes objects and reads parts of them.
    pub(super) fn objects(&self) -> Checked {
        let draft = self.begin("objects")?;
        let key = format!("{}/deep/c/0", draft.prefix());
        let mut object = self.works("create", self.writing()?.create(&key))?;
        self.works("write", object.write_all(b"old"))?;
        self.read_fails("an unfinished object is absent", &key, ALL, ABSENT)?;
        self.works("finish", object.finish())?;
        let unfinished = self.works("create", self.writing()?.create(&key))?;
        drop(unfinished);
        self.reads("an unfinished object changes nothing", &key, ALL, b"old")?;
        self.put(&key, BYTES)?;
        self.reads("an object replaces the previous one", &key, ALL, BYTES)?;
        let storage = &Ready(self.storage);
        ready(Reading { storage, objects: &[(&key, BYTES)] }.parts())?;
        drop(draft);
        self.read_fails("the objects of a dropped draft are gone", &key, ALL, ABSENT)
    }

    /// Commits recordings and lists them.
    pub(super) fn recordings(&self) -> Checked {
        for name in NAMES {
            self.lists("only committed recordings are listed", &NAMES, name, false)?;
            let draft = self.begin(name)?;
            self.put(&format!("{}/part/c/0", draft.prefix()), name.as_bytes())?;
            self.lists("only committed recordings are listed", &NAMES, name, false)?;
            self.works("commit", draft.commit(b"document"))?;
            self.lists("a committed recording is listed once", &NAMES, name, true)?;
            let (part, document) = (format!("{name}/part/c/0"), format!("{name}/{METADATA}"));
            self.reads("the objects of the draft are there", &part, ALL, name.as_bytes())?;
            self.reads("and its document", &document, ALL, b"document")?;
            let again = self.writing()?.begin(&self.name(name)?);
            self.fails("a name is taken", again, &[ErrorKind::AlreadyExists])?;
        }
        Ok(())
    }

    /// Lets two writers write one name, and copies objects from another recording.
    pub(super) fn drafts(&self) -> Checked {
        let first = self.begin(TWICE)?;
        match self.writing()?.begin(&self.name(TWICE)?) {
            Ok(second) => {
                self.works("commit", second.commit(b"second"))?;
                let taken = &[ErrorKind::AlreadyExists];
                self.fails("a name was taken meanwhile", first.commit(b"first"), taken)?;
            }
            Err(error) => {
                let busy = &[ErrorKind::ResourceBusy];
                self.fails::<()>("another writer is busy", Err(error), busy)?;
                self.works("commit", first.commit(b"second"))?;
            }
        }
        let document = format!("{TWICE}/{METADATA}");
        self.reads("one of two writers wins", &document, ALL, b"second")?;

        let [from, ..] = NAMES;
        let copy = self.begin("copy")?;
        let original = format!("{from}/part/c/0");
        self.works("take", copy.take(&original, "part/c/0"))?;
        self.fails("only existing objects can be taken", copy.take("no/object", "x"), ABSENT)?;
        self.works("commit", copy.commit(b"document"))?;
        self.reads("a taken object is there", "copy/part/c/0", ALL, from.as_bytes())?;
        self.put(&original, b"changed")?;
        let rule = "replacing an object does not change copies of it";
        self.reads(rule, "copy/part/c/0", ALL, from.as_bytes())
    }

    /// Removes one recording, and then all.
    pub(super) fn removal(&self) -> Checked {
        let absent = &[ErrorKind::NotFound];
        let remove = |name| {
            let claim = self.writing()?.claim(&self.name(name)?);
            Ok(claim.and_then(|claim| claim.remove(None)))
        };
        self.fails("a missing recording cannot be removed", remove("missing")?, absent)?;
        self.works("remove", remove("copy")?)?;
        self.lists("a removed recording is not listed", &["copy"], "copy", false)?;
        self.read_fails("nor can it be read", "copy/part/c/0", ALL, ABSENT)?;
        self.fails("nor removed again", remove("copy")?, absent)?;
        let [first, ..] = NAMES;
        self.reads("other recordings stay", &format!("{first}/part/c/0"), ALL, b"changed")?;
        drop(self.begin("copy")?);
        for name in NAMES.into_iter().chain([TWICE]) {
            self.works("remove", remove(name)?)?;
        }
        let left = self.entries()?;
        self.holds("nothing is left after removing all", left.is_empty(), left)
    }

    fn begin(&self, name: &str) -> Checked<Box<dyn Draft>> {
        self.works("begin", self.writing()?.begin(&self.name(name)?))
    }

    fn writing(&self) -> Checked<&dyn WriteStorage> {
        self.works("the storage can be written", self.storage.writing())
    }

    fn name(&self, name: &str) -> Checked<RecordingName> {
        name.parse().map_err(|error| BrokenContract::new(&self.storage, "a name", error))
    }

    fn put(&self, key: &str, bytes: &[u8]) -> Checked {
        let mut object = self.works("create", self.writing()?.create(key))?;
        self.works("write", object.write_all(bytes))?;
        self.works("finish", object.finish())
    }

    fn entries(&self) -> Checked<Vec<Entry>> {
        let entries = self.storage.entries().and_then(Iterator::collect);
        self.works("entries", entries)
    }

    /// Checks that those of `names` up to `last` are listed, `last` itself only if `is_there`.
    fn lists(&self, rule: &'static str, names: &[&str], last: &str, is_there: bool) -> Checked {
        let entries = self.entries()?;
        let before = names.iter().take_while(|name| **name != last);
        let mut expected: Vec<&str> = before.copied().chain(is_there.then_some(last)).collect();
        let mut found: Vec<&str> = entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Recording { name, .. } if names.contains(&name.as_str()) => Some(&**name),
                _ => None,
            })
            .collect();
        expected.sort_unstable();
        found.sort_unstable();
        self.holds(rule, found == expected, &entries)
    }

    fn reads(&self, rule: &'static str, key: &str, part: Part, expected: &[u8]) -> Checked {
        let found = self.works(rule, self.storage.read(key, part))?;
        self.holds(rule, found == expected, String::from_utf8_lossy(&found))
    }

    fn read_fails(
        &self,
        rule: &'static str,
        key: &str,
        part: Part,
        kinds: &[ErrorKind],
    ) -> Checked {
        self.fails(rule, self.storage.read(key, part), kinds)
    }

    fn works<T>(&self, rule: &'static str, result: io::Result<T>) -> Checked<T> {
        result.map_err(|error| BrokenContract::new(&self.storage, rule, error))
    }

    fn fails<T>(&self, rule: &'static str, result: io::Result<T>, kinds: &[ErrorKind]) -> Checked {
        expect_error(&self.storage, rule, result, kinds)
    }

    fn holds(&self, rule: &'static str, holds: bool, found: impl Debug) -> Checked {
        expect(&self.storage, rule, holds, found)
    }
}

const ALL: Part = Part::Whole(1 << 20);
const BYTES: &[u8] = b"0123456789ab";
/// Names of recordings; one begins like another.
const NAMES: [&str; 4] = ["a", "a b", "Zaunkönig 2026-05-06", "x.opus"];
const TWICE: &str = "twice";
