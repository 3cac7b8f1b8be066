//! WAVE files.

/// Makes a WAVE file of interleaved samples of 16 bits.
pub fn wave(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
    let data = u32::try_from(2 * samples.len()).unwrap();
    let mut file = Vec::from(*b"RIFF");
    file.extend((data + 36).to_le_bytes());
    file.extend(*b"WAVEfmt \x10\0\0\0\x01\0");
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * 2 * u32::from(channels)).to_le_bytes());
    file.extend((2 * channels).to_le_bytes());
    file.extend(*b"\x10\0data");
    file.extend(data.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}
