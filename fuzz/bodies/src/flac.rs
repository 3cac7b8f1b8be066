//! FLAC files: what lies around their frames.

use std::{io::Cursor, io::Write};

use opus_transcode::{AudioFile, AudioInput, ReadOptions};

const BLOCK: usize = 192;
const RATE: [u8; 2] = 48_000_u16.to_be_bytes();

/// Reads a valid FLAC file with arbitrary bytes after its last frame. They cost no sample before them,
/// whatever STREAMINFO states.
pub fn flac_end(input: &[u8]) {
    let [frames, stated, sizes, rest @ ..] = input else { return };
    let frames = frames % 4 + 1;
    let samples: Vec<i16> = samples(frames);
    let total = if stated % 2 == 0 { 0 } else { samples.len() };
    let sizes = [[192, 192], [0, 192], [0, 0]][usize::from(sizes % 3)];
    let mut file = head(sizes, total, &[]);
    for (number, block) in (0..).zip(samples.chunks(BLOCK)) {
        file.extend(frame(number, block));
    }
    file.extend(rest);
    let mut input = AudioInput::new(Cursor::new(file), 0).unwrap();
    let mut decoded = vec![0.0; samples.len()];
    assert_eq!(input.read_samples(&mut decoded).unwrap().len(), samples.len());
    assert!(decoded.iter().zip(&samples).all(|(found, it)| *found == f32::from(*it) / 32_768.0));
}

/// Reads a valid FLAC file with arbitrary chunks of another one. They lie where the reader says, do
/// not overlap, and cost no sample.
pub fn flac_chunks(input: &[u8]) {
    let mut blocks = Vec::new();
    let mut rest = input;
    while let [kind, len, more @ ..] = rest {
        let (block, more) = more.split_at(usize::from(*len).min(more.len()));
        let application: &[u8] = [&b"riff"[..], b"aiff", b"w64 ", b""][usize::from(kind % 4)];
        blocks.push([application, block].concat());
        rest = more;
    }
    let samples = samples(1);
    let file = [head([192, 192], samples.len(), &blocks), frame(0, &samples)].concat();
    let mut on_disk = tempfile::NamedTempFile::new().unwrap();
    on_disk.write_all(&file).unwrap();
    let mut audio = AudioFile::open(on_disk.path(), &ReadOptions::default()).unwrap();
    let mut decoded = vec![0.0; 2 * BLOCK];
    assert_eq!(audio.read_samples(&mut decoded).unwrap().len(), BLOCK);
    let mut end = 0;
    for chunk in audio.chunks() {
        assert!(chunk.offset >= end, "no byte is in two chunks");
        end = chunk.offset + chunk.len;
        let start = usize::try_from(chunk.offset).unwrap();
        assert!(file[start..].starts_with(&chunk.bytes.unwrap()));
    }
}

/// One frame after the other, no sample 0.
fn samples(frames: u8) -> Vec<i16> {
    (1..=i16::from(frames) * 192).map(|number| number * 31).collect()
}

/// Everything before the frames: mono, 16 bits.
fn head([min, max]: [u16; 2], total: usize, applications: &[Vec<u8>]) -> Vec<u8> {
    let mut head = b"fLaC".to_vec();
    let is_last = |number: usize| u8::from(number == applications.len()) << 7;
    head.extend([is_last(0), 0, 0, 34]);
    head.extend([min.to_be_bytes(), max.to_be_bytes()].concat());
    head.extend([0; 6]);
    // 20 bits of rate, 3 of channels, 5 of depth, 36 of samples.
    let fields = 48_000_u64 << 44 | 15 << 36 | total as u64;
    head.extend(fields.to_be_bytes());
    head.extend([0; 16]);
    for (number, block) in (1..).zip(applications) {
        head.push(2 | is_last(number));
        head.extend(&u32::try_from(block.len()).unwrap().to_be_bytes()[1..]);
        head.extend(block);
    }
    head
}

/// A frame of 192 samples as they are.
fn frame(number: u8, samples: &[i16]) -> Vec<u8> {
    let mut frame = vec![0xff, 0xf8, 0x1d, 0x08, number];
    frame.extend(RATE);
    frame.push(crc(&frame, 0x07, 8) as u8);
    frame.push(1 << 1);
    frame.extend(samples.iter().flat_map(|sample| sample.to_be_bytes()));
    frame.extend((crc(&frame, 0x8005, 16) as u16).to_be_bytes());
    frame
}

fn crc(bytes: &[u8], polynomial: u32, bits: u32) -> u32 {
    let step = |crc: u32| crc << 1 ^ if crc >> (bits - 1) & 1 == 1 { polynomial } else { 0 };
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << (bits - 8), |crc, _| step(crc) & ((1 << bits) - 1))
    })
}
