//! A table of the recordings of a store.

mod row;

use std::ops::ControlFlow;

use opus_zarr_store::{Listed, RecordingName, Store};

pub use self::row::CatalogueRow;
use crate::{Error, ErrorKind, Recording, in_order::in_order};

/// The recordings of a store, one row each, sorted by name. Whoever has the catalogue knows when each
/// was recorded and how long it is without opening any, which takes a request each in an object store.
///
/// Rows can be kept in a file: they implement the traits of `serde`. A row may be out of date, which
/// [`CatalogueRow::is_current`] tells once the recording is open.
///
/// ```no_run
/// use opus_zarr::{Catalogue, Store};
///
/// # fn main() -> Result<(), opus_zarr::Error> {
/// let store = Store::open("archive.zarr")?;
/// let (catalogue, changes) = Catalogue::default().update(&store, |name, error| {
///     eprintln!("{name}: {error}");
/// })?;
/// println!("{} of {} recordings were opened", changes.opened, catalogue.rows().len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    rows: Vec<CatalogueRow>,
}

/// What an update of a catalogue found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CatalogueChanges {
    /// Recordings that were opened: new ones, and those whose document may have changed.
    pub opened: usize,
    /// Rows whose recordings have not changed since.
    pub kept: usize,
    /// Rows whose recordings are gone.
    pub gone: usize,
    /// Recordings that could not be opened, which have no row.
    pub failed: usize,
}

impl Catalogue {
    /// Makes a catalogue of rows in any order. Of several with the same name, the last counts.
    pub fn from_rows(rows: impl IntoIterator<Item = CatalogueRow>) -> Self {
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.reverse();
        rows.sort_by(|a, b| a.name.cmp(&b.name)); // stable
        rows.dedup_by(|later, earlier| later.name == earlier.name);
        Self { rows }
    }

    /// The rows, sorted by name.
    pub fn rows(&self) -> &[CatalogueRow] {
        &self.rows
    }

    /// The row of a recording.
    pub fn row(&self, name: &str) -> Option<&CatalogueRow> {
        let found = self.rows.binary_search_by(|row| (*row.name).cmp(name)).ok()?;
        self.rows.get(found)
    }

    /// Returns the catalogue of the store as it is now, and what has changed. Only recordings that are
    /// new, or whose document may have changed, are opened; a directory tells which, an object store does
    /// not, so there all are. A recording that cannot be opened is passed to `failed` and has no row; what
    /// other programs have added to the store is left out.
    ///
    /// # Errors
    ///
    /// The store cannot be listed.
    pub fn update(
        &self,
        store: &Store,
        mut failed: impl FnMut(&RecordingName, Error),
    ) -> Result<(Self, CatalogueChanges), Error> {
        let listed = store.listing()?.collect::<Result<Vec<_>, _>>()?;
        let (mut rows, mut changes) =
            (Vec::with_capacity(listed.len()), CatalogueChanges::default());
        let mut to_open = Vec::new();
        for found in listed {
            match self.row(found.name.as_str()).filter(|row| row.is_of(&found)) {
                Some(row) => rows.push(row.clone()),
                None => to_open.push(found),
            }
        }
        changes.kept = rows.len();
        let open = |found: &Listed| {
            let recording = Recording::open(store, found.name.as_str())?;
            Ok(CatalogueRow::of(&recording).version(found.version.clone()))
        };
        in_order(&to_open, open, |found, row: Result<_, Error>| {
            match row {
                Ok(row) => rows.push(row),
                // Removed since it was listed, or never one of ours.
                Err(error) if is_no_recording(&error) => {}
                Err(error) => {
                    changes.failed += 1;
                    failed(&found.name, error);
                }
            }
            ControlFlow::Continue(())
        });
        changes.opened = rows.len() - changes.kept;
        let updated = Self::from_rows(rows);
        changes.gone = self.rows.iter().filter(|row| updated.row(&row.name).is_none()).count();
        Ok((updated, changes))
    }
}

fn is_no_recording(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NoSuchRecording | ErrorKind::NotARecording)
}
