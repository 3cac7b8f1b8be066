use std::io;

use opus_packet::InvalidPacket;

use crate::raw::Finding;

/// Why a stream could not be read on. Every offset is a byte position in the stream;
/// `Display` is one complete line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("cannot read at byte {offset}: {source}")]
    Io { offset: u64, source: io::Error },
    /// Only when reading strictly.
    #[error("{0}")]
    Violation(Finding),
    #[error("nothing to read: the stream is empty, expected an Opus packet")]
    Empty,
    #[error(
        "a recording of {streams} Opus streams, expected one: self-delimited packets hold one (RFC 6716 appendix B)"
    )]
    Streams { streams: u8 },
    #[error(
        "byte {offset}: expected a self-delimited packet (RFC 6716 appendix B): {reason}; where the next one begins cannot be known"
    )]
    Packet { offset: u64, reason: InvalidPacket },
    #[error(
        "byte {offset}: self-delimited packet of more than {limit} bytes, no audio is so long (RFC 7845 section 6)"
    )]
    PacketTooLong { offset: u64, limit: usize },
    #[error(
        "byte {offset}: packet length {length}, expected at most {limit}: this does not look like a file of opus_demo"
    )]
    NotOpusDemo { offset: u64, length: u32, limit: u32 },
    #[error(
        "byte {offset}: {lost} samples are lost and only {read} were read, expected no more than 24 hours lost beyond those"
    )]
    TooMuchLost { offset: u64, lost: u64, read: u64 },
}
