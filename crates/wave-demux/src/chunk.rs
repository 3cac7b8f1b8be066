use std::fmt;

/// A chunk that is not the samples, before or behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Which it is.
    pub id: ChunkId,
    /// Byte position of its contents in the file.
    pub offset: u64,
    /// Bytes of its contents that are there.
    pub len: u64,
    /// The contents as they are. None if they are longer than 1 MiB, or if they and those
    /// of the chunks before are longer than 16 MiB.
    pub bytes: Option<Vec<u8>>,
}

/// What a chunk is called. `Display` shows it in quotes, or as a GUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChunkId {
    /// As in RIFF and AIFF. Of W64, the ids that stand for the same: "fmt ", "LIST", "bext", …
    FourCc([u8; 4]),
    /// Another GUID of W64, its bytes in the order of the file.
    Guid([u8; 16]),
}

impl ChunkId {
    /// `FourCc` if the GUID is one that Sony made out of an id of RIFF.
    pub(crate) fn from_guid(guid: [u8; 16]) -> Self {
        match guid {
            [a, b, c, d, tail @ ..] if tail == WAVE_TAIL => Self::FourCc([a, b, c, d]),
            [b'l', b'i', b's', b't', tail @ ..] if tail == RIFF_TAIL => Self::FourCc(*b"LIST"),
            _ => Self::Guid(guid),
        }
    }

    /// Whether programs write such chunks. Where sizes are wrong, this tells chunks from
    /// samples.
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
            // Nothing can be said of any other.
            Self::Guid(_) => true,
        }
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FourCc(id) => write!(f, "\"{}\"", id.escape_ascii()),
            Self::Guid(guid) => guid.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

/// What follows the first four bytes in Sony's GUID of "wave", "fmt ", "data", …
pub(crate) const WAVE_TAIL: [u8; 12] =
    [0xf3, 0xac, 0xd3, 0x11, 0x8c, 0xd1, 0x00, 0xc0, 0x4f, 0x8e, 0xdb, 0x8a];
/// The same of "riff" and "list".
pub(crate) const RIFF_TAIL: [u8; 12] =
    [0x2e, 0x91, 0xcf, 0x11, 0xa5, 0xd6, 0x28, 0xdb, 0x04, 0xc1, 0x00, 0x00];

/// Ids that programs write, first those of WAVE, then those of AIFF alone.
const KNOWN: &[[u8; 4]] = &[
    *b"fmt ", *b"data", *b"fact", *b"LIST", *b"list", *b"bext", *b"iXML", *b"axml", *b"aXML",
    *b"chna", *b"guan", *b"wamd", *b"id3 ", *b"ID3 ", *b"cue ", *b"plst", *b"smpl", *b"inst",
    *b"acid", *b"strc", *b"JUNK", *b"junk", *b"Junk", *b"PAD ", *b"FLLR", *b"filr", *b"PEAK",
    *b"DISP", *b"cart", *b"_PMX", *b"levl", *b"minf", *b"elm1", *b"regn", *b"umid", *b"MEXT",
    *b"mext", *b"link", *b"ds64", *b"afsp", *b"LGWV", *b"ResU", *b"qlty", *b"dbmd", *b"SNDM",
    *b"XMP ", *b"ovwf", *b"MRKR", *b"COMM", *b"SSND", *b"FVER", *b"NAME", *b"AUTH", *b"(c) ",
    *b"ANNO", *b"COMT", *b"MARK", *b"INST", *b"MIDI", *b"AESD", *b"APPL", *b"SAXL", *b"CHAN",
];
