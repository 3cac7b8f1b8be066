use alloc::vec::Vec;

use crate::{ChannelMapping, InvalidPacket, duration, multistream_duration};

/// The identification header of an Opus stream (RFC 7845 section 5.1).
///
/// ```
/// use opus_packet::OpusHead;
///
/// // Stereo, 312 samples of pre-skip, made from audio at 44.1 kHz.
/// let head = OpusHead::new(2, 312, 44_100)?;
/// assert_eq!(OpusHead::parse(&head.to_bytes())?, head);
/// assert_eq!(head.packet_duration(&[0x78, 1, 2, 3]), Ok(960));
/// # Ok::<(), opus_packet::InvalidHead>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpusHead {
    /// Version of the encapsulation. Its upper four bits are zero, so every reader of version 1
    /// can read it.
    version: u8,
    pre_skip: u16,
    input_sample_rate: u32,
    output_gain: i16,
    mapping: ChannelMapping,
}

/// Why bytes are not a usable OpusHead.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum InvalidHead {
    #[error("expected a packet that begins with \"OpusHead\"")]
    Magic,
    #[error("OpusHead of {found} bytes, expected at least 19")]
    TooShort { found: usize },
    #[error("OpusHead of version {found}, expected 0 to 15")]
    Version { found: u8 },
    #[error("mapping family {family} does not allow {found} channels (RFC 7845 section 5.1.1)")]
    Channels { family: u8, found: u8 },
    #[error("mapping family {family}, of {channels} channels, is not supported")]
    UnsupportedFamily { family: u8, channels: u8 },
    #[error("channel mapping of {found} bytes, expected {expected} (RFC 7845 section 5.1.1)")]
    MappingTooShort { found: usize, expected: usize },
    #[error(
        "{streams} streams and {coupled} coupled streams; expected at least one stream, at most as many coupled, and at most 255 together"
    )]
    Streams { streams: u8, coupled: u8 },
    #[error("channel {channel} is mapped to {index}, expected 255 or less than {decoded}")]
    Index { channel: usize, index: u8, decoded: u8 },
}

impl OpusHead {
    /// A head of version 1 for one or two channels.
    ///
    /// `pre_skip` is in samples at 48 kHz. `input_sample_rate` in Hz documents the source
    /// (0 if unknown) and does not affect decoding.
    ///
    /// # Errors
    ///
    /// `channels` is neither 1 nor 2.
    pub fn new(channels: u8, pre_skip: u16, input_sample_rate: u32) -> Result<Self, InvalidHead> {
        let mapping = ChannelMapping::family_0(channels)?;
        Ok(Self { version: 1, pre_skip, input_sample_rate, output_gain: 0, mapping })
    }

    /// The same head with another channel mapping.
    #[must_use]
    pub fn with_mapping(self, mapping: ChannelMapping) -> Self {
        Self { mapping, ..self }
    }

    /// The same head with an output gain: see [`output_gain`](Self::output_gain).
    #[must_use]
    pub fn with_output_gain(self, output_gain: i16) -> Self {
        Self { output_gain, ..self }
    }

    /// Parses the first packet of a stream. Ignores bytes after the fields that are known: versions
    /// above 1 may append fields, and some writers of version 1 append bytes.
    ///
    /// # Errors
    ///
    /// The packet is not an OpusHead of a known version and mapping family.
    pub fn parse(packet: &[u8]) -> Result<Self, InvalidHead> {
        if !packet.starts_with(MAGIC) {
            return Err(InvalidHead::Magic);
        }
        let found = packet.len();
        let fields = packet.first_chunk::<FIELDS_LEN>().ok_or(InvalidHead::TooShort { found })?;
        let [_, _, _, _, _, _, _, _, version, channels, p0, p1, r0, r1, r2, r3, g0, g1, family] =
            *fields;
        // Section 5.1: minor versions 0 to 15 are compatible, and may append fields.
        if version > 15 {
            return Err(InvalidHead::Version { found: version });
        }
        let rest = packet.get(FIELDS_LEN..).unwrap_or_default();
        let mapping = ChannelMapping::parse(family, channels, rest)?;
        Ok(Self {
            version,
            pre_skip: u16::from_le_bytes([p0, p1]),
            input_sample_rate: u32::from_le_bytes([r0, r1, r2, r3]),
            output_gain: i16::from_le_bytes([g0, g1]),
            mapping,
        })
    }

    /// The packet that [`parse`](Self::parse) reads, without the bytes that it ignores.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIELDS_LEN + self.mapping.table_len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[self.version, self.channels()]);
        bytes.extend_from_slice(&self.pre_skip.to_le_bytes());
        bytes.extend_from_slice(&self.input_sample_rate.to_le_bytes());
        bytes.extend_from_slice(&self.output_gain.to_le_bytes());
        bytes.push(self.mapping.family());
        bytes.extend(self.mapping.to_bytes());
        bytes
    }

    /// Output channels, 1 to 255.
    pub fn channels(&self) -> u8 {
        self.mapping.channels()
    }

    /// How the Opus streams of a packet become channels.
    pub fn mapping(&self) -> &ChannelMapping {
        &self.mapping
    }

    /// The duration of a packet of this recording in samples per channel at 48 kHz, after
    /// checking the framing of all its Opus streams.
    ///
    /// # Errors
    ///
    /// The packet breaks a rule of RFC 6716 section 3.4, or its streams differ in duration.
    #[inline]
    pub fn packet_duration(&self, packet: &[u8]) -> Result<u32, InvalidPacket> {
        match self.mapping.streams().get() {
            1 => duration(packet),
            _ => multistream_duration(packet, self.mapping.streams()),
        }
    }

    /// The longest packet that can be audio, in bytes: 61,440, or 7,680 for each Opus stream if
    /// that is more (RFC 7845 section 6).
    pub fn max_packet_len(&self) -> usize {
        (7680 * usize::from(self.mapping.streams().get())).max(61_440)
    }

    /// Samples per channel at 48 kHz to drop from the start of the decoded audio
    /// (section 4.2).
    pub fn pre_skip(&self) -> u16 {
        self.pre_skip
    }

    /// Sample rate of the audio before encoding, in Hz, or 0 if unknown. Decoding does not
    /// depend on it.
    pub fn input_sample_rate(&self) -> u32 {
        self.input_sample_rate
    }

    /// Gain to apply when decoding, in dB as signed Q7.8: 256 means 1 dB.
    pub fn output_gain(&self) -> i16 {
        self.output_gain
    }
}

const MAGIC: &[u8; 8] = b"OpusHead";
const FIELDS_LEN: usize = 19;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stereo() -> Vec<u8> {
        OpusHead::new(2, 312, 44_100).unwrap().to_bytes()
    }

    #[test]
    fn version_0_is_accepted_and_16_is_not() {
        let mut bytes = stereo();
        bytes[8] = 0;
        assert_eq!(OpusHead::parse(&bytes).unwrap().to_bytes(), bytes);
        bytes[8] = 16;
        assert_eq!(OpusHead::parse(&bytes), Err(InvalidHead::Version { found: 16 }));
    }

    #[test]
    fn extra_bytes_are_ignored() {
        for version in 0..16 {
            let mut bytes = stereo();
            bytes[8] = version;
            let head = OpusHead::parse(&bytes);
            assert!(head.is_ok());
            bytes.extend([7; 300]);
            assert_eq!(OpusHead::parse(&bytes), head);
        }
    }

    #[test]
    fn wrong_heads_are_named() {
        assert_eq!(OpusHead::parse(b"OpusTags"), Err(InvalidHead::Magic));
        assert_eq!(OpusHead::parse(&stereo()[..18]), Err(InvalidHead::TooShort { found: 18 }));
        let mut bytes = stereo();
        bytes[9] = 0;
        let channels = |family, found| Err(InvalidHead::Channels { family, found });
        assert_eq!(OpusHead::parse(&bytes), channels(0, 0));
        bytes[9] = 3;
        assert_eq!(OpusHead::parse(&bytes), channels(0, 3));
    }

    #[test]
    fn surround_needs_its_whole_table() {
        let mapping = ChannelMapping::parse(1, 3, &[2, 1, 0, 1, 2]).unwrap();
        let head = OpusHead::new(1, 312, 0).unwrap().with_mapping(mapping);
        let mut bytes = head.to_bytes();
        assert_eq!((bytes.len(), bytes[9], bytes[18]), (24, 3, 1));
        assert_eq!(OpusHead::parse(&bytes), Ok(head.clone()));
        bytes.push(0);
        assert_eq!(OpusHead::parse(&bytes), Ok(head));
        assert!(matches!(
            OpusHead::parse(&bytes[..23]),
            Err(InvalidHead::MappingTooShort { found: 4, expected: 5 })
        ));
    }

    proptest! {
        #[test]
        fn round_trip(channels in 1u8..=2, pre_skip: u16, rate: u32, gain: i16) {
            let head = OpusHead::new(channels, pre_skip, rate).unwrap().with_output_gain(gain);
            prop_assert_eq!(OpusHead::parse(&head.to_bytes()), Ok(head));
        }

        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let _ = OpusHead::parse(&bytes);
        }
    }
}
