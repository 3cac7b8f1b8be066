use std::fmt;

/// A chunk other than the samples, before or after them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk {
    /// The chunk's name.
    pub id: ChunkId,
    /// Byte position of its contents in the file.
    pub offset: u64,
    /// Length in bytes of the contents that the file really holds.
    pub len: u64,
    /// The unchanged contents; `None` if they exceed 1 MiB, or 16 MiB together with those of
    /// earlier chunks.
    pub bytes: Option<Vec<u8>>,
}

/// The contents may be long and binary, so they are left out.
impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk")
            .field("id", &self.id)
            .field("offset", &self.offset)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

/// The name of a chunk. `Display` and `Debug` show it in quotes, or as a GUID.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChunkId {
    /// The name in RIFF and AIFF. W64 GUIDs that stand for such a name ("fmt ", "LIST",
    /// "bext", …) are translated to it.
    FourCc([u8; 4]),
    /// Any other GUID of W64, in the byte order of the file.
    Guid([u8; 16]),
}

impl ChunkId {
    /// Returns `FourCc` if Sony derived the GUID from a RIFF id.
    pub(crate) fn from_guid(guid: [u8; 16]) -> Self {
        match guid {
            [a, b, c, d, tail @ ..] if tail == WAVE_TAIL => Self::FourCc([a, b, c, d]),
            [b'l', b'i', b's', b't', tail @ ..] if tail == RIFF_TAIL => Self::FourCc(*b"LIST"),
            _ => Self::Guid(guid),
        }
    }

    /// Returns whether programs write such chunks, which tells chunks from samples where sizes
    /// are wrong.
    pub(crate) fn is_known(self) -> bool {
        let Self::FourCc(id) = self else { return false };
        KNOWN.contains(&id)
    }

    pub(crate) fn is(self, id: &str) -> bool {
        matches!(self, Self::FourCc(own) if own == id.as_bytes())
    }

    pub(crate) fn is_printable(self) -> bool {
        match self {
            Self::FourCc(id) => id.iter().all(|byte| (b' '..=b'~').contains(byte)),
            // A GUID has no printable form to check.
            Self::Guid(_) => true,
        }
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FourCc(id) => write!(f, "\"{}\"", id.escape_ascii()),
            Self::Guid(guid) => Guid(*guid).fmt(f),
        }
    }
}

impl fmt::Debug for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Sixteen bytes, shown as hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guid(pub(crate) [u8; 16]);

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What follows the first four bytes in Sony's GUIDs of "wave", "fmt ", "data", …
pub(crate) const WAVE_TAIL: [u8; 12] =
    [0xf3, 0xac, 0xd3, 0x11, 0x8c, 0xd1, 0x00, 0xc0, 0x4f, 0x8e, 0xdb, 0x8a];
/// The same for "riff" and "list".
pub(crate) const RIFF_TAIL: [u8; 12] =
    [0x2e, 0x91, 0xcf, 0x11, 0xa5, 0xd6, 0x28, 0xdb, 0x04, 0xc1, 0x00, 0x00];

/// Ids that programs write: first those of WAVE, then those found only in AIFF.
const KNOWN: &[[u8; 4]] = &[
    *b"fmt ", *b"data", *b"fact", *b"LIST", *b"list", *b"bext", *b"iXML", *b"axml", *b"aXML",
    *b"chna", *b"guan", *b"wamd", *b"id3 ", *b"ID3 ", *b"cue ", *b"plst", *b"smpl", *b"inst",
    *b"acid", *b"strc", *b"JUNK", *b"junk", *b"Junk", *b"PAD ", *b"FLLR", *b"filr", *b"PEAK",
    *b"DISP", *b"cart", *b"_PMX", *b"levl", *b"minf", *b"elm1", *b"regn", *b"umid", *b"MEXT",
    *b"mext", *b"link", *b"ds64", *b"afsp", *b"LGWV", *b"ResU", *b"qlty", *b"dbmd", *b"SNDM",
    *b"XMP ", *b"ovwf", *b"MRKR", *b"COMM", *b"SSND", *b"FVER", *b"NAME", *b"AUTH", *b"(c) ",
    *b"ANNO", *b"COMT", *b"MARK", *b"INST", *b"MIDI", *b"AESD", *b"APPL", *b"SAXL", *b"CHAN",
];
