//! The header of an AU file, which states rate and channels and needs no length.

use std::io::{self, Read};

/// The format of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AuHeader {
    pub(crate) rate: u32,
    pub(crate) channels: usize,
}

impl AuHeader {
    /// Reads the header up to the first sample, a big-endian `f32`.
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Self> {
        const FLOAT: u32 = 6;
        let mut field = || -> io::Result<u32> {
            let mut bytes = [0; 4];
            from.read_exact(&mut bytes)?;
            Ok(u32::from_be_bytes(bytes))
        };
        let magic = field()?;
        let (start, _length, encoding, rate, channels) =
            (field()?, field()?, field()?, field()?, field()?);
        let channels = usize::try_from(channels).unwrap_or(0);
        let is_whole = magic.to_be_bytes() == *b".snd" && encoding == FLOAT && start >= 24;
        if !is_whole || rate == 0 || !(1..=65_535).contains(&channels) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "expected an AU header of f32"));
        }
        io::copy(&mut from.take(u64::from(start) - 24), &mut io::sink())?;
        Ok(Self { rate, channels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(fields: [u32; 5]) -> Vec<u8> {
        [b".snd".to_vec(), fields.map(u32::to_be_bytes).concat(), b"note1234".to_vec()].concat()
    }

    #[test]
    fn a_header_states_rate_and_channels_and_its_note_is_skipped() {
        let file = header([28, u32::MAX, 6, 384_000, 3]);
        let mut rest = &file[..];
        let header = AuHeader::read(&mut rest).unwrap();
        assert_eq!((header, rest), (AuHeader { rate: 384_000, channels: 3 }, &b"1234"[..]));
    }

    #[test]
    fn other_headers_are_errors() {
        for fields in [[0, 0, 6, 8000, 1], [24, 0, 3, 8000, 1], [24, 0, 6, 0, 1], [24, 0, 6, 1, 0]]
        {
            assert!(AuHeader::read(&mut &header(fields)[..]).is_err(), "{fields:?}");
        }
        assert!(AuHeader::read(&mut &b".snd"[..]).is_err());
    }
}
