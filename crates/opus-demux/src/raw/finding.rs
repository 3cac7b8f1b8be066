use std::{collections::VecDeque, mem};

use opus_packet::{CodedPos, InvalidPacket};

use crate::raw::Error;

/// What a stream does that the caller may want to know, and where.
///
/// `Display` is one complete line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {kind}")]
pub struct Finding {
    /// Byte position in the stream.
    pub offset: u64,
    /// What it is.
    pub kind: FindingKind,
}

/// What can be found in a stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum FindingKind {
    #[error("packet of {length} bytes dropped: {reason}")]
    Packet { length: usize, reason: InvalidPacket },
    #[error(
        "{samples} samples from {position} on are lost{}, filled with packets that ask for concealment (RFC 7845 section 4.1)",
        if *is_inferred { " (taken to be as many as in the packet before)" } else { "" }
    )]
    Gap { position: CodedPos, samples: u64, is_inferred: bool },
    #[error("lost packet with none before it, so that what it lasted is unknown: dropped")]
    LostAtStart,
    #[error("the stream ends inside a packet, {bytes} bytes of it dropped")]
    Truncated { bytes: u64 },
    #[error("pre-skip of {pre_skip} samples, only {coded} are there: nothing plays")]
    PreSkip { pre_skip: u16, coded: u64 },
    #[error("{count} more findings up to here were counted and not kept")]
    Omitted { count: u64 },
}

impl FindingKind {
    /// Whether a valid stream can show it; strict reading refuses it if not.
    pub fn is_violation(&self) -> bool {
        !matches!(self, Self::Gap { .. } | Self::LostAtStart | Self::Omitted { .. })
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
            findings.report(offset, FindingKind::Truncated { bytes: 1 }).unwrap();
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
        assert!(findings.report(0, FindingKind::LostAtStart).is_ok());
        assert!(findings.report(7, FindingKind::Truncated { bytes: 1 }).is_err());
    }
}
