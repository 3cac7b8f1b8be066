use crate::{ErrorKind, error};

/// Why a CAF file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("expected a CAF file, which begins with \"caff\"")]
    NotCaf,
    #[error("CAF of version {found}, expected 1")]
    Version { found: u16 },
    #[error("the file ends before a \"{name}\" chunk")]
    NoChunk { name: &'static str },
    #[error("chunk \"{name}\" of {found} bytes, expected at least {expected}")]
    ChunkTooShort { name: &'static str, found: u64, expected: u64 },
    #[error("the CAF file holds \"{}\", expected \"opus\"", format.escape_ascii())]
    NotOpus { format: [u8; 4] },
    #[error(
        "packets differ in length, but the file ends before a packet table (chunk \"pakt\") that states where they end; was the recording interrupted?"
    )]
    NoPacketTable,
    #[error("{found} channels need an OpusHead (chunk \"kuki\"), which is missing")]
    Channels { found: u32 },
    #[error("sample rate of bits {bits:#018x}, expected 1 to 1000000 Hz")]
    SampleRate { bits: u64 },
}

impl error::Reason for Reason {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotCaf => ErrorKind::WrongContainer,
            Self::NotOpus { .. } => ErrorKind::NoOpus,
            Self::Version { .. } => ErrorKind::Unsupported,
            _ => ErrorKind::Unreadable,
        }
    }
}
