//! Triggered recordings of AudioMoth.

use std::io::Write;

use opus_transcode::{AudioFile, ReadOptions};

/// Enough for counts of several kinds in a row.
const MAX_SAMPLES: usize = 1 << 17;
/// Samples of a block.
const BLOCK: usize = 256;

/// Reads a triggered recording that the input describes: counts of silent blocks, blocks that resemble
/// one but are not, and other samples. Only counts become silence, as long as they say.
pub fn triggered(input: &[u8]) {
    let (mut stored, mut expected) = (Vec::new(), Vec::new());
    let mut rest = input;
    while let [kind, a, b, more @ ..] = rest
        && expected.len() < MAX_SAMPLES
    {
        rest = more;
        let count = u32::from(*a) << (b % 4);
        let mut block = count_block(count);
        match kind % 3 {
            0 if count > 0 => expected.resize(expected.len() + count as usize * BLOCK, 0),
            0 => expected.extend(&block),
            1 => {
                // Neither 1, 0 nor -1.
                block[usize::from(*a)] = i16::from(*b) + 2;
                expected.extend(&block);
            }
            _ => {
                block = vec![i16::from(*b) + 2; usize::from(*a)];
                expected.extend(&block);
            }
        }
        stored.extend(block);
    }
    if !stored.is_empty() {
        assert!(read(&stored, input.len() % 999 + 1) == expected);
    }
}

/// Reads the samples from a file, `at_a_time` in each call.
fn read(samples: &[i16], at_a_time: usize) -> Vec<i16> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&wav(samples)).unwrap();
    let mut audio = AudioFile::open(file.path(), &ReadOptions::default()).unwrap();
    audio.fill_triggered();
    let (mut all, mut buffer) = (Vec::new(), vec![0.0; at_a_time]);
    loop {
        let read = audio.read_samples(&mut buffer).unwrap();
        all.extend(read.iter().map(|sample| (sample * 32_768.0) as i16));
        if read.len() < at_a_time {
            return all;
        }
    }
}

/// The lowest bit comes first.
fn count_block(count: u32) -> Vec<i16> {
    let mut block: Vec<i16> =
        (0..32).map(|bit| if count >> bit & 1 == 1 { 1 } else { -1 }).collect();
    block.resize(BLOCK, 0);
    block
}

fn wav(samples: &[i16]) -> Vec<u8> {
    let len = u32::try_from(samples.len() * 2).unwrap();
    let mut wav = b"RIFF".to_vec();
    wav.extend((len + 36).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0data");
    wav.extend(len.to_le_bytes());
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    wav
}
