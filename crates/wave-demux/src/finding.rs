use crate::ChunkId;

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
    #[error("{bytes} bytes of ID3 tag stand before the file: passed over")]
    TagBefore { bytes: u64 },
    #[error("samples of unknown size (0 or all bits set): {found} bytes are read")]
    DataSizeUnknown { found: u64 },
    #[error(
        "samples of {claimed} bytes, the file ends before: {found} bytes are read; it was cut off, or never finished"
    )]
    DataBeyondEnd { claimed: u64, found: u64 },
    #[error(
        "samples of {claimed} bytes, with no chunk behind them: {found} bytes are read; the size was not brought up to date, or has wrapped at 4 GiB"
    )]
    DataSizeTooSmall { claimed: u64, found: u64 },
    #[error("the samples end with {bytes} bytes of {block_align} that a frame has: not read")]
    PartialFrame { bytes: u64, block_align: u32 },
    #[error(
        "chunk {id} of {claimed} bytes, only {available} are left: read to the end of the file"
    )]
    ChunkBeyondEnd { id: ChunkId, claimed: u64, available: u64 },
    #[error("no byte fills up chunk {id} of odd size: the next one follows at once")]
    NoPadding { id: ChunkId },
    #[error("chunk \"{name}\" again, the first one counts")]
    SecondFormat { name: &'static str },
    #[error(
        "frames of {claimed} bytes, {channels} channels of {bits} bits are {packed}: {used} are used"
    )]
    BlockAlign { claimed: u16, channels: u16, bits: u16, packed: u32, used: u32 },
    #[error("an extensible format without its extension: taken as PCM of {bits} bits")]
    NoExtension { bits: u16 },
    #[error("{claimed} frames are stated (chunk \"COMM\"), {found} are there: all are read")]
    FrameCount { claimed: u32, found: u64 },
    #[error("samples that begin {claimed} bytes further on, behind their chunk: read from here")]
    SamplesOffset { claimed: u32 },
    #[error("{bytes} bytes at the end that are no chunk: not read")]
    NotAChunk { bytes: u64 },
    #[error("{count} more chunks, of 10000 that are kept: not kept")]
    ChunksOmitted { count: u64 },
    #[error("{count} more findings up to here were counted and not kept")]
    Omitted { count: u64 },
}

/// The findings of a file, in bounded memory.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    kept: Vec<Finding>,
    omitted: u64,
    last_offset: u64,
}

impl Findings {
    pub(crate) fn report(&mut self, offset: u64, kind: FindingKind) {
        self.last_offset = offset;
        if self.kept.len() < MAX_KEPT {
            self.kept.push(Finding { offset, kind });
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Finding> {
        let (offset, count) = (self.last_offset, self.omitted);
        let omitted = Finding { offset, kind: FindingKind::Omitted { count } };
        let mut all = self.kept;
        all.extend((count > 0).then_some(omitted));
        all
    }
}

/// More are only counted.
const MAX_KEPT: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_kept_and_the_rest_counted() {
        let mut findings = Findings::default();
        for offset in 0..1005 {
            findings.report(offset, FindingKind::SecondFormat { name: "fmt " });
        }
        let all = findings.into_vec();
        assert_eq!(all.len(), 1001);
        assert_eq!(
            all[1000].to_string(),
            "byte 1004: 5 more findings up to here were counted and not kept"
        );
    }
}
