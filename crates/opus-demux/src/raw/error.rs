use opus_packet::InvalidPacket;

use crate::{ErrorKind, error};

/// Why a raw stream could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("expected an Opus packet, found an empty stream")]
    Empty,
    #[error(
        "the head states {streams} Opus streams, but self-delimited packets hold one (RFC 6716 appendix B)"
    )]
    Streams { streams: u8 },
    #[error(
        "expected a self-delimited packet (RFC 6716 appendix B): {reason}; the start of the next packet cannot be found"
    )]
    Packet { reason: InvalidPacket },
    #[error(
        "self-delimited packet of more than {limit} bytes, the longest audio packet (RFC 7845 section 6)"
    )]
    PacketTooLong { limit: usize },
    #[error(
        "packet length {length}, expected at most {limit}; this does not look like a file of opus_demo"
    )]
    NotOpusDemo { length: u32, limit: u32 },
    #[error("expected Opus packets without a container, found {format}")]
    NotRaw { format: &'static str },
}

impl error::Reason for Reason {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Streams { .. } => ErrorKind::Unsupported,
            Self::NotOpusDemo { .. } | Self::NotRaw { .. } => ErrorKind::WrongContainer,
            _ => ErrorKind::Unreadable,
        }
    }
}
