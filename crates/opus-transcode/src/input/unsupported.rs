//! Names formats that nothing here decodes, so that no reader mistakes them for another.

use std::io::{Read, Seek, SeekFrom};

use super::id3;
use crate::{Error, error::Reason};

/// Rejects a file that begins with a format which only other programs read, perhaps after ID3 tags.
pub(super) fn reject(file: &mut (impl Read + Seek)) -> Result<(), Error> {
    let at = id3::end(file)?;
    file.seek(SeekFrom::Start(at))?;
    let mut start = Vec::new();
    file.take(HEAD_LEN).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    of(&start).map_or(Ok(()), |reason| Err(reason.into()))
}

/// Formats that ffmpeg reads, by the bytes at a position. An Ogg page with one packet has a header of
/// 28 bytes.
const OF_FFMPEG: [(usize, &[u8], &str); 23] = [
    (0, b"nut/multimedia container", "NUT"),
    (0, b"\x0b\x77", "AC-3 or E-AC-3"),
    (0, b"\x77\x0b", "AC-3"),
    (0, b"\x7f\xfe\x80\x01", "DTS"),
    (0, b"\xfe\x7f\x01\x80", "DTS"),
    (0, b"\x1f\xff\xe8\0", "DTS"),
    (0, b"\xff\x1f\0\xe8", "DTS"),
    (0, b"\0\0\x01\xba", "an MPEG program stream"),
    (28, b"Speex   ", "Speex in Ogg"),
    (0, b"wvpk", "WavPack"),
    (0, b"TTA1", "TTA"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"MPCK", "Musepack"),
    (0, b"MP+", "Musepack"),
    (0, b"tBaK", "TAK"),
    (0, b"ajkg", "Shorten"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media (ASF)"),
    (0, b".RMF", "RealMedia"),
    (0, b"#!AMR", "AMR"),
    (0, b"DSD ", "DSD"),
    (0, b"FRM8", "DSD"),
    (8, b"AVI ", "AVI"),
    (0, b"Creative Voice File\x1a", "Creative Voice (VOC)"),
];

fn of(start: &[u8]) -> Option<Reason> {
    let is_at =
        |at: usize, magic: &[u8]| start.get(at..).is_some_and(|rest| rest.starts_with(magic));
    let known = OF_FFMPEG.iter().find(|(at, magic, _)| is_at(*at, magic));
    let known = known.map(|(_, _, name)| *name);
    let known = known.or_else(|| is_transport_stream(start).then_some("an MPEG transport stream"));
    let private = |name, tool| Some(Reason::Private { name, tool });
    match known {
        Some(name) => Some(Reason::Foreign { name }),
        None if is_at(0, b"WAac") => private("Wildlife Acoustics WAC", "Kaleidoscope or wac2wav"),
        None if is_sud(start) => private("SoundTrap SUD", "SoundTrap Host or PAMGuard"),
        None => None,
    }
}

/// Whether each of the first packets of 188 bytes, or of 192 after a time stamp, has its sync byte.
fn is_transport_stream(start: &[u8]) -> bool {
    let start = start.get(..start.len().min(5 * 192)).unwrap_or_default();
    [(0, 188), (4, 192)].into_iter().any(|(first, len)| {
        let mut packets = start.get(first..).unwrap_or_default().chunks_exact(len);
        packets.len() >= 3 && packets.all(|packet| packet.first() == Some(&0x47))
    })
}

/// Whether the chunks of SUD follow a header of 30 bytes. Each has 20 bytes before its data, which begin
/// with a number and, after another field, state the length.
fn is_sud(start: &[u8]) -> bool {
    [u16::from_le_bytes, u16::from_be_bytes].into_iter().any(|read| {
        let word = |at: usize| Some(read(*start.get(at..)?.first_chunk()?));
        let is_chunk = |at: usize| word(at) == Some(0xa952);
        let next = word(34).map_or(usize::MAX, |len| 50 + usize::from(len));
        is_chunk(30) && is_chunk(next)
    })
}

/// Holds the first chunk of SUD.
const HEAD_LEN: u64 = 128 << 10;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn name(start: &[u8]) -> Option<&'static str> {
        match of(start)? {
            Reason::Foreign { name } | Reason::Private { name, .. } => Some(name),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn formats_are_named_by_their_first_bytes() {
        let ts = |before: usize, len: usize| {
            let mut packet = vec![0; len];
            packet[before] = 0x47;
            packet.repeat(4)
        };
        assert_eq!(name(b"\x0b\x77\xb8\x1d"), Some("AC-3 or E-AC-3"));
        assert_eq!(name(b"nut/multimedia container\0"), Some("NUT"));
        assert_eq!(name(&[&[b'O'; 28][..], b"Speex   1.2"].concat()), Some("Speex in Ogg"));
        assert_eq!(name(&ts(0, 188)), Some("an MPEG transport stream"));
        assert_eq!(name(&ts(4, 192)), Some("an MPEG transport stream"));
        assert_eq!(name(b"WAac\x01\x01"), Some("Wildlife Acoustics WAC"));
        let sud = [&[1; 30][..], b"\x52\xa9\0\0\x03\0", &[0; 14], b"<x>\x52\xa9"].concat();
        assert_eq!(name(&sud), Some("SoundTrap SUD"));
        assert_eq!(name(&sud[..54]), None);
        for other in [&b""[..], b"OggS", b"RIFF\0\0\0\0WAVEfmt ", b"G", &[0x47; 200]] {
            assert_eq!(name(other), None, "{other:?}");
        }
    }

    #[test]
    fn tags_before_the_file_do_not_hide_the_format() {
        let tag = b"ID3\x03\0\0\0\0\0\x02xy";
        for tags in 0..3 {
            let file = [tag.repeat(tags), b"wvpk".to_vec()].concat();
            let error = reject(&mut Cursor::new(file)).unwrap_err();
            assert_eq!(error.to_string(), "cannot decode WavPack; use ffmpeg");
            assert!(error.may_be_known_to_ffmpeg());
        }
        let error = reject(&mut Cursor::new(b"WAac")).unwrap_err();
        assert!(!error.may_be_known_to_ffmpeg());
        assert!(error.to_string().ends_with("to WAV with Kaleidoscope or wac2wav"), "{error}");
    }
}
