use std::io;

use crate::format_tag::tag_name;

/// Why a file could not be read, or read on. Every offset is a byte position in the
/// file; `Display` is one complete line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("cannot read at byte {offset}: {source}")]
    Io { offset: u64, source: io::Error },
    #[error(
        "byte {offset}: expected a WAVE or AIFF file, which begins with \"RIFF\", \"RF64\", \"BW64\", \"FORM\" or the GUID of W64, found \"{}\"",
        found.escape_ascii()
    )]
    NotWave { offset: u64, found: Vec<u8> },
    #[error("byte {offset}: expected a chunk \"{name}\", the file ends without one")]
    NoChunk { offset: u64, name: &'static str },
    #[error("byte {offset}: chunk \"{name}\" of {found} bytes, expected at least {expected}")]
    ChunkTooShort { offset: u64, name: &'static str, found: u64, expected: u64 },
    /// `tag` is the format tag, of an extensible format the first two bytes of `guid`.
    #[error(
        "byte {offset}: the file holds {} of {bits} bits (format tag {tag:#06x}{}), expected PCM of 1 to 64 bits, float of 32 or 64, A-law or mu-law",
        tag_name(*tag), guid_text(guid.as_ref())
    )]
    UnsupportedEncoding { offset: u64, tag: u16, bits: u16, guid: Option<[u8; 16]> },
    #[error(
        "byte {offset}: the file holds \"{}\" of {bits} bits, expected PCM of 1 to 64 bits, float of 32 or 64, A-law or mu-law",
        compression.escape_ascii()
    )]
    UnsupportedCompression { offset: u64, compression: [u8; 4], bits: u16 },
    #[error("byte {offset}: {channels} channels at {rate} Hz, expected at least 1 of each")]
    NoAudio { offset: u64, channels: u16, rate: u32 },
    #[error(
        "byte {second}: samples again (chunk \"{name}\"), the first ones are at byte {first}: expected one such chunk"
    )]
    SeveralData { first: u64, second: u64, name: &'static str },
    #[error("byte {offset}: samples in a list of waves and silences (\"wavl\"), which is not read")]
    WaveList { offset: u64 },
}

fn guid_text(guid: Option<&[u8; 16]>) -> String {
    let hex = |guid: &[u8; 16]| guid.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    guid.map(|guid| format!(" of GUID {}", hex(guid))).unwrap_or_default()
}
