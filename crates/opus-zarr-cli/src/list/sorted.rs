use std::time::Duration;

use opus_zarr::Timestamp;

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
    Length(Duration),
    Bytes(u64),
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
    pub(super) fn keep(&mut self, row: Row) -> Option<Row> {
        let Some(by) = self.by else { return Some(row) };
        self.rows.push((Key::of(by, &row), row));
        None
    }

    pub(super) fn into_rows(mut self) -> impl Iterator<Item = Row> {
        self.rows.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.rows.into_iter().map(|(_, row)| row)
    }
}

impl Key {
    fn of(by: Sort, row: &Row) -> Self {
        match by {
            Sort::Length => {
                Self::Length(Duration::try_from_secs_f64(row.seconds).unwrap_or_default())
            }
            Sort::Size => Self::Bytes(row.blob_bytes),
            Sort::Name => Self::Unknown,
            Sort::Start => match row.start.as_deref().map(|start| (start, start.parse())) {
                Some((_, Ok(start))) => Self::Started(start),
                Some((local, Err(_))) => Self::StartedLocally(local.to_owned()),
                None => Self::Unknown,
            },
        }
    }
}
