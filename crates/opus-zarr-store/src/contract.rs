//! The contracts of the storage traits as checks, for those who implement them.

use std::{
    fmt::Debug,
    io::{self, ErrorKind, Write},
};

use crate::{Draft, Entry, Part, RecordingName, Storage, WriteStorage, layout::METADATA};

/// How a storage breaks the contract of its traits.
#[derive(Debug, thiserror::Error)]
#[error("{storage}: {rule}: {found}")]
pub struct BrokenContract {
    storage: String,
    rule: &'static str,
    found: String,
}

/// Checks that a storage keeps the contracts of [`Storage`] and [`WriteStorage`]: what one
/// process can see of them. It must be empty, and is so again if it keeps them.
///
/// For the tests of those who implement these traits: nothing else in this crate calls it.
///
/// ```
/// opus_zarr_store::check_storage(&opus_zarr_store::MemoryStorage::new())?;
/// # Ok::<(), opus_zarr_store::BrokenContract>(())
/// ```
pub fn check_storage(storage: &dyn Storage) -> Result<(), BrokenContract> {
    let check = Check { storage };
    check.objects()?;
    check.recordings()?;
    check.drafts()?;
    check.removal()
}

/// A storage that is being checked.
struct Check<'a> {
    storage: &'a dyn Storage,
}

type Checked<T = ()> = Result<T, BrokenContract>;

impl Check<'_> {
    /// Reads the parts of objects, beside recordings and within one.
    fn objects(&self) -> Checked {
        self.read_fails("what is not there is not found", "a/b", Part::Whole(9), ABSENT)?;
        let draft = self.begin("objects")?;
        let key = format!("{}/deep/c/0", draft.prefix());
        let mut object = self.works("create", self.writing()?.create(&key))?;
        self.works("write", object.write_all(b"old"))?;
        self.read_fails("an object is not there before it is finished", &key, ALL, ABSENT)?;
        self.works("finish", object.finish())?;
        let unfinished = self.works("create", self.writing()?.create(&key))?;
        drop(unfinished);
        self.reads("an object that was not finished changes nothing", &key, ALL, b"old")?;
        self.put(&key, b"0123456789")?;
        self.reads("an object takes the place of the one before", &key, ALL, b"0123456789")?;
        self.reads("a range is exactly those bytes", &key, Part::Range(2..5), b"234")?;
        self.reads("a range may end at the end", &key, Part::Range(7..10), b"789")?;
        self.reads("the last bytes", &key, Part::Last(3), b"789")?;
        self.reads("the last bytes are at most all", &key, Part::Last(11), b"0123456789")?;
        self.reads("as many bytes as the limit", &key, Part::Whole(10), b"0123456789")?;
        let eof = &[ErrorKind::UnexpectedEof];
        self.read_fails("a range ends beyond the object", &key, Part::Range(8..11), eof)?;
        self.read_fails("a range begins beyond the object", &key, Part::Range(20..21), eof)?;
        let large = &[ErrorKind::FileTooLarge];
        self.read_fails("the object is longer than the limit", &key, Part::Whole(9), large)?;
        drop(draft);
        self.read_fails("what a dropped draft held is gone", &key, ALL, ABSENT)
    }

    /// Commits recordings and lists them.
    fn recordings(&self) -> Checked {
        for name in NAMES {
            self.lists("what is not committed is not listed", &NAMES, name, false)?;
            let draft = self.begin(name)?;
            self.put(&format!("{}/part/c/0", draft.prefix()), name.as_bytes())?;
            self.lists("what is not committed is not listed", &NAMES, name, false)?;
            self.works("commit", draft.commit(b"document"))?;
            self.lists("what is committed is listed, once", &NAMES, name, true)?;
            let (part, document) = (format!("{name}/part/c/0"), format!("{name}/{METADATA}"));
            self.reads("what the draft held is there", &part, ALL, name.as_bytes())?;
            self.reads("and its document", &document, ALL, b"document")?;
            let again = self.writing()?.begin(&self.name(name)?);
            self.fails("a name is taken", again, &[ErrorKind::AlreadyExists])?;
        }
        Ok(())
    }

    /// Two writers of a name, and objects that are taken from another recording.
    fn drafts(&self) -> Checked {
        let first = self.begin(TWICE)?;
        match self.writing()?.begin(&self.name(TWICE)?) {
            Ok(second) => {
                self.works("commit", second.commit(b"second"))?;
                let taken = &[ErrorKind::AlreadyExists];
                self.fails("a name was taken meanwhile", first.commit(b"first"), taken)?;
            }
            Err(error) => {
                let busy = &[ErrorKind::ResourceBusy];
                self.fails::<()>("a writer is at work", Err(error), busy)?;
                self.works("commit", first.commit(b"second"))?;
            }
        }
        let document = format!("{TWICE}/{METADATA}");
        self.reads("of two writers of a name one wins", &document, ALL, b"second")?;

        let [from, ..] = NAMES;
        let copy = self.begin("copy")?;
        let original = format!("{from}/part/c/0");
        self.works("take", copy.take(&original, "part/c/0"))?;
        self.fails("what is taken must be there", copy.take("no/object", "x"), ABSENT)?;
        self.works("commit", copy.commit(b"document"))?;
        self.reads("what was taken is there", "copy/part/c/0", ALL, from.as_bytes())?;
        self.put(&original, b"changed")?;
        let rule = "a new object under the old key does not change what was taken";
        self.reads(rule, "copy/part/c/0", ALL, from.as_bytes())
    }

    /// Removes one recording, and then all.
    fn removal(&self) -> Checked {
        let absent = &[ErrorKind::NotFound];
        let remove = |name| Ok(self.writing()?.remove(&self.name(name)?));
        self.fails("what is not there cannot be removed", remove("missing")?, absent)?;
        self.works("remove", remove("copy")?)?;
        self.lists("what is removed is not listed", &["copy"], "copy", false)?;
        self.read_fails("nor can it be read", "copy/part/c/0", ALL, ABSENT)?;
        self.fails("nor removed again", remove("copy")?, absent)?;
        let [first, ..] = NAMES;
        self.reads("another stays", &format!("{first}/part/c/0"), ALL, b"changed")?;
        drop(self.begin("copy")?);
        for name in NAMES.into_iter().chain([TWICE]) {
            self.works("remove", remove(name)?)?;
        }
        let left = self.entries()?;
        self.holds("nothing is left when all is removed", left.is_empty(), left)
    }

    fn begin(&self, name: &str) -> Checked<Box<dyn Draft>> {
        self.works("begin", self.writing()?.begin(&self.name(name)?))
    }

    fn writing(&self) -> Checked<&dyn WriteStorage> {
        self.works("it can be written", self.storage.writing())
    }

    fn name(&self, name: &str) -> Checked<RecordingName> {
        name.parse().map_err(|error| self.broken("a name", error))
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

    /// Whether one of these recordings, which are those before it, is listed.
    fn lists(&self, rule: &'static str, names: &[&str], last: &str, is_there: bool) -> Checked {
        let before = names.iter().take_while(|name| **name != last).copied();
        let mut expected: Vec<&str> = before.chain(is_there.then_some(last)).collect();
        let entries = self.entries()?;
        let mut found: Vec<&str> = entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Recording(name) if names.contains(&name.as_str()) => Some(name.as_str()),
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
        result.map_err(|error| self.broken(rule, error))
    }

    fn fails<T>(&self, rule: &'static str, result: io::Result<T>, kinds: &[ErrorKind]) -> Checked {
        match result.map_err(|error| error.kind()) {
            Err(kind) if kinds.contains(&kind) => Ok(()),
            result => {
                Err(self.broken(rule, format!("expected {kinds:?}, found {:?}", result.err())))
            }
        }
    }

    fn holds(&self, rule: &'static str, is_so: bool, found: impl Debug) -> Checked {
        if is_so { Ok(()) } else { Err(self.broken(rule, format!("found {found:?}"))) }
    }

    fn broken(&self, rule: &'static str, found: impl ToString) -> BrokenContract {
        BrokenContract { storage: self.storage.to_string(), rule, found: found.to_string() }
    }
}

const ALL: Part = Part::Whole(1 << 20);
/// How reading what is not there fails.
const ABSENT: &[ErrorKind] = &[ErrorKind::NotFound, ErrorKind::NotADirectory];
/// Names of recordings; one begins like another.
const NAMES: [&str; 4] = ["a", "a b", "Zaunkönig 2026-05-06", "x.opus"];
const TWICE: &str = "twice";
