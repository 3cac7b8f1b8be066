use std::io;

use opus_packet::InvalidHead;

use crate::caf::Finding;

/// Why a file could not be read, or read on. Every offset is a byte position in the
/// file; `Display` is one complete line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("cannot read at byte {offset}: {source}")]
    Io { offset: u64, source: io::Error },
    /// Only when reading strictly.
    #[error("{0}")]
    Violation(Finding),
    #[error("byte 0: expected a CAF file, which begins with \"caff\"")]
    NotCaf,
    #[error("byte 4: CAF of version {found}, expected 1")]
    Version { found: u16 },
    #[error("byte {offset}: expected a chunk \"{name}\", the file ends without one")]
    NoChunk { offset: u64, name: &'static str },
    #[error("byte {offset}: chunk \"{name}\" of {found} bytes, expected at least {expected}")]
    ChunkTooShort { offset: u64, name: &'static str, found: u64, expected: u64 },
    #[error("byte {offset}: the CAF file holds \"{}\", expected \"opus\"", format.escape_ascii())]
    NotOpus { offset: u64, format: [u8; 4] },
    #[error(
        "byte {offset}: packets of different lengths and no packet table (chunk \"pakt\"): where they end cannot be known; was the file not finished?"
    )]
    NoPacketTable { offset: u64 },
    #[error(
        "byte {offset}: {found} channels and no OpusHead (chunk \"kuki\"), which more than two need to be told apart"
    )]
    Channels { offset: u64, found: u32 },
    #[error("byte {offset}: {reason}")]
    Head { offset: u64, reason: InvalidHead },
    #[error("byte {offset}: sample rate of bits {bits:#018x}, expected 1 to 1000000 Hz")]
    SampleRate { offset: u64, bits: u64 },
    #[error(
        "byte {offset}: {lost} samples are lost and only {read} were read, expected no more than 24 hours lost beyond those"
    )]
    TooMuchLost { offset: u64, lost: u64, read: u64 },
}
