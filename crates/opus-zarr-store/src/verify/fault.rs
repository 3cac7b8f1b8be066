use std::{fmt, ops::Range};

use crate::{RecordingReader, layout::ArrayKind, object::name_of, quoted};

/// A problem in a store, and its place. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// Where the problem is.
    pub place: Place,
    /// What the problem is.
    pub kind: FaultKind,
}

/// The place of a fault. `Display` names it as people do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The object, as a path or URL.
    pub object: String,
    /// The part of the store that the object belongs to.
    pub component: Component,
    /// The bytes of the object concerned, if only some are.
    pub bytes: Option<Range<u64>>,
    /// The packet concerned, if any, counted from 0.
    pub packet: Option<u64>,
}

/// A part of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Component {
    /// The `zarr.json` of the store.
    Store,
    /// The `zarr.json` of a recording.
    Recording,
    /// The `zarr.json` of an array.
    Metadata(ArrayKind),
    /// The chunks of an array.
    Data(ArrayKind),
}

impl Place {
    /// The content of an array as a whole, or one of its packets.
    pub fn in_array(recording: &RecordingReader, array: ArrayKind, packet: Option<u64>) -> Self {
        let key = format!("{}/{}", recording.name(), array.name());
        let object = name_of(&**recording.storage(), &key);
        Self { object, component: Component::Data(array), bytes: None, packet }
    }
}

/// A problem with stored data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum FaultKind {
    #[error("the object is missing")]
    Missing,
    /// The storage cannot read the object right now, which is not damage.
    #[error("cannot be read: {reason}")]
    Unreadable { reason: String },
    /// A problem in a `zarr.json`.
    #[error("{reason}")]
    Document { reason: String },
    /// A damaged chunk of an array, or something in the place of an object.
    #[error("damaged: {reason}")]
    Damaged { reason: String },
    #[error("the object continues where it should end")]
    Stray,
    #[error("the filling after the end of the array is not zeros")]
    Filling,
    #[error("the shard's own index: {reason}")]
    ShardIndex { reason: String },
    #[error("the blob has SHA-256 {found}, expected {expected}")]
    Sha256 { found: String, expected: String },
    /// A problem in the rows of the index.
    #[error("{reason}")]
    Rows { reason: String },
    #[error("the index points at something that is not a packet: {reason}")]
    Packet { reason: String },
    #[error("the index states {indexed} samples, but the packet has {found}")]
    Duration { indexed: u64, found: u32 },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        quoted(&self.object).fmt(f)?;
        if let Some(Range { start, end }) = &self.bytes {
            write!(f, ": bytes {start}..{end}")?;
        }
        match self.packet {
            Some(packet) => write!(f, ": packet {packet}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.kind)
    }
}

/// Faults in the order they were found. Only the first [`LIMIT`](Self::LIMIT) are kept; the others
/// are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults<F> {
    listed: Vec<F>,
    omitted: u64,
}

impl<F> Default for Faults<F> {
    fn default() -> Self {
        Self { listed: Vec::new(), omitted: 0 }
    }
}

impl<F> Faults<F> {
    /// The most faults that are listed.
    pub const LIMIT: usize = 1000;

    /// Adds a fault.
    pub fn push(&mut self, fault: F) {
        if self.listed.len() < Self::LIMIT {
            self.listed.push(fault);
        } else {
            self.omitted += 1;
        }
    }

    /// The first faults, in order.
    pub fn listed(&self) -> &[F] {
        &self.listed
    }

    /// Number of faults beyond the listed ones.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// Number of all faults.
    pub fn total(&self) -> u64 {
        self.omitted + u64::try_from(self.listed.len()).unwrap_or(u64::MAX)
    }

    /// Whether no fault was found.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Converts every fault.
    pub fn map<G>(self, other: impl FnMut(F) -> G) -> Faults<G> {
        Faults { listed: self.listed.into_iter().map(other).collect(), omitted: self.omitted }
    }
}
