use std::io;

use opus_packet::{InvalidHead, InvalidPacket, InvalidTags, InvalidTimeline};

use crate::{InvalidPage, Violation};

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
    #[error(
        "there is no track {asked}: the links have at most {tracks} Opus streams, counted from 0"
    )]
    NoSuchTrack { asked: usize, tracks: usize },
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
    #[error(
        "byte {offset}: a loss of {samples} samples, expected gaps of no more than {limit} in all up to here"
    )]
    GapTooLong { offset: u64, samples: u64, limit: u64 },
}
