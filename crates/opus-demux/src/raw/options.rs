use opus_packet::OpusTags;

/// How to read: by default tolerantly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whether the first violation is an error. Otherwise it becomes a
    /// [`Finding`](crate::raw::Finding), and reading continues.
    pub strict: bool,
}

impl Options {
    /// Sets whether the first violation is an error.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict }
    }
}

/// A raw stream has no comments.
pub(crate) fn no_tags() -> OpusTags {
    OpusTags::new("unknown", [])
}

/// The longest audio packet of one Opus stream (RFC 7845 section 6): 48 frames of 1275 bytes
/// and some framing.
pub(crate) const MAX_PACKET_LEN: usize = 61_440;
/// Room for the longest packet and its header, several times over so that few bytes are moved.
/// Fuzzing uses hardly more than that packet.
pub(crate) const CAPACITY: usize = if cfg!(fuzzing) { MAX_PACKET_LEN + 16 } else { 256 * 1024 };
