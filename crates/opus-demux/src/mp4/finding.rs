use std::{collections::VecDeque, mem};

use opus_packet::{CodedPos, InvalidPacket};

use crate::mp4::{Error, FourCc};

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
    #[error(
        "box \"{kind}\" of {claimed} bytes, less than its header: it and what follows it are passed over"
    )]
    BoxTooShort { kind: FourCc, claimed: u64 },
    #[error("box \"{kind}\" of {claimed} bytes, only {available} are left: read up to there")]
    BoxBeyondEnd { kind: FourCc, claimed: u64, available: u64 },
    #[error("box \"{kind}\" of {found} bytes, expected at least {expected}: not used")]
    BoxFields { kind: FourCc, found: u64, expected: u64 },
    #[error("table \"{kind}\" of {claimed} entries, {available} are there: read up to there")]
    TableTooShort { kind: FourCc, claimed: u32, available: u64 },
    #[error("second box \"moov\": not read")]
    SecondMovie,
    #[error("more than {limit} tracks: the others are not looked at")]
    TooManyTracks { limit: usize },
    #[error("more than {limit} runs in one fragment: the others are not read")]
    TooManyRuns { limit: usize },
    #[error(
        "the data of the fragment begin at byte {start}, inside its own box: {}",
        match mended { Some(at) => format!("taken to begin at byte {at}"), None => "dropped".into() }
    )]
    DataInFragment { start: u64, mended: Option<u64> },
    #[error("media timescale 0: times are not looked at, so that lost audio is not seen")]
    NoTimescale,
    #[error("\"dOps\" of version {found}, expected 0: read as if it were")]
    HeadVersion { found: u8 },
    #[error("\"dOps\" is little-endian as OpusHead is, expected big-endian: sample rate {rate}")]
    LittleEndian { rate: u32 },
    #[error(
        "the edit list begins at sample {edit}, \"dOps\" says a pre-skip of {pre_skip}: the edit list is applied (ISO/IEC 14496-12 section 8.6.6)"
    )]
    PreSkip { edit: u16, pre_skip: u16 },
    #[error("empty edit of {duration} ticks before or between the audio: not applied")]
    EmptyEdit { duration: u64 },
    #[error("edit list that is not one piece at normal speed: not applied")]
    Edits,
    #[error("edit that begins at sample {start}, more than a pre-skip can be: not applied")]
    EditStart { start: u64 },
    #[error("the edit list plays {play} samples, only {available} are there")]
    EditBeyondEnd { play: u64, available: u64 },
    #[error(
        "the last packet ends {samples} samples early by the times of the file: played whole, since no edit list trims it"
    )]
    ShortEnd { samples: u64 },
    #[error(
        "the first packet is at sample {samples} of the recording: what came before is not in this file"
    )]
    StartsLater { samples: u64 },
    #[error("chunk {chunk} is out of order in \"stsc\": entries are taken as they come")]
    ChunkOrder { chunk: u32 },
    #[error("the sample table ends with {left} samples left: they are not read")]
    TableEnds { left: u64 },
    #[error("the table of times ends at sample {sample}: from there on lost audio is not seen")]
    TimesEnd { sample: u64 },
    #[error("samples of description {index}, which is not that of the track: dropped")]
    Description { index: u32 },
    #[error("{count} samples from here on lie beyond the end of the file: dropped")]
    Outside { count: u64 },
    #[error("{count} samples of no bytes: dropped")]
    NoBytes { count: u64 },
    #[error("sample of {length} bytes that overlaps one before: dropped")]
    Overlap { length: u64 },
    #[error("packet of {length} bytes dropped: {reason}")]
    Packet { length: u64, reason: InvalidPacket },
    #[error(
        "packet of {length} bytes dropped: no audio is longer than {limit} (RFC 7845 section 6)"
    )]
    PacketTooLong { length: u64, limit: u64 },
    #[error(
        "{samples} samples from {position} on are lost{}, filled with packets that ask for concealment (RFC 7845 section 4.1)",
        if *is_inferred { ", as the times of the file alone say" } else { "" }
    )]
    Gap { position: CodedPos, samples: u64, is_inferred: bool },
    #[error(
        "{samples} samples too early by the times of the file, at {position}: packets stay one after the other, here and wherever it is so again"
    )]
    Behind { position: CodedPos, samples: u64 },
    #[error(
        "times have drifted to {samples} samples from the packets, at {position}: not applied, packets are the clock"
    )]
    Drift { position: CodedPos, samples: i64 },
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
        !matches!(
            self,
            Self::Gap { .. }
                | Self::Drift { .. }
                | Self::PreSkip { .. }
                | Self::EmptyEdit { .. }
                | Self::Edits
                | Self::EditStart { .. }
                | Self::ShortEnd { .. }
                | Self::StartsLater { .. }
                | Self::Omitted { .. }
        )
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
            findings.report(offset, FindingKind::Outside { count: 1 }).unwrap();
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
        assert!(findings.report(0, FindingKind::Edits).is_ok());
        assert!(findings.report(7, FindingKind::Outside { count: 1 }).is_err());
    }
}
