//! Findings about audio, which every container but Ogg reports in the same words.

use opus_packet::{CodedPos, Findings, Gap, InvalidPacket, InvalidTimeline, Timeline};

use crate::Error;

/// What can be found in the audio of any container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum AudioFinding {
    #[error("{0}")]
    Gap(Gap),
    #[error("invalid packet of {length} bytes: {reason}; dropped")]
    InvalidPacket { length: u64, reason: InvalidPacket },
    #[error("packet of {length} bytes, expected at most {limit} (RFC 7845 section 6); dropped")]
    PacketTooLong { length: u64, limit: u64 },
    #[error(
        "times have drifted to {samples} samples from the packets at coded sample {position}; ignored, since packets are the clock"
    )]
    Drift { position: CodedPos, samples: i64 },
    #[error("{0}; nothing plays")]
    NothingPlays(InvalidTimeline),
    #[error("{count} further findings up to here were not kept")]
    Omitted { count: u64 },
}

impl AudioFinding {
    /// Gaps and clocks that differ are valid. An omission follows a violation that was kept.
    pub(crate) fn is_violation(&self) -> bool {
        !matches!(self, Self::Gap(_) | Self::Drift { .. } | Self::Omitted { .. })
    }
}

/// The timeline of a stream that ended at `offset`. If more is trimmed than it has, nothing
/// plays, which is reported.
pub(crate) fn timeline<K>(
    (pre_skip, coded_length, end_trim): (u16, u64, u64),
    offset: u64,
    findings: &mut Findings<K>,
) -> Result<Option<Timeline>, Error>
where
    K: opus_packet::FindingKind + From<AudioFinding>,
    Error: From<opus_packet::Finding<K>>,
{
    match Timeline::new(pre_skip, coded_length, end_trim) {
        Ok(timeline) => Ok(Some(timeline)),
        Err(reason) => {
            findings.report(offset, AudioFinding::NothingPlays(reason))?;
            Ok(Timeline::clamped(pre_skip, coded_length, end_trim).ok())
        }
    }
}
