use std::{fmt, ops::Range};

use opus_packet::InvalidPacket;
use opus_packet_index::InvalidIndex;

/// What is wrong with a recording, and where. `Display` is one complete line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What.
    pub kind: FaultKind,
}

/// Where something is wrong. `Display` names it as people do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The object, by path or URL.
    pub object: String,
    /// Which bytes of it, if only some.
    pub bytes: Option<Range<u64>>,
    /// The packet, counted from 0, if it is one.
    pub packet: Option<u64>,
}

/// What can be wrong with what is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum FaultKind {
    #[error("the object is lost")]
    Lost,
    #[error("cannot be read: {reason}")]
    Unreadable { reason: String },
    /// A `zarr.json`.
    #[error("{reason}")]
    Document { reason: String },
    /// A chunk of an array.
    #[error("damaged: {reason}")]
    Damaged { reason: String },
    #[error("the object ends before")]
    CutOff,
    #[error("the object goes on where it should end")]
    Stray,
    #[error("the filling behind the end of the array is not zeros")]
    Filling,
    #[error("the shard's own index: {reason}")]
    ShardIndex { reason: String },
    #[error("the blob has SHA-256 {found}, expected {expected}")]
    Sha256 { found: String, expected: String },
    /// The rows of the index.
    #[error("{0}")]
    Rows(InvalidIndex),
    #[error("what the index points at is no packet: {0}")]
    Packet(InvalidPacket),
    #[error("the index says {indexed} samples, the packet says {found}")]
    Duration { indexed: u64, found: u32 },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.object)?;
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

/// Faults in the order in which they were found. However many there are, only the first
/// [`LIMIT`](Self::LIMIT) are listed; the others are counted.
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
    /// How many are listed at most.
    pub const LIMIT: usize = 1000;

    /// Adds one.
    pub fn push(&mut self, fault: F) {
        if self.listed.len() < Self::LIMIT {
            self.listed.push(fault);
        } else {
            self.omitted += 1;
        }
    }

    /// The first ones.
    pub fn listed(&self) -> &[F] {
        &self.listed
    }

    /// How many there are beside those that are listed.
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.omitted + u64::try_from(self.listed.len()).unwrap_or(u64::MAX)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The same, in other words.
    pub fn map<G>(self, other: impl FnMut(F) -> G) -> Faults<G> {
        Faults { listed: self.listed.into_iter().map(other).collect(), omitted: self.omitted }
    }
}
