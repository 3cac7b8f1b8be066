//! Channel mapping (RFC 7845 section 5.1.1, RFC 8486 section 3).

use alloc::vec::Vec;
use core::num::NonZeroU8;

use crate::InvalidHead;

/// How the Opus streams of a recording become its channels.
///
/// Invariants:
///
/// - `coupled <= streams`, `streams + coupled <= 255`
/// - the family allows the number of channels
/// - the table is complete, and each of its indices is 255 or below `streams + coupled`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelMapping {
    family: u8,
    channels: u8,
    streams: NonZeroU8,
    coupled: u8,
    table: Vec<u8>,
}

/// How decoded channels become output channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MappingTable<'a> {
    /// For each output channel, the index of its decoded channel, or 255 for silence.
    Indices(&'a [u8]),
    /// Family 3: `(streams + coupled) * channels` coefficients, Q15, little-endian,
    /// column after column (RFC 8486 section 3.2).
    Matrix(&'a [u8]),
}

impl ChannelMapping {
    /// Family 0: one Opus stream, mono or stereo.
    pub(crate) fn family_0(channels: u8) -> Result<Self, InvalidHead> {
        if !matches!(channels, 1 | 2) {
            return Err(InvalidHead::Channels { family: 0, found: channels });
        }
        let table = (0..channels).collect();
        Ok(Self { family: 0, channels, streams: NonZeroU8::MIN, coupled: channels - 1, table })
    }

    /// Parses the bytes that follow the family in OpusHead, or in the `dOps` box of MP4: number
    /// of streams, number of coupled streams, table. For family 0, nothing follows.
    ///
    /// Ignores bytes after the table: see [`table_len`](Self::table_len).
    ///
    /// # Errors
    ///
    /// The family is unknown, does not allow these channels, or the table is cut off or wrong.
    pub fn parse(family: u8, channels: u8, bytes: &[u8]) -> Result<Self, InvalidHead> {
        if family == 0 {
            return Self::family_0(channels);
        }
        if !matches!(family, 1..=3 | 255) {
            return Err(InvalidHead::UnsupportedFamily { family, channels });
        }
        if !allows(family, channels) {
            return Err(InvalidHead::Channels { family, found: channels });
        }
        let found = bytes.len();
        let &[streams, coupled] =
            bytes.first_chunk().ok_or(InvalidHead::MappingTooShort { found, expected: 2 })?;
        let decoded = streams.checked_add(coupled);
        let (Some(streams), Some(decoded), true) =
            (NonZeroU8::new(streams), decoded, coupled <= streams)
        else {
            return Err(InvalidHead::Streams { streams, coupled });
        };
        let table_len = match family {
            3 => 2 * usize::from(decoded) * usize::from(channels),
            _ => usize::from(channels),
        };
        let expected = 2 + table_len;
        let table =
            bytes.get(2..expected).ok_or(InvalidHead::MappingTooShort { found, expected })?;
        if family != 3 {
            check_indices(table, decoded)?;
        }
        Ok(Self { family, channels, streams, coupled, table: table.to_vec() })
    }

    /// The mapping family.
    pub fn family(&self) -> u8 {
        self.family
    }

    /// Output channels, 1 to 255.
    pub fn channels(&self) -> u8 {
        self.channels
    }

    /// Opus streams in each packet.
    pub fn streams(&self) -> NonZeroU8 {
        self.streams
    }

    /// How many of the streams, counted from the first, decode to two channels.
    pub fn coupled(&self) -> u8 {
        self.coupled
    }

    /// How decoded channels become output channels.
    pub fn table(&self) -> MappingTable<'_> {
        match self.family {
            3 => MappingTable::Matrix(&self.table),
            _ => MappingTable::Indices(&self.table),
        }
    }

    /// The bytes that [`parse`](Self::parse) reads: none for family 0.
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.family == 0 {
            return Vec::new();
        }
        let mut bytes = Vec::with_capacity(2 + self.table.len());
        bytes.extend([self.streams.get(), self.coupled]);
        bytes.extend_from_slice(&self.table);
        bytes
    }

    /// The number of bytes that [`parse`](Self::parse) reads.
    pub fn table_len(&self) -> usize {
        if self.family == 0 { 0 } else { 2 + self.table.len() }
    }
}

fn allows(family: u8, channels: u8) -> bool {
    match family {
        1 => (1..=8).contains(&channels),
        2 | 3 => is_ambisonic(channels),
        _ => channels > 0,
    }
}

/// RFC 8486 section 3.1: `(1 + n)^2 + 2 j` channels for an order n of 0 to 14. With an
/// additional stereo track, j is 1, otherwise 0.
fn is_ambisonic(channels: u8) -> bool {
    (1..=15).any(|root: u8| {
        let plain = root * root;
        channels == plain || Some(channels) == plain.checked_add(2)
    })
}

fn check_indices(table: &[u8], decoded: u8) -> Result<(), InvalidHead> {
    match table.iter().enumerate().find(|&(_, &index)| index >= decoded && index != 255) {
        None => Ok(()),
        Some((channel, &index)) => Err(InvalidHead::Index { channel, index, decoded }),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn surround_of_six_channels() {
        let bytes = [4, 2, 0, 4, 1, 2, 3, 5, 99];
        let mapping = ChannelMapping::parse(1, 6, &bytes).unwrap();
        assert_eq!((mapping.streams().get(), mapping.coupled()), (4, 2));
        assert_eq!(mapping.table(), MappingTable::Indices(&[0, 4, 1, 2, 3, 5]));
        assert_eq!(mapping.to_bytes(), bytes[..8]);
        assert_eq!(mapping.table_len(), 8);
    }

    #[test]
    fn impossible_numbers_are_named() {
        let parse = |family, channels, bytes: &[u8]| {
            ChannelMapping::parse(family, channels, bytes).unwrap_err()
        };
        assert_eq!(parse(1, 9, &[1, 0]), InvalidHead::Channels { family: 1, found: 9 });
        assert_eq!(parse(255, 0, &[1, 0]), InvalidHead::Channels { family: 255, found: 0 });
        let (streams, coupled) = (0, 0);
        assert_eq!(parse(1, 1, &[0, 0, 0]), InvalidHead::Streams { streams, coupled });
        let (streams, coupled) = (1, 2);
        assert_eq!(parse(1, 1, &[1, 2, 0]), InvalidHead::Streams { streams, coupled });
        let (streams, coupled) = (200, 56);
        assert_eq!(parse(255, 1, &[200, 56, 0]), InvalidHead::Streams { streams, coupled });
        assert_eq!(
            parse(1, 3, &[2, 1, 0, 1]),
            InvalidHead::MappingTooShort { found: 4, expected: 5 }
        );
        let (channel, index, decoded) = (2, 3, 3);
        assert_eq!(parse(1, 3, &[2, 1, 0, 255, 3]), InvalidHead::Index { channel, index, decoded });
        let (family, channels) = (240, 2);
        assert_eq!(parse(240, 2, &[]), InvalidHead::UnsupportedFamily { family, channels });
    }

    #[test]
    fn ambisonics_of_rfc_8486() {
        let allowed: vec::Vec<u8> = (0..=255).filter(|&channels| allows(2, channels)).collect();
        let mut expected: vec::Vec<u8> =
            (0..15u8).flat_map(|n| [(1 + n) * (1 + n), (1 + n) * (1 + n) + 2]).collect();
        expected.sort_unstable();
        assert_eq!(allowed, expected);
        let mut matrix = vec![2, 1];
        matrix.extend([7; 2 * 3 * 4]);
        let mapping = ChannelMapping::parse(3, 4, &matrix).unwrap();
        assert_eq!(mapping.table(), MappingTable::Matrix(&[7; 24]));
        assert!(ChannelMapping::parse(3, 4, &matrix[..25]).is_err());
    }
}
