use std::{collections::VecDeque, mem};

use opus_packet::{CodedPos, InvalidPacket};

use crate::caf::Error;

/// What a file does that the caller may want to know, and where.
///
/// `Display` is one complete line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {kind}")]
pub struct Finding {
    /// Byte position in the file.
    pub offset: u64,
    /// What it is.
    pub kind: FindingKind,
}

/// What can be found in a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum FindingKind {
    #[error("chunk of {claimed} bytes, only {available} are left: read to the end of the file")]
    ChunkBeyondEnd { claimed: i64, available: u64 },
    #[error(
        "chunk of {claimed} bytes, only a data chunk may be of unknown length: passed over with all that follows"
    )]
    ChunkLength { claimed: i64 },
    #[error("chunk \"{}\" again, the first one counts", name.escape_ascii())]
    SecondChunk { name: [u8; 4] },
    #[error("magic cookie (chunk \"kuki\") without a valid OpusHead: not used")]
    Cookie,
    #[error(
        "no OpusHead (chunk \"kuki\"): {pre_skip} samples are skipped at the start, as the priming frames of the packet table say"
    )]
    NoHead { pre_skip: u16 },
    #[error(
        "{priming} priming frames are {samples} samples at 48 kHz, OpusHead says {pre_skip}, which is applied (RFC 7845 section 4.2)"
    )]
    Priming { priming: i32, samples: u64, pre_skip: u16 },
    #[error("{frames} priming frames: not 0 to 65535 samples at 48 kHz, none are skipped")]
    InvalidPriming { frames: i32 },
    #[error("{frames} remainder frames: not possible, none are trimmed")]
    InvalidRemainder { frames: i32 },
    #[error("packet of {length} bytes dropped: {reason}")]
    Packet { length: u64, reason: InvalidPacket },
    #[error(
        "packet of {length} bytes dropped: no audio is longer than {limit} (RFC 7845 section 6)"
    )]
    PacketTooLong { length: u64, limit: u64 },
    #[error(
        "packet of {toc} samples by its TOC, {table} by the file: the TOC is believed here and in all that follow (RFC 6716 section 3.1)"
    )]
    Duration { toc: u32, table: u64 },
    #[error(
        "{samples} samples from {position} on are lost{}, filled with packets that ask for concealment (RFC 7845 section 4.1)",
        if *is_inferred { " (taken to be as many as in the packet before)" } else { "" }
    )]
    Gap { position: CodedPos, samples: u64, is_inferred: bool },
    #[error("the packet table ends before packet {packet} of {count}: no more are read")]
    TableEnds { packet: u64, count: u64 },
    #[error("packet {packet} of {count} ends beyond the data: it and all that follow are dropped")]
    Truncated { packet: u64, count: u64 },
    #[error("{bytes} bytes of data follow the last packet: not read")]
    DataLeft { bytes: u64 },
    #[error(
        "{found} samples in all packets, the packet table says {table}: the packets are believed"
    )]
    Total { found: u64, table: u64 },
    #[error(
        "{coded} samples, less than the pre-skip of {pre_skip} and the end trim of {end_trim} together: trimmed to nothing"
    )]
    Timeline { coded: u64, pre_skip: u16, end_trim: u64 },
    #[error("{count} more findings up to here were counted and not kept")]
    Omitted { count: u64 },
}

impl FindingKind {
    /// Whether a valid file can show it; strict reading refuses it if not.
    pub fn is_violation(&self) -> bool {
        !matches!(self, Self::Gap { .. } | Self::NoHead { .. } | Self::Omitted { .. })
    }
}

/// Keeps findings until the caller asks for them, in bounded memory.
#[derive(Debug)]
pub(crate) struct Findings {
    is_strict: bool,
    kept: VecDeque<Finding>,
    omitted: u64,
    last_offset: u64,
}

impl Findings {
    pub(crate) fn new(is_strict: bool) -> Self {
        Self { is_strict, kept: VecDeque::new(), omitted: 0, last_offset: 0 }
    }

    pub(crate) fn report(&mut self, offset: u64, kind: FindingKind) -> Result<(), Error> {
        let finding = Finding { offset, kind };
        if self.is_strict && finding.kind.is_violation() {
            return Err(Error::Violation(finding));
        }
        self.last_offset = offset;
        if self.kept.len() < MAX_KEPT {
            self.kept.push_back(finding);
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
        Ok(())
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Finding> {
        let count = mem::take(&mut self.omitted);
        let omitted = Finding { offset: self.last_offset, kind: FindingKind::Omitted { count } };
        self.kept.drain(..).chain((count > 0).then_some(omitted))
    }
}

/// More are only counted until the caller takes these.
const MAX_KEPT: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_kept_and_the_rest_counted() {
        let mut findings = Findings::new(false);
        for offset in 0..1005 {
            findings.report(offset, FindingKind::DataLeft { bytes: 1 }).unwrap();
        }
        let all: Vec<_> = findings.drain().collect();
        assert_eq!(all.len(), 1001);
        assert_eq!(
            all[1000].to_string(),
            "byte 1004: 5 more findings up to here were counted and not kept"
        );
        assert_eq!(findings.drain().count(), 0);
    }

    #[test]
    fn strict_reading_refuses_violations_alone() {
        let mut findings = Findings::new(true);
        assert!(findings.report(0, FindingKind::NoHead { pre_skip: 0 }).is_ok());
        assert!(findings.report(7, FindingKind::DataLeft { bytes: 1 }).is_err());
    }
}
