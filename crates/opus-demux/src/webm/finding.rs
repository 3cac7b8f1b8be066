use std::fmt;

use opus_packet::{CodedPos, InvalidPacket};

use crate::webm::{Error, InvalidBlock, ids::name};

/// Something in the file that a caller should know. `Display` is one complete line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Byte position in the file.
    pub offset: u64,
    /// What was found there, and what came of it.
    pub kind: FindingKind,
}

/// What was found. The messages name what was expected, what came of it, and the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum FindingKind {
    #[error("no element begins with {byte:#04x}, expected the id of one (RFC 8794 section 5)")]
    InvalidId { byte: u8 },
    #[error("{} {id:#x} has no valid size (RFC 8794 section 6)", name(*id))]
    InvalidSize { id: u32 },
    #[error("the header of an element is cut off (RFC 8794 section 5)")]
    PartialHeader,
    #[error(
        "{} {id:#x} says that its size is unknown, only Segment and Cluster may (RFC 9559 section 5.1)",
        name(*id)
    )]
    UnknownSize { id: u32 },
    #[error(
        "{} {id:#x} of {size} bytes ends after its parent, which ends at byte {parent_end} (RFC 8794 section 6)",
        name(*id)
    )]
    BeyondParent { id: u32, size: u64, parent_end: u64 },
    #[error(
        "element {id:#x} of {size} bytes is not known, expected one of Matroska (RFC 9559 section 5)"
    )]
    UnexpectedElement { id: u32, size: u64 },
    #[error("{} {id:#x} holds no number that can be used; ignored (RFC 8794 section 7)", name(*id))]
    InvalidNumber { id: u32 },
    #[error(
        "{} begins inside a {}; that ends here (RFC 9559 section 5.1)",
        name(*id), name(*parent)
    )]
    ParentNotEnded { id: u32, parent: u32 },
    #[error(
        "{} after the end of the Segment; read as part of it (RFC 9559 section 5.1)",
        name(*id)
    )]
    AfterSegment { id: u32 },
    #[error("{} outside of a Cluster; read as part of the one before (RFC 9559 section 5.1.3)", name(*id))]
    OutsideCluster { id: u32 },
    #[error("bytes that are no element follow the Segment; not read (RFC 9559 section 5.1)")]
    TrailingBytes,
    #[error("a second Segment begins; not read, it is a stream of its own (RFC 9559 section 5.1)")]
    SecondSegment,
    #[error(
        "{skipped} bytes passed over after damage, up to {}",
        if *found { "the next Cluster" } else { "the end of the file" }
    )]
    Resynchronised { skipped: u64, found: bool },
    #[error("the file ends inside a {} {id:#x}; all that is complete before was read", name(*id))]
    Truncated { id: u32 },
    #[error(
        "TimestampScale is 0, expected nanoseconds per tick; 1000000 assumed (RFC 9559 section 5.1.2.9)"
    )]
    ZeroTimestampScale,
    #[error(
        "no CodecPrivate, expected an OpusHead; one for {channels} channels made from Audio and CodecDelay (RFC 7845 section 5.1)"
    )]
    NoCodecPrivate { channels: u8 },
    #[error(
        "CodecDelay of {nanoseconds} ns, expected the pre-skip of {pre_skip} samples at 48 kHz; the pre-skip holds (Matroska codec mappings, A_OPUS)"
    )]
    CodecDelay { nanoseconds: u64, pre_skip: u16 },
    #[error(
        "a block before the Timestamp of its Cluster; a gap before it cannot be seen (RFC 9559 section 5.1.3.1)"
    )]
    NoClusterTimestamp,
    #[error("a second Block in a BlockGroup; dropped (RFC 9559 section 5.1.3.5.1)")]
    ExtraBlock,
    #[error("block of {size} bytes, expected at most {limit}; dropped")]
    BlockTooLong { size: u64, limit: u64 },
    #[error("invalid block, dropped: {reason} (RFC 9559 section 10)")]
    InvalidBlock { reason: InvalidBlock },
    #[error("invalid packet, dropped: {reason}")]
    InvalidPacket { reason: InvalidPacket },
    #[error(
        "{samples} samples are missing at coded sample {position}{}; filled with concealment packets (RFC 7845 section 4.1)",
        if *is_inferred { ", as far as block times tell" } else { "" }
    )]
    Gap {
        position: CodedPos,
        samples: u64,
        /// Not a whole number of packets like the one before, within the accuracy of
        /// block times: they may have stopped for another reason than lost packets.
        is_inferred: bool,
    },
    #[error(
        "block time {samples} samples before the end of the packets before, at coded sample {position}; ignored, packets stay contiguous"
    )]
    BackwardTime { position: CodedPos, samples: u64 },
    #[error(
        "block times have drifted to {samples} samples from the packets, at coded sample {position}; ignored, packets are the clock"
    )]
    Drift { position: CodedPos, samples: i64 },
    #[error(
        "DiscardPadding of {nanoseconds} ns in a block that is not the last; ignored (Matroska codec mappings, A_OPUS)"
    )]
    DiscardPaddingInside { nanoseconds: i64 },
    #[error(
        "DiscardPadding of {nanoseconds} ns, expected 0 to the {samples} samples at 48 kHz of its block; clamped (RFC 9559 section 5.1.3.5.7)"
    )]
    DiscardPadding { nanoseconds: i64, samples: u64 },
    #[error(
        "pre-skip of {pre_skip} and end trim of {end_trim} samples, only {coded_length} are there; nothing plays"
    )]
    NothingPlays { pre_skip: u16, end_trim: u64, coded_length: u64 },
    #[error("{count} further findings up to here were not kept")]
    NotKept { count: u64 },
}

impl FindingKind {
    /// Whether this breaks a rule or loses something; otherwise it is a mere note. In
    /// strict mode a violation is an error.
    pub fn is_violation(&self) -> bool {
        // Matroska allows pauses in a track; clocks may differ; the others follow a
        // violation that has been told.
        !matches!(
            self,
            Self::Gap { .. }
                | Self::BackwardTime { .. }
                | Self::Drift { .. }
                | Self::Resynchronised { .. }
                | Self::NotKept { .. }
        )
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.kind)
    }
}

/// Findings that nobody has taken yet. A damaged file can have one for every few
/// bytes: so many are kept, the others counted.
#[derive(Debug)]
pub(crate) struct Findings {
    strict: bool,
    kept: Vec<Finding>,
    /// How many were not kept, and where the last of them is.
    not_kept: u64,
    last_offset: u64,
}

impl Findings {
    pub(crate) fn new(strict: bool) -> Self {
        Self { strict, kept: Vec::new(), not_kept: 0, last_offset: 0 }
    }

    /// In strict mode a violation is an error.
    pub(crate) fn report(&mut self, offset: u64, kind: FindingKind) -> Result<(), Error> {
        let finding = Finding { offset, kind };
        if self.strict && finding.kind.is_violation() {
            return Err(Error::Violation(finding));
        }
        if self.kept.len() < MAX_KEPT {
            self.kept.push(finding);
        } else {
            self.not_kept += 1;
            self.last_offset = offset;
        }
        Ok(())
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Finding> + use<> {
        let count = std::mem::take(&mut self.not_kept);
        let kind = FindingKind::NotKept { count };
        let last = (count > 0).then_some(Finding { offset: self.last_offset, kind });
        std::mem::take(&mut self.kept).into_iter().chain(last)
    }
}

const MAX_KEPT: usize = 1000;
