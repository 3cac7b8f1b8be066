use opus_zarr::{Recording, Timestamp};

use super::{Sort, row::Row};

/// Rows in another order than the one in which they are found.
#[derive(Default)]
pub(super) struct Sorted {
    by: Option<Sort>,
    rows: Vec<(Key, Row)>,
}

/// Where a row belongs; rows with equal keys stay in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(u64),
    Started(Timestamp),
    /// By the recorder's clock.
    StartedLocally(String),
    Unknown,
}

impl Sorted {
    pub(super) fn new(by: Option<Sort>) -> Self {
        // Recordings are found by name.
        Self { by: by.filter(|by| *by != Sort::Name), rows: Vec::new() }
    }

    /// Keeps a row until all are known; gives it back if the order is that in which they are found.
    pub(super) fn keep(&mut self, recording: &Recording, row: Row) -> Option<Row> {
        let Some(by) = self.by else { return Some(row) };
        self.rows.push((Key::of(recording, by, &row), row));
        None
    }

    pub(super) fn into_rows(mut self) -> impl Iterator<Item = Row> {
        self.rows.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.rows.into_iter().map(|(_, row)| row)
    }
}

impl Key {
    fn of(recording: &Recording, by: Sort, row: &Row) -> Self {
        match by {
            Sort::Length => {
                let nanos = recording.time_of(recording.info().play_length).as_nanos();
                Self::Number(u64::try_from(nanos).unwrap_or(u64::MAX))
            }
            Sort::Size => Self::Number(row.blob_bytes),
            Sort::Name => Self::Unknown,
            Sort::Start => match (recording.utc_of(0), &row.start) {
                (Some(start), _) => Self::Started(start),
                (None, Some(local)) => Self::StartedLocally(local.clone()),
                (None, None) => Self::Unknown,
            },
        }
    }
}
