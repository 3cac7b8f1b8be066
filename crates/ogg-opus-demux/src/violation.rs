use opus_packet::Gap;

/// How valid pages fail to make a valid Ogg Opus stream. Each message names the section of
/// the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum Violation {
    #[error("expected a first page (BOS) at the start of the stream (RFC 3533 section 4)")]
    NoFirstPage,
    #[error("the header pages are repeated (RFC 7845 section 3)")]
    RepeatedHeaders,
    #[error("serial number {serial:#010x} begins a second stream (RFC 3533 section 4)")]
    SerialReused { serial: u32 },
    #[error("OpusHead shares its page with other data (RFC 7845 section 3)")]
    HeadNotAlone,
    #[error("expected an OpusTags packet after OpusHead (RFC 7845 section 3)")]
    NoTags,
    #[error("OpusTags does not end its page (RFC 7845 section 3)")]
    TagsNotAlone,
    #[error("OpusTags is longer than {limit} bytes (RFC 7845 section 5.2)")]
    TagsTooLong { limit: usize },
    #[error("granule position {found}, expected 0 where a header ends (RFC 7845 section 4)")]
    HeaderGranule { found: u64 },
    #[error("page of stream {found:#010x}, which did not begin (RFC 3533 section 4)")]
    ForeignPage { found: u32 },
    #[error("Opus stream {serial:#010x} begins in the middle of another (RFC 3533 section 4)")]
    StrayHead { serial: u32 },
    #[error("a first page (BOS) in the middle of a stream (RFC 3533 section 4)")]
    FirstFlag,
    #[error("page number {found}, expected {expected}: pages are lost (RFC 3533 section 6)")]
    Sequence { expected: u32, found: u32 },
    #[error(
        "page number {found}, expected {expected}: a page is repeated or late (RFC 3533 section 6)"
    )]
    Repeated { expected: u32, found: u32 },
    #[error("a page follows the last page (EOS) of the stream (RFC 7845 section 3)")]
    AfterLastPage,
    #[error("the page continues a packet that did not begin (RFC 7845 section 3)")]
    ContinuedWithoutStart,
    #[error("a packet from an earlier page is not continued (RFC 7845 section 3)")]
    NotContinued,
    #[error("the stream ends inside a packet (RFC 7845 section 3)")]
    UnfinishedPacket,
    #[error("packet of more than {limit} bytes (RFC 7845 section 6)")]
    PacketTooLong { limit: usize },
    #[error("expected a granule position on a page where a packet ends (RFC 7845 section 4)")]
    NoGranule,
    #[error("granule position {found}, expected {expected} (RFC 7845 section 4)")]
    Granule { expected: u64, found: u64 },
    #[error(
        "first granule position {found}, expected at least the {samples} samples before it (RFC 7845 section 4.5)"
    )]
    GranuleBeforeStart { samples: u64, found: u64 },
    #[error(
        "last granule position {found}, expected at least the pre-skip of {pre_skip} (RFC 7845 section 4.5)"
    )]
    GranuleBelowPreSkip { pre_skip: u64, found: u64 },
    #[error(
        "last granule position {found}, expected up to {expected}: it does not follow from those before it (RFC 7845 section 4.4)"
    )]
    EndTrim { expected: u64, found: u64 },
    #[error(
        "granule position {found} on a page where no packet ends, expected none or {expected} (RFC 3533 section 6)"
    )]
    EmptyPageGranule { expected: u64, found: u64 },
    #[error("granule position {found} exceeds 2^63 - 1 (RFC 7845 section 4)")]
    GranuleOverflow { found: u64 },
    #[error("{samples} samples are lost, expected a multiple of 120 (RFC 7845 section 4.1)")]
    UnevenLoss { samples: u64 },
}

impl Violation {
    /// What a tolerant reader does about it.
    pub fn consequence(&self) -> &'static str {
        match self {
            Self::NoFirstPage => "skipped to the next one",
            Self::RepeatedHeaders => "the later ones count",
            Self::SerialReused { .. } | Self::AfterLastPage => "read anyway",
            Self::HeadNotAlone => "the other data is dropped",
            Self::NoTags => "read without tags",
            Self::TagsNotAlone => "the rest is read as audio",
            Self::TagsTooLong { .. }
            | Self::Repeated { .. }
            | Self::NotContinued
            | Self::UnfinishedPacket
            | Self::PacketTooLong { .. } => "dropped",
            Self::HeaderGranule { .. }
            | Self::GranuleOverflow { .. }
            | Self::EmptyPageGranule { .. } => "ignored",
            Self::ForeignPage { .. } | Self::StrayHead { .. } => "its pages are ignored",
            Self::FirstFlag => "the flag is ignored",
            Self::ContinuedWithoutStart => "the rest of the packet is dropped",
            Self::NoGranule => "packet durations tell the time",
            Self::Granule { .. } => "no gap is inserted",
            Self::GranuleBeforeStart { .. } => "all samples are kept",
            Self::GranuleBelowPreSkip { .. } | Self::EndTrim { .. } => "the end is not trimmed",
            Self::UnevenLoss { .. } => "the gap is rounded down",
            Self::Sequence { .. } => "granule positions tell the length of the gap",
        }
    }

    /// The number of the rule in the project's `docs/demuxing.md`.
    pub fn rule(&self) -> u8 {
        match self {
            Self::Sequence { .. } => 4,
            Self::Repeated { .. } => 5,
            Self::ContinuedWithoutStart | Self::NotContinued => 6,
            Self::NoFirstPage | Self::ForeignPage { .. } | Self::StrayHead { .. } => 7,
            Self::RepeatedHeaders | Self::SerialReused { .. } => 8,
            Self::FirstFlag => 9,
            Self::AfterLastPage => 10,
            Self::UnfinishedPacket => 11,
            Self::HeadNotAlone | Self::HeaderGranule { .. } => 12,
            Self::NoTags | Self::TagsNotAlone | Self::TagsTooLong { .. } => 17,
            Self::PacketTooLong { .. } => 20,
            Self::NoGranule | Self::GranuleOverflow { .. } => 21,
            Self::GranuleBeforeStart { .. } | Self::GranuleBelowPreSkip { .. } => 22,
            Self::Granule { .. } | Self::EmptyPageGranule { .. } => 23,
            Self::EndTrim { .. } => 24,
            Self::UnevenLoss { .. } => 25,
        }
    }
}

/// Something valid that is worth knowing about a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum Note {
    #[error("a stream of {codec} begins here")]
    OtherStream { serial: u32, codec: &'static str },
    /// Read with [`Options::track`](crate::Options::track).
    #[error("another Opus stream begins here, with serial number {serial:#010x}")]
    OtherTrack { serial: u32, track: usize },
    #[error("OpusHead has {bytes} bytes more than its version states (RFC 7845 section 5.1)")]
    ExtraHeadBytes { bytes: usize },
    #[error(
        "{pages} pages are missing between the headers and the first audio page: the recording joined a live stream (RFC 7845 section 3)"
    )]
    LiveJoin { pages: u32 },
    #[error(
        "{samples} samples preceded the first packet: the stream was cut from a longer one (RFC 7845 section 4.5)"
    )]
    LiveStart { samples: u64 },
    #[error(
        "the end trim of {samples} samples is longer than the last packet, of {packet} (RFC 7845 section 4.4)"
    )]
    LongTrim { samples: u64, packet: u32 },
    #[error("the stream has no last page (EOS) and may have been longer (RFC 7845 section 3)")]
    NoLastPage,
    /// On the last page, a loss and the end trim look alike, so its length is inferred.
    #[error("{0}")]
    Gap(Gap),
    #[error("{count} further findings up to here were not kept")]
    Omitted { count: u64 },
}
