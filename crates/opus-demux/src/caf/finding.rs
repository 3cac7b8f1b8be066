use crate::AudioFinding;

/// A problem in a CAF file, or something its reader should know, and at which byte. `Display`
/// is one line.
pub type Finding = opus_packet::Finding<FindingKind>;

pub(crate) type Findings = opus_packet::Findings<FindingKind>;

/// What can be found in a CAF file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum FindingKind {
    #[error("{0}")]
    Audio(AudioFinding),
    #[error("chunk of {claimed} bytes, but only {available} are left; read to the end of the file")]
    ChunkBeyondEnd { claimed: i64, available: u64 },
    #[error(
        "chunk of {claimed} bytes, but only a data chunk may be of unknown length; skipped with everything after it"
    )]
    ChunkLength { claimed: i64 },
    #[error("another \"{}\" chunk; the first one counts", name.escape_ascii())]
    SecondChunk { name: [u8; 4] },
    #[error("magic cookie (chunk \"kuki\") without a valid OpusHead; ignored")]
    Cookie,
    #[error(
        "no OpusHead (chunk \"kuki\"); skipped the {pre_skip} samples that the priming frames of the packet table state"
    )]
    NoHead { pre_skip: u16 },
    #[error(
        "{priming} priming frames are {samples} samples at 48 kHz, but OpusHead states {pre_skip}; the OpusHead holds (RFC 7845 section 4.2)"
    )]
    Priming { priming: i32, samples: u64, pre_skip: u16 },
    #[error("{frames} priming frames, expected 0 to 65535 samples at 48 kHz; skipped none")]
    InvalidPriming { frames: i32 },
    #[error("{frames} remainder frames, expected at least 0; trimmed none")]
    InvalidRemainder { frames: i32 },
    #[error(
        "packet of {toc} samples by its TOC, but {table} by the file; the TOC holds for this and all later packets (RFC 6716 section 3.1)"
    )]
    Duration { toc: u32, table: u64 },
    #[error("the packet table ends before packet {packet} of {count}; read up to there")]
    TableEnds { packet: u64, count: u64 },
    #[error("packet {packet} of {count} ends beyond the data; dropped with all later packets")]
    Truncated { packet: u64, count: u64 },
    #[error("{bytes} bytes of data follow the last packet; ignored")]
    DataLeft { bytes: u64 },
    #[error("{found} samples in all packets, but {table} by the packet table; the packets hold")]
    Total { found: u64, table: u64 },
}

impl opus_packet::FindingKind for FindingKind {
    fn is_violation(&self) -> bool {
        match self {
            Self::Audio(finding) => finding.is_violation(),
            Self::NoHead { .. } => false,
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
