use crate::AudioFinding;

/// A problem in a raw stream, or something its reader should know, and at which byte.
/// `Display` is one line.
pub type Finding = opus_packet::Finding<FindingKind>;

pub(crate) type Findings = opus_packet::Findings<FindingKind>;

/// What can be found in a raw stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum FindingKind {
    #[error("{0}")]
    Audio(AudioFinding),
    #[error("lost packet before the first one, so its duration is unknown; dropped")]
    LostAtStart,
    #[error("the stream ends inside a packet; dropped {bytes} bytes")]
    Truncated { bytes: u64 },
}

impl opus_packet::FindingKind for FindingKind {
    fn is_violation(&self) -> bool {
        match self {
            Self::Audio(finding) => finding.is_violation(),
            Self::LostAtStart => false,
            Self::Truncated { .. } => true,
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
