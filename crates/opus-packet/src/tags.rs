use alloc::{borrow::Cow, string::String, vec::Vec};

/// The comment header of an Opus stream (RFC 7845 section 5.2).
///
/// Keeps the packet byte for byte, so that copying a stream loses neither text that is not
/// UTF-8 nor the binary suffix.
///
/// Invariant: the bytes hold a complete vendor string and comment list.
///
/// ```
/// use opus_packet::OpusTags;
///
/// let tags = OpusTags::new("my encoder 1.0", ["TITLE=Dawn chorus"]);
/// assert_eq!(tags.vendor(), "my encoder 1.0");
/// assert!(tags.comments().eq(["TITLE=Dawn chorus"]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpusTags {
    packet: Vec<u8>,
}

/// Why bytes are not an OpusTags packet.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum InvalidTags {
    #[error("expected a packet that begins with \"OpusTags\"")]
    Magic,
    #[error("OpusTags ends at byte {offset}, before the {what}")]
    Truncated { what: &'static str, offset: usize },
    #[error(
        "OpusTags claims {claimed} bytes for the {what} at byte {offset}, but only {available} are left"
    )]
    BeyondEnd { what: &'static str, claimed: u32, available: usize, offset: usize },
}

impl OpusTags {
    /// Tags with these comments, each in the form `NAME=value`.
    ///
    /// # Panics
    ///
    /// A string is longer than 2^32 - 1 bytes, or there are more than 2^32 - 1 comments.
    pub fn new<'a>(vendor: &str, comments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut packet = MAGIC.to_vec();
        push_string(&mut packet, vendor);
        let count_at = packet.len();
        packet.extend_from_slice(&[0; 4]);
        let mut count = 0;
        for comment in comments {
            push_string(&mut packet, comment);
            count += 1;
        }
        packet.splice(count_at..count_at + 4, length(count));
        Self { packet }
    }

    /// Parses the second packet of a stream. Keeps whatever follows the comments, which may be
    /// padding or a binary suffix.
    ///
    /// # Errors
    ///
    /// The packet is not an OpusTags, or a length in it exceeds the packet.
    pub fn parse(packet: Vec<u8>) -> Result<Self, InvalidTags> {
        if !packet.starts_with(MAGIC) {
            return Err(InvalidTags::Magic);
        }
        let mut strings = Strings { packet: &packet, at: MAGIC.len() };
        strings.string("vendor string")?;
        let count = strings.length("number of comments")?;
        for _ in 0..count {
            strings.string("comment")?;
        }
        Ok(Self { packet })
    }

    /// The packet, byte for byte.
    pub fn as_bytes(&self) -> &[u8] {
        &self.packet
    }

    /// The vendor string, which names the library that encoded the stream. Invalid UTF-8
    /// becomes U+FFFD.
    pub fn vendor(&self) -> Cow<'_, str> {
        self.strings().0
    }

    /// The comments in order, each in the form `NAME=value`. Invalid UTF-8 becomes U+FFFD.
    pub fn comments(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let (_, count, mut strings) = self.strings();
        (0..count).map_while(move |_| strings.string("comment").ok()).map(String::from_utf8_lossy)
    }

    fn strings(&self) -> (Cow<'_, str>, u32, Strings<'_>) {
        let mut strings = Strings { packet: &self.packet, at: MAGIC.len() };
        // Neither fails: see the invariant.
        let vendor = strings.string("vendor string").unwrap_or_default();
        let count = strings.length("number of comments").unwrap_or_default();
        (String::from_utf8_lossy(vendor), count, strings)
    }
}

/// Walks length-prefixed strings without allocating what a length claims.
struct Strings<'a> {
    packet: &'a [u8],
    at: usize,
}

impl<'a> Strings<'a> {
    fn length(&mut self, what: &'static str) -> Result<u32, InvalidTags> {
        let offset = self.at;
        let bytes = self
            .packet
            .get(offset..)
            .and_then(<[u8]>::first_chunk)
            .ok_or(InvalidTags::Truncated { what, offset })?;
        self.at += 4;
        Ok(u32::from_le_bytes(*bytes))
    }

    fn string(&mut self, what: &'static str) -> Result<&'a [u8], InvalidTags> {
        let offset = self.at;
        let claimed = self.length(what)?;
        let rest = self.packet.get(self.at..).unwrap_or_default();
        let string = usize::try_from(claimed)
            .ok()
            .and_then(|len| rest.get(..len))
            .ok_or(InvalidTags::BeyondEnd { what, claimed, available: rest.len(), offset })?;
        self.at += string.len();
        Ok(string)
    }
}

fn push_string(packet: &mut Vec<u8>, string: &str) {
    packet.extend_from_slice(&length(string.len()));
    packet.extend_from_slice(string.as_bytes());
}

fn length(len: usize) -> [u8; 4] {
    u32::try_from(len).expect("documented: at most 2^32 - 1").to_le_bytes()
}

const MAGIC: &[u8; 8] = b"OpusTags";

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn suffix_and_invalid_text_survive() {
        let mut packet = OpusTags::new("v", ["TITLE=a", "B=c"]).as_bytes().to_vec();
        packet.extend_from_slice(&[1, 0xff, 0xfe]);
        let at = packet.iter().rposition(|&byte| byte == b'=').unwrap();
        packet[at] = 0xff;
        let tags = OpusTags::parse(packet.clone()).unwrap();
        assert_eq!(tags.as_bytes(), packet);
    }

    #[test]
    fn lengths_beyond_the_end_are_named_with_their_position() {
        let packet = OpusTags::new("vendor", ["A=b"]).as_bytes().to_vec();
        for cut in 8..packet.len() {
            assert!(OpusTags::parse(packet[..cut].to_vec()).is_err(), "cut at {cut}");
        }
        let mut bomb = MAGIC.to_vec();
        bomb.extend_from_slice(&[0, 0, 0, 0, 255, 255, 255, 255]);
        assert_eq!(
            OpusTags::parse(bomb),
            Err(InvalidTags::Truncated { what: "comment", offset: 16 })
        );
        let mut bomb = MAGIC.to_vec();
        bomb.extend_from_slice(&[255, 255, 255, 255, 7]);
        let claimed = u32::MAX;
        let what = "vendor string";
        assert_eq!(
            OpusTags::parse(bomb),
            Err(InvalidTags::BeyondEnd { what, claimed, available: 1, offset: 8 })
        );
    }

    proptest! {
        #[test]
        fn round_trip(vendor: String, comments: Vec<String>) {
            let tags = OpusTags::new(&vendor, comments.iter().map(String::as_str));
            let parsed = OpusTags::parse(tags.as_bytes().to_vec()).unwrap();
            prop_assert_eq!(parsed.vendor(), vendor);
            let read: Vec<_> = parsed.comments().map(|comment| comment.to_string()).collect();
            prop_assert_eq!(read, comments);
        }

        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let mut packet = vec![];
            packet.extend_from_slice(MAGIC);
            packet.extend_from_slice(&bytes);
            if let Ok(tags) = OpusTags::parse(packet) {
                tags.comments().count();
            }
        }
    }
}
