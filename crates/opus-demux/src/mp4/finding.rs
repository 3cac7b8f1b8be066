use opus_packet::CodedPos;

use crate::{
    AudioFinding,
    mp4::{FourCc, Track},
};

/// A problem in an MP4 file, or something its reader should know, and at which byte. `Display`
/// is one line.
pub type Finding = opus_packet::Finding<FindingKind>;

pub(crate) type Findings = opus_packet::Findings<FindingKind>;

/// What can be found in an MP4 file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum FindingKind {
    #[error("{0}")]
    Audio(AudioFinding),
    #[error(
        "box \"{kind}\" of {claimed} bytes, less than its header; skipped with everything after it"
    )]
    BoxTooShort { kind: FourCc, claimed: u64 },
    #[error("box \"{kind}\" of {claimed} bytes, but only {available} are left; read up to there")]
    BoxBeyondEnd { kind: FourCc, claimed: u64, available: u64 },
    #[error("box \"{kind}\" of {found} bytes, expected at least {expected}; ignored")]
    BoxFields { kind: FourCc, found: u64, expected: u64 },
    #[error("table \"{kind}\" of {claimed} entries, but it holds {available}; read up to there")]
    TableTooShort { kind: FourCc, claimed: u32, available: u64 },
    #[error("another \"moov\" box; ignored")]
    SecondMovie,
    #[error("skipped track {id}: {reason}")]
    TrackSkipped { id: u32, reason: String },
    #[error("left out track {track}, since the file has Opus")]
    OtherTrack { track: Track },
    #[error("more than {limit} tracks; ignored the others")]
    TooManyTracks { limit: usize },
    #[error("more than {limit} runs in one fragment; ignored the others")]
    TooManyRuns { limit: usize },
    #[error(
        "the data of the fragment begins at byte {start}, inside its own box; {}",
        match mended { Some(at) => format!("read from byte {at}"), None => "dropped".into() }
    )]
    DataInFragment { start: u64, mended: Option<u64> },
    #[error("media timescale 0; times are ignored, so lost audio cannot be detected")]
    NoTimescale,
    #[error("\"dOps\" of version {found}, expected 0; read like version 0")]
    HeadVersion { found: u8 },
    #[error(
        "\"dOps\" in little-endian order like OpusHead, expected big-endian; the sample rate is {rate} Hz"
    )]
    LittleEndian { rate: u32 },
    #[error(
        "the edit list begins at sample {edit}, but \"dOps\" states a pre-skip of {pre_skip}; the edit list holds (ISO/IEC 14496-12 section 8.6.6)"
    )]
    PreSkip { edit: u64, pre_skip: u16 },
    #[error(
        "the edit list begins with an empty edit: the track starts {samples} samples at 48 kHz after the movie; read from its own start"
    )]
    Delayed { samples: u64 },
    #[error("the edit list repeats or reorders the audio or changes its speed; ignored")]
    Edits,
    #[error(
        "the edit list leaves out {samples} samples at 48 kHz between its pieces; played from the start of the first to the end of the last"
    )]
    SeveralEdits { samples: u64 },
    #[error(
        "the edit list inserts {samples} samples of silence at 48 kHz between its pieces; ignored"
    )]
    Silence { samples: u64 },
    #[error("the edit list begins at sample {start}, after the end of the audio; ignored")]
    EditAfterEnd { start: u64 },
    #[error(
        "the edit list begins at sample {start}; left out the first {dropped} samples, whose packets are not needed"
    )]
    EditStart { start: u64, dropped: u64 },
    #[error("the edit list plays {play} samples, but the file has {available}")]
    EditBeyondEnd { play: u64, available: u64 },
    #[error("by the times, the last packet lasts 0 of its {samples} samples; played whole")]
    ShortEnd { samples: u64 },
    #[error(
        "the first packet is at sample {samples} of the recording; this file lacks what came before"
    )]
    StartsLater { samples: u64 },
    #[error("chunk {chunk} is out of order in \"stsc\"; entries are used in file order")]
    ChunkOrder { chunk: u32 },
    #[error("the sample table ends before the last {left} samples; ignored them")]
    TableEnds { left: u64 },
    #[error("the table of times ends at sample {sample}; later lost audio cannot be detected")]
    TimesEnd { sample: u64 },
    #[error("samples of description {index}, which is not the one of the track; dropped")]
    Description { index: u32 },
    #[error("{count} samples from here on lie beyond the end of the file; dropped")]
    Outside { count: u64 },
    #[error("{count} empty samples; dropped")]
    NoBytes { count: u64 },
    #[error("sample of {length} bytes that overlaps an earlier one; dropped")]
    Overlap { length: u64 },
    #[error(
        "time {samples} samples before the end of the packets before, at coded sample {position}; ignored here and later, packets stay contiguous"
    )]
    Behind { position: CodedPos, samples: u64 },
}

impl opus_packet::FindingKind for FindingKind {
    fn is_violation(&self) -> bool {
        match self {
            Self::Audio(finding) => finding.is_violation(),
            Self::OtherTrack { .. }
            | Self::PreSkip { .. }
            | Self::Delayed { .. }
            | Self::Edits
            | Self::SeveralEdits { .. }
            | Self::Silence { .. }
            | Self::EditAfterEnd { .. }
            | Self::EditStart { .. }
            | Self::ShortEnd { .. }
            | Self::StartsLater { .. } => false,
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
