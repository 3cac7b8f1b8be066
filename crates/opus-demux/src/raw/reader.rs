use opus_packet::{CodedPos, OpusTags};

/// How to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether the first violation is an error. If not, it is reported, and reading
    /// goes on.
    pub strict: bool,
}

/// A packet and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawPacket<'a> {
    /// The packet, in ordinary framing.
    pub data: &'a [u8],
    /// Samples per channel at 48 kHz.
    pub duration: u32,
    /// Position of its first sample.
    pub position: CodedPos,
    /// Byte position in the stream; none when these bytes do not stand there so: a
    /// packet in place of a lost one, or one that was self-delimited.
    pub offset: Option<u64>,
}

/// A raw stream has no comments.
pub(crate) fn no_tags() -> OpusTags {
    OpusTags::new("unknown", [])
}
