use opus_packet::CodedPos;

use crate::{
    AudioFinding,
    webm::{InvalidBlock, Track, ids::name},
};

/// A problem in a WebM or Matroska file, or something its reader should know, and at which
/// byte. `Display` is one line.
pub type Finding = opus_packet::Finding<FindingKind>;

pub(crate) type Findings = opus_packet::Findings<FindingKind>;

/// What can be found in a WebM or Matroska file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum FindingKind {
    #[error("{0}")]
    Audio(AudioFinding),
    #[error("expected the id of an element, found byte {byte:#04x} (RFC 8794 section 5)")]
    InvalidId { byte: u8 },
    #[error("{} {id:#x} has an invalid size (RFC 8794 section 6)", name(*id))]
    InvalidSize { id: u32 },
    #[error("the header of an element is cut off (RFC 8794 section 5)")]
    PartialHeader,
    #[error(
        "{} {id:#x} of unknown size, which only Segment and Cluster may have (RFC 9559 section 5.1)",
        name(*id)
    )]
    UnknownSize { id: u32 },
    #[error(
        "{} {id:#x} of {size} bytes ends after its parent, which ends at byte {parent_end} (RFC 8794 section 6)",
        name(*id)
    )]
    BeyondParent { id: u32, size: u64, parent_end: u64 },
    #[error(
        "unknown element {id:#x} of {size} bytes, expected one of Matroska (RFC 9559 section 5)"
    )]
    UnexpectedElement { id: u32, size: u64 },
    #[error("{} {id:#x} holds no usable number; ignored (RFC 8794 section 7)", name(*id))]
    InvalidNumber { id: u32 },
    #[error(
        "{} begins inside a {}, which ends here (RFC 9559 section 5.1)",
        name(*id), name(*parent)
    )]
    ParentNotEnded { id: u32, parent: u32 },
    #[error(
        "{} after the end of the Segment; read as part of it (RFC 9559 section 5.1)",
        name(*id)
    )]
    AfterSegment { id: u32 },
    #[error(
        "{} outside of a Cluster; read as part of the one before (RFC 9559 section 5.1.3)",
        name(*id)
    )]
    OutsideCluster { id: u32 },
    #[error("bytes after the Segment are not an element; ignored (RFC 9559 section 5.1)")]
    TrailingBytes,
    #[error("a second Segment in one document; read as another document (RFC 9559 section 5.1)")]
    SecondSegment,
    #[error(
        "another document begins inside a {} {id:#x}, so the one before is cut off; read everything complete before it",
        name(*id)
    )]
    DocumentCut { id: u32 },
    #[error("skipped track {number}: {reason}")]
    TrackSkipped { number: u64, reason: String },
    #[error("left out track {track}, since the file has Opus")]
    OtherTrack { track: Track },
    #[error("skipped a document that cannot be read: {reason}")]
    DocumentSkipped { reason: String },
    #[error("skipped a document of the file: {reason}")]
    OtherDocument { reason: String },
    #[error(
        "skipped {skipped} damaged bytes, up to {}",
        if *found { "the next Cluster" } else { "the end of the file" }
    )]
    Resynchronised { skipped: u64, found: bool },
    #[error("the file ends inside a {} {id:#x}; read everything complete before it", name(*id))]
    Truncated { id: u32 },
    #[error(
        "TimestampScale is 0, expected nanoseconds per tick; assumed 1000000 (RFC 9559 section 5.1.2.9)"
    )]
    ZeroTimestampScale,
    #[error(
        "no OpusHead in CodecPrivate; made one for {channels} channels from Audio and CodecDelay (RFC 7845 section 5.1)"
    )]
    NoCodecPrivate { channels: u8 },
    #[error(
        "CodecDelay of {nanoseconds} ns, expected the pre-skip of {pre_skip} samples at 48 kHz; the pre-skip holds (Matroska codec mappings, A_OPUS)"
    )]
    CodecDelay { nanoseconds: u64, pre_skip: u16 },
    #[error(
        "a block before the Timestamp of its Cluster; a gap before it cannot be detected (RFC 9559 section 5.1.3.1)"
    )]
    NoClusterTimestamp,
    #[error("a second Block in a BlockGroup; dropped (RFC 9559 section 5.1.3.5.1)")]
    ExtraBlock,
    #[error("block of {size} bytes, expected at most {limit}; dropped")]
    BlockTooLong { size: u64, limit: u64 },
    #[error("invalid block: {reason} (RFC 9559 section 10); dropped")]
    InvalidBlock { reason: InvalidBlock },
    #[error(
        "block time {samples} samples before the end of the packets before, at coded sample {position}; ignored, packets stay contiguous"
    )]
    BackwardTime { position: CodedPos, samples: u64 },
    #[error(
        "DiscardPadding of {nanoseconds} ns at coded sample {position}, inside the track; ignored, since the next block does not begin earlier by it"
    )]
    DiscardPaddingInside { position: CodedPos, nanoseconds: i64 },
    #[error(
        "DiscardPadding of {nanoseconds} ns at coded sample {position}, inside the track, as where files were appended; left out {samples} samples, as close as packets allow (RFC 9559 section 5.1.3.5.7)"
    )]
    Shortened { position: CodedPos, nanoseconds: i64, samples: u64 },
    #[error(
        "DiscardPadding of {nanoseconds} ns, expected 0 to the {samples} samples at 48 kHz of its block; clamped (RFC 9559 section 5.1.3.5.7)"
    )]
    DiscardPadding { nanoseconds: i64, samples: u64 },
}

impl opus_packet::FindingKind for FindingKind {
    fn is_violation(&self) -> bool {
        match self {
            Self::Audio(finding) => finding.is_violation(),
            // Matroska allows any block times, and a resynchronisation follows a violation.
            Self::BackwardTime { .. } | Self::Resynchronised { .. } => false,
            Self::DiscardPaddingInside { .. } | Self::Shortened { .. } => false,
            Self::OtherDocument { .. } | Self::OtherTrack { .. } => false,
            _ => true,
        }
    }

    fn omitted(count: u64) -> Self {
        Self::Audio(AudioFinding::Omitted { count })
    }
}

impl From<AudioFinding> for FindingKind {
    fn from(finding: AudioFinding) -> Self {
        Self::Audio(finding)
    }
}
