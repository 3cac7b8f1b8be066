//! Names formats that nothing here decodes, so that no reader mistakes them for another.

use std::io::{Read, Seek, SeekFrom};

use crate::{Error, error::Reason};

/// Rejects a file that begins with a format which only ffmpeg reads.
pub(super) fn reject(file: &mut (impl Read + Seek)) -> Result<(), Error> {
    file.seek(SeekFrom::Start(0))?;
    let mut start = Vec::new();
    file.take(HEAD_LEN).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    of(&start).map_or(Ok(()), |name| Err(Reason::Foreign { name }.into()))
}

fn of(start: &[u8]) -> Option<&'static str> {
    // An Ogg page with one packet has a header of 28 bytes.
    let known: [(usize, &[u8], &str); 4] = [
        (0, b"nut/multimedia container", "NUT"),
        (0, b"\x0b\x77", "AC-3 or E-AC-3"),
        (0, b"\x00\x00\x01\xba", "an MPEG program stream"),
        (28, b"Speex   ", "Speex in Ogg"),
    ];
    let is_at =
        |at: usize, magic: &[u8]| start.get(at..).is_some_and(|rest| rest.starts_with(magic));
    let of_table = known.iter().find(|(at, magic, _)| is_at(*at, magic)).map(|(_, _, name)| *name);
    of_table.or_else(|| is_transport_stream(start).then_some("an MPEG transport stream"))
}

/// Whether each of the first packets of 188 bytes, or of 192 after a time stamp, has its sync byte.
fn is_transport_stream(start: &[u8]) -> bool {
    [(0, 188), (4, 192)].into_iter().any(|(first, len)| {
        let mut packets = start.get(first..).unwrap_or_default().chunks_exact(len);
        packets.len() >= 3 && packets.all(|packet| packet.first() == Some(&0x47))
    })
}

const HEAD_LEN: u64 = 192 * 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_named_by_their_first_bytes() {
        let ts = |before: usize, len: usize| {
            let mut packet = vec![0; len];
            packet[before] = 0x47;
            packet.repeat(4)
        };
        assert_eq!(of(b"\x0b\x77\xb8\x1d"), Some("AC-3 or E-AC-3"));
        assert_eq!(of(b"nut/multimedia container\0"), Some("NUT"));
        assert_eq!(of(&[&[b'O'; 28][..], b"Speex   1.2"].concat()), Some("Speex in Ogg"));
        assert_eq!(of(&ts(0, 188)), Some("an MPEG transport stream"));
        assert_eq!(of(&ts(4, 192)), Some("an MPEG transport stream"));
        for other in [&b""[..], b"OggS", b"RIFF\0\0\0\0WAVEfmt ", b"G", &[0x47; 200]] {
            assert_eq!(of(other), None, "{other:?}");
        }
    }
}
