use std::{error::Error, io};

use opus_packet::{InvalidHead, InvalidPacket};

/// Options that libopus would not take, or not do as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum InvalidOption {
    #[error("no channels, expected 1 to 255")]
    NoChannels,
    #[error("complexity {found}, expected 0 to 10")]
    Complexity { found: u8 },
    #[error(
        "bit rate of {found} b/s, expected {least} to {most} for these channels in packets of this duration"
    )]
    Bitrate { found: u32, least: u32, most: u32 },
}

/// Why audio could not be encoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum EncodeError {
    #[error("option: {0}")]
    Option(#[from] InvalidOption),
    #[error("libopus: {message} ({code})")]
    Libopus { code: i32, message: &'static str },
    #[error("frame of {found} samples of all channels, expected {expected}")]
    FrameLength { found: usize, expected: usize },
    #[error("packet {packet} that libopus made: {reason}")]
    Packet { packet: u64, reason: InvalidPacket },
    #[error("packet {packet} that libopus made lasts {found} samples, expected {expected}")]
    Duration { packet: u64, found: u32, expected: u32 },
    #[error("streams that libopus chose: {0}")]
    Head(#[from] InvalidHead),
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
    #[error("a thread that encodes has panicked")]
    Panicked,
}

/// Why a stream could not be encoded: its source, or the encoder.
#[derive(Debug, thiserror::Error)]
pub enum StreamError<E: Error + 'static> {
    /// The source could not give its samples.
    #[error(transparent)]
    Source(E),
    /// The samples could not be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}
