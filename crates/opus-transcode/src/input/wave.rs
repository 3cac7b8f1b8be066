//! MPEG audio in WAV files, which symphonia reads only without.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

/// Where the MPEG audio of a WAV file stands; none if it holds something else.
pub(crate) fn mpeg_audio(file: &mut (impl Read + Seek)) -> io::Result<Option<Range<u64>>> {
    const LAYERS_1_AND_2: [u8; 2] = [0x50, 0];
    const LAYER_3: [u8; 2] = [0x55, 0];
    let end = file.seek(SeekFrom::End(0))?;
    let [riff @ .., _, _, _, _, w, a, v, e]: [u8; 12] = bytes(file, 0)?;
    if &riff != b"RIFF" || [w, a, v, e] != *b"WAVE" {
        return Ok(None);
    }
    let (mut at, mut is_mpeg) = (12, false);
    // Chunks come to an end: each takes 8 bytes at least, and this many are enough.
    for _ in 0..1000 {
        let [a, b, c, d, size @ ..]: [u8; 8] = bytes(file, at)?;
        let size = u64::from(u32::from_le_bytes(size));
        match &[a, b, c, d] {
            b"fmt " => is_mpeg = [LAYERS_1_AND_2, LAYER_3].contains(&bytes(file, at + 8)?),
            b"data" => {
                let stated = at + 8 + size;
                let data_end = if size == 0 || stated > end { end } else { stated };
                return Ok(is_mpeg.then_some(at + 8..data_end));
            }
            _ => {}
        }
        at += 8 + size + size % 2;
    }
    Ok(None)
}

fn bytes<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn wav(tag: u8, size: u8) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVElist\x01\0\0\0x\0fmt \x04\0\0\0".to_vec();
        file.extend_from_slice(&[tag, 0, 0, 0]);
        file.extend_from_slice(b"data");
        file.extend_from_slice(&[size, 0, 0, 0]);
        file.extend_from_slice(b"abcdefgh");
        file
    }

    #[test]
    fn mpeg_audio_is_found_and_its_size_need_not_be_true() {
        let of = |tag, size| mpeg_audio(&mut Cursor::new(wav(tag, size))).unwrap();
        assert_eq!(of(0x55, 5), Some(42..47));
        assert_eq!(of(0x50, 0), Some(42..50));
        assert_eq!(of(0x55, 99), Some(42..50));
        assert_eq!(of(1, 5), None);
        assert!(mpeg_audio(&mut Cursor::new(b"RIFF")).is_err());
    }
}
