//! What symphonia does not read in WAV files: MPEG audio, and the length of ADPCM.

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

/// What symphonia does not see in a WAV file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wave {
    /// Byte range of MPEG audio.
    pub(crate) mpeg: Option<Range<u64>>,
    /// Number of frames before compression, for ADPCM.
    pub(crate) frames: Option<u64>,
}

/// Reads the chunks up to the samples.
pub(crate) fn look(file: &mut (impl Read + Seek)) -> io::Result<Wave> {
    const LAYERS_1_AND_2: [u8; 2] = [0x50, 0];
    const LAYER_3: [u8; 2] = [0x55, 0];
    const PLAIN: [[u8; 2]; 3] = [[1, 0], [3, 0], [0xfe, 0xff]];
    let mut wave = Wave::default();
    let end = file.seek(SeekFrom::End(0))?;
    let [riff @ .., _, _, _, _, w, a, v, e]: [u8; 12] = bytes(file, 0)?;
    if &riff != b"RIFF" || [w, a, v, e] != *b"WAVE" {
        return Ok(wave);
    }
    let (mut at, mut codec, mut frames) = (12, [0; 2], None);
    // Bounded, since each chunk takes at least 8 bytes and no real file has this many.
    for _ in 0..1000 {
        let [a, b, c, d, size @ ..]: [u8; 8] = bytes(file, at)?;
        let size = u64::from(u32::from_le_bytes(size));
        match &[a, b, c, d] {
            b"fmt " => codec = bytes(file, at + 8)?,
            b"fact" => frames = Some(u64::from(u32::from_le_bytes(bytes(file, at + 8)?))),
            b"data" if codec == LAYERS_1_AND_2 || codec == LAYER_3 => {
                let stated = at + 8 + size;
                let data_end = if size == 0 || stated > end { end } else { stated };
                wave.mpeg = Some(at + 8..data_end);
                break;
            }
            b"data" => {
                wave.frames = frames.filter(|frames| *frames > 0 && !PLAIN.contains(&codec));
                break;
            }
            _ => {}
        }
        at += 8 + size + size % 2;
    }
    Ok(wave)
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
        file.extend_from_slice(b"fact\x04\0\0\0\x07\x01\0\0data");
        file.extend_from_slice(&[size, 0, 0, 0]);
        file.extend_from_slice(b"abcdefgh");
        file
    }

    #[test]
    fn mpeg_audio_is_found_despite_wrong_sizes() {
        let of = |tag, size| look(&mut Cursor::new(wav(tag, size))).unwrap().mpeg;
        assert_eq!(of(0x55, 5), Some(54..59));
        assert_eq!(of(0x50, 0), Some(54..62));
        assert_eq!(of(0x55, 99), Some(54..62));
        assert_eq!(of(1, 5), None);
        assert!(look(&mut Cursor::new(b"RIFF")).is_err());
    }

    #[test]
    fn the_length_of_adpcm_comes_from_the_fact_chunk() {
        let of = |tag| look(&mut Cursor::new(wav(tag, 8))).unwrap().frames;
        assert_eq!((of(0x11), of(2), of(1), of(0x55)), (Some(263), Some(263), None, None));
    }
}
