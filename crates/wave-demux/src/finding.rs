use crate::ChunkId;

/// A problem in a file that did not stop it from being read, and the byte it starts at.
///
/// `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {kind}")]
#[non_exhaustive]
pub struct Finding {
    /// Byte position in the file.
    pub offset: u64,
    /// The problem, and what the reader made of it.
    pub kind: FindingKind,
}

/// A problem in a file, and what the reader made of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum FindingKind {
    #[error("skipped an ID3 tag of {bytes} bytes before the file")]
    TagBefore { bytes: u64 },
    #[error("data size missing (0 or all bits set); read {found} bytes of samples")]
    DataSizeUnknown { found: u64 },
    #[error(
        "data size of {claimed} bytes exceeds the file (cut off, or never finished); read {found} bytes of samples"
    )]
    DataBeyondEnd { claimed: u64, found: u64 },
    #[error(
        "data size of {claimed} bytes is too small (not updated, or wrapped at 4 GiB); read {found} bytes of samples"
    )]
    DataSizeTooSmall { claimed: u64, found: u64 },
    #[error("the last frame has {bytes} of {block_align} bytes; dropped it")]
    PartialFrame { bytes: u64, block_align: u32 },
    #[error(
        "chunk {id} claims {claimed} bytes, but only {available} are left; read to the end of the file"
    )]
    ChunkBeyondEnd { id: ChunkId, claimed: u64, available: u64 },
    #[error("chunk {id} of odd size is not padded; read the next chunk right after it")]
    NoPadding { id: ChunkId },
    #[error("found a second \"{name}\" chunk; used the first")]
    SecondFormat { name: &'static str },
    #[error(
        "block align is {claimed} bytes, but {channels} channels of {bits} bits take {packed}; used {used}"
    )]
    BlockAlign { claimed: u16, channels: u16, bits: u16, packed: u32, used: u32 },
    #[error("the extensible format lacks its extension; assumed PCM of {bits} bits")]
    NoExtension { bits: u16 },
    #[error("\"COMM\" states {claimed} frames; read the {found} found")]
    FrameCount { claimed: u32, found: u64 },
    #[error(
        "the samples' offset of {claimed} bytes lies beyond their chunk; read them from its start"
    )]
    SamplesOffset { claimed: u32 },
    #[error("{bytes} bytes at the end of the file form no chunk; ignored them")]
    NotAChunk { bytes: u64 },
    #[error("dropped {count} chunks beyond the first 10000")]
    ChunksOmitted { count: u64 },
    #[error("dropped {count} more findings up to this byte")]
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

/// Findings beyond this are only counted.
const MAX_KEPT: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_beyond_a_thousand_are_counted() {
        let mut findings = Findings::default();
        for offset in 0..1005 {
            findings.report(offset, FindingKind::SecondFormat { name: "fmt " });
        }
        let all = findings.into_vec();
        assert_eq!(all.len(), 1001);
        assert_eq!(all[1000].to_string(), "byte 1004: dropped 5 more findings up to this byte");
    }
}
