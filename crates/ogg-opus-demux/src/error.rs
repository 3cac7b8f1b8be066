use std::io;

use opus_packet::{InvalidHead, InvalidPacket, InvalidTags, InvalidTimeline};

use crate::InvalidPage;

/// Why a stream could not be read on. Every offset is a byte position in the
/// stream; `Display` is one complete line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("cannot read at byte {offset}: {source}")]
    Io { offset: u64, source: io::Error },
    #[error("nothing to read: the stream is empty, expected an Ogg page")]
    Empty,
    #[error("byte {offset}: {reason}")]
    Page { offset: u64, reason: InvalidPage },
    #[error("byte {offset}: the Ogg stream holds {codec}, expected Opus")]
    NotOpus { offset: u64, codec: &'static str },
    #[error("byte {offset}: {reason}")]
    Head { offset: u64, reason: InvalidHead },
    #[error("byte {offset}: {reason}")]
    Tags { offset: u64, reason: InvalidTags },
    #[error("byte {offset}: {violation}")]
    Structure { offset: u64, violation: Violation },
    #[error("byte {offset}: packet {packet}: {reason}")]
    Packet { offset: u64, packet: u64, reason: InvalidPacket },
    #[error("byte {offset}: end of the stream: {reason}")]
    Timeline { offset: u64, reason: InvalidTimeline },
}

/// How valid pages fail to make a valid Ogg Opus stream. Each names the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Violation {
    #[error("the stream does not begin with a first page (BOS) (RFC 3533 section 4)")]
    NoFirstPage,
    #[error("OpusHead is not alone on its page (RFC 7845 section 3)")]
    HeadNotAlone,
    #[error("the stream ends before its headers are complete (RFC 7845 section 3)")]
    NoTags,
    #[error("OpusTags does not end its page (RFC 7845 section 3)")]
    TagsNotAlone,
    #[error("OpusTags is longer than {limit} bytes (RFC 7845 section 5.2)")]
    TagsTooLong { limit: usize },
    #[error("granule position {found}, expected 0 where a header ends (RFC 7845 section 4)")]
    HeaderGranule { found: u64 },
    #[error("a second logical stream begins here: chained and multiplexed files are not supported")]
    SecondStream,
    #[error(
        "page of stream {found:#010x}, expected {expected:#010x}: multiplexed files are not supported"
    )]
    ForeignPage { expected: u32, found: u32 },
    #[error(
        "page number {found}, expected {expected}: pages are lost or out of order (RFC 3533 section 6)"
    )]
    Sequence { expected: u32, found: u32 },
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
}
