use opus_packet::CodedPos;

/// How valid pages fail to make a valid Ogg Opus stream. Each names where the rule
/// stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Violation {
    #[error("the stream does not begin with a first page (BOS) (RFC 3533 section 4)")]
    NoFirstPage,
    #[error("the header pages are repeated (RFC 7845 section 3)")]
    RepeatedHeaders,
    #[error("serial number {serial:#010x} begins a second stream (RFC 3533 section 4)")]
    SerialReused { serial: u32 },
    #[error("OpusHead is not alone on its page (RFC 7845 section 3)")]
    HeadNotAlone,
    #[error("there is no OpusTags packet (RFC 7845 section 3)")]
    NoTags,
    #[error("OpusTags does not end its page (RFC 7845 section 3)")]
    TagsNotAlone,
    #[error("OpusTags is longer than {limit} bytes (RFC 7845 section 5.2)")]
    TagsTooLong { limit: usize },
    #[error("granule position {found}, expected 0 where a header ends (RFC 7845 section 4)")]
    HeaderGranule { found: u64 },
    #[error("page of stream {found:#010x}, which did not begin (RFC 3533 section 4)")]
    ForeignPage { found: u32 },
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
    #[error("a packet that began on an earlier page is not continued (RFC 7845 section 3)")]
    NotContinued,
    #[error("the stream ends inside a packet (RFC 7845 section 3)")]
    UnfinishedPacket,
    #[error("packet of more than {limit} bytes (RFC 7845 section 6)")]
    PacketTooLong { limit: usize },
    #[error("no granule position on a page where a packet ends (RFC 7845 section 4)")]
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
    #[error("granule position {found} is more than a stream can last (RFC 7845 section 4)")]
    GranuleOverflow { found: u64 },
    #[error("{samples} samples are lost, expected a multiple of 120 (RFC 7845 section 4.1)")]
    UnevenLoss { samples: u64 },
}

impl Violation {
    /// What a tolerant reader does about it.
    pub fn consequence(&self) -> &'static str {
        match self {
            Self::NoFirstPage => "passed over up to one",
            Self::RepeatedHeaders => "the later ones count",
            Self::SerialReused { .. } | Self::AfterLastPage => "it is read",
            Self::HeadNotAlone => "the rest is dropped",
            Self::NoTags => "the stream is read without",
            Self::TagsNotAlone => "the rest is read as audio",
            Self::TagsTooLong { .. }
            | Self::Repeated { .. }
            | Self::NotContinued
            | Self::UnfinishedPacket
            | Self::PacketTooLong { .. } => "it is dropped",
            Self::HeaderGranule { .. } | Self::GranuleOverflow { .. } => "it is ignored",
            Self::ForeignPage { .. } => "its pages are ignored",
            Self::FirstFlag => "the flag is ignored",
            Self::ContinuedWithoutStart => "its rest is dropped",
            Self::NoGranule => "time is counted on",
            Self::Granule { .. } => "no gap is made",
            Self::GranuleBeforeStart { .. } => "all are kept",
            Self::GranuleBelowPreSkip { .. } => "nothing plays",
            Self::UnevenLoss { .. } => "the gap is shorter by the rest",
            Self::Sequence { .. } => {
                "what is lost becomes a gap, as long as granule positions tell"
            }
        }
    }

    /// Number of the rule, as `docs/demuxing.md` of the project numbers them.
    pub fn rule(&self) -> u8 {
        match self {
            Self::Sequence { .. } => 4,
            Self::Repeated { .. } => 5,
            Self::ContinuedWithoutStart | Self::NotContinued => 6,
            Self::NoFirstPage | Self::ForeignPage { .. } => 7,
            Self::RepeatedHeaders | Self::SerialReused { .. } => 8,
            Self::FirstFlag => 9,
            Self::AfterLastPage => 10,
            Self::UnfinishedPacket => 11,
            Self::HeadNotAlone | Self::HeaderGranule { .. } => 12,
            Self::NoTags | Self::TagsNotAlone | Self::TagsTooLong { .. } => 17,
            Self::PacketTooLong { .. } => 20,
            Self::NoGranule | Self::GranuleOverflow { .. } => 21,
            Self::GranuleBeforeStart { .. } | Self::GranuleBelowPreSkip { .. } => 22,
            Self::Granule { .. } => 23,
            Self::UnevenLoss { .. } => 25,
        }
    }
}

/// What is allowed, and makes a stream other than the plainest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Note {
    #[error("a stream of {codec} begins here")]
    OtherStream { serial: u32, codec: &'static str },
    #[error(
        "{pages} pages are missing between the headers and the first audio page: someone joined a live stream there (RFC 7845 section 3)"
    )]
    LiveJoin { pages: u32 },
    #[error(
        "{samples} samples were before the first packet: the stream is cut out of a longer one (RFC 7845 section 4.5)"
    )]
    LiveStart { samples: u64 },
    #[error("the stream has no last page (EOS): it may have been longer (RFC 7845 section 3)")]
    NoLastPage,
    #[error("{samples} samples are lost before coded sample {position}: concealed{}", guess(*is_inferred))]
    Gap {
        position: CodedPos,
        samples: u64,
        /// On the last page loss and end trim cannot be told apart.
        is_inferred: bool,
    },
    #[error("{count} more findings are not shown")]
    Omitted { count: u64 },
}

fn guess(is_inferred: bool) -> &'static str {
    if is_inferred { " (inferred: the last page may be trimmed)" } else { "" }
}
