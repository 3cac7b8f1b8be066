use std::{collections::BTreeSet, io, io::ErrorKind};

use super::{ABSENT, BrokenContract, Checked, expect, expect_error};
use crate::{AsyncStorage, Entry, Part, layout::METADATA};

/// A storage under test, and the objects it should hold.
pub(super) struct Reading<'a> {
    pub(super) storage: &'a dyn AsyncStorage,
    pub(super) objects: &'a [(&'a str, &'a [u8])],
}

impl Reading<'_> {
    /// Reads parts of every object, and of none.
    pub(super) async fn parts(&self) -> Checked {
        let absent = self.read("no/such/object", Part::Whole(9)).await;
        expect_error(&self.storage, "a missing object is not found", absent, ABSENT)?;
        let longest = self.objects.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or_default();
        expect(&self.storage, "one object is longer than 10 bytes", longest > 10, longest)?;
        for (key, bytes) in self.objects {
            self.part(key, Part::Whole(length(bytes)), Some(bytes)).await?;
            self.part(key, Part::Last(3), bytes.last_chunk::<3>().map(<[u8; 3]>::as_slice)).await?;
            self.part(key, Part::Last(length(bytes) + 1), Some(bytes)).await?;
            if bytes.len() > 10 {
                self.ranges(key, bytes).await?;
            }
        }
        Ok(())
    }

    async fn ranges(&self, key: &str, bytes: &[u8]) -> Checked {
        let end = length(bytes);
        self.part(key, Part::Range(2..5), bytes.get(2..5)).await?;
        self.part(key, Part::Range(end - 3..end), bytes.get(bytes.len() - 3..)).await?;
        let eof = &[ErrorKind::UnexpectedEof];
        for range in [end - 2..end + 1, end..end + 1, end + 10..end + 11] {
            let read = self.read(key, Part::Range(range)).await;
            expect_error(&self.storage, "a range ends beyond the object", read, eof)?;
        }
        let read = self.read(key, Part::Whole(end - 1)).await;
        let rule = "an object longer than the limit is not read";
        expect_error(&self.storage, rule, read, &[ErrorKind::FileTooLarge])
    }

    /// Lists the entries, if the storage can.
    pub(super) async fn entries(&self) -> Checked {
        let rule = "entries are listed";
        let listed: Vec<Entry> = match self.storage.entries().await {
            Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(()),
            listed => listed
                .and_then(Iterator::collect)
                .map_err(|error| BrokenContract::new(&self.storage, rule, error))?,
        };
        let name = |key: &str| key.split('/').next().unwrap_or_default().to_owned();
        let names: BTreeSet<String> = self.objects.iter().map(|(key, _)| name(key)).collect();
        let rule = "every name is listed once, as a recording if it has a document";
        expect(&self.storage, rule, listed.len() == names.len(), &listed)?;
        for name in names {
            let document = format!("{name}/{METADATA}");
            let is_recording = self.objects.iter().any(|(key, _)| *key == document);
            let is_listed = |entry: &Entry| {
                entry.name() == name && matches!(entry, Entry::Recording { .. }) == is_recording
            };
            expect(&self.storage, rule, listed.iter().any(is_listed), &listed)?;
        }
        Ok(())
    }

    async fn read(&self, key: &str, part: Part) -> io::Result<Vec<u8>> {
        self.storage.read(key, part).await
    }

    /// Reads a part that should be these bytes, if the object has it.
    async fn part(&self, key: &str, part: Part, expected: Option<&[u8]>) -> Checked {
        let Some(expected) = expected else { return Ok(()) };
        let rule = match part {
            Part::Range(_) => "a range is exactly those bytes",
            Part::Last(_) => "the last bytes, at most all",
            Part::Whole(_) => "the whole object, up to the limit",
        };
        let found = self.read(key, part).await;
        let found = found.map_err(|error| BrokenContract::new(&self.storage, rule, error))?;
        expect(&self.storage, rule, found == expected, String::from_utf8_lossy(&found))
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
