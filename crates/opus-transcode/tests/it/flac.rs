//! FLAC files with tags or junk after the audio, open block sizes, and chunks of a WAVE file.

use std::{fs, path::Path};

use opus_transcode::{AudioFile, AudioInput, Finding, ReadOptions};

use crate::audio::read_all;

/// Three seconds of seeded noise at 16 kHz, made with `flac --keep-foreign-metadata` from a WAVE file
/// with GUANO.
fn flac() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/guano-foreign.flac")).unwrap()
}

/// The file without its stated total.
fn without_total(mut file: Vec<u8>) -> Vec<u8> {
    file[8 + 13] &= 0xf0;
    file[8 + 14..8 + 18].fill(0);
    file
}

fn read(bytes: &[u8]) -> (AudioInput, Vec<f32>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let mut input = AudioInput::open(file.path(), 0).unwrap();
    let samples = read_all(&mut input).unwrap();
    (input, samples)
}

/// Bytes that programs append, and whether they are a tag.
fn tails() -> Vec<(&'static str, Vec<u8>, bool)> {
    let id3v1 = [b"TAG".as_slice(), &[b'x'; 125]].concat();
    let ape = b"APETAGEX\xd0\x07\0\0\x20\0\0\0\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\0\0".to_vec();
    let big = [b"APETAGEX".as_slice(), &[0xff; 3_000_000]].concat();
    let junk: Vec<u8> =
        (0..100_000_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    vec![
        ("zeros", vec![0; 5000], true),
        ("ID3v1", id3v1.clone(), true),
        ("APE and ID3v1", [ape.clone(), id3v1.clone()].concat(), true),
        ("APE", ape, true),
        ("zeros and ID3v1", [vec![0; 77], id3v1].concat(), true),
        ("large APE", big, true),
        ("one byte", vec![7], false),
        ("text", b"the end\n".to_vec(), false),
        ("sync codes", [0xff, 0xf8].repeat(50_000), false),
        ("junk", junk, false),
    ]
}

#[test]
fn bytes_after_the_last_frame_lose_nothing() {
    let whole = flac();
    let (_, expected) = read(&whole);
    for file in [whole.clone(), without_total(whole)] {
        for (name, tail, is_tag) in tails() {
            let (input, samples) = read(&[file.clone(), tail.clone()].concat());
            assert_eq!(samples.len(), expected.len(), "{name}: {:?}", input.findings());
            assert_eq!(samples, expected, "{name}");
            let bytes = u64::try_from(tail.len()).unwrap();
            let findings = if is_tag { vec![] } else { vec![Finding::Trailing { bytes }] };
            assert_eq!(input.findings(), findings, "{name}");
        }
    }
}

#[test]
fn a_file_that_was_cut_off_still_says_so() {
    let whole = flac();
    for cut in [1, 100, 3000] {
        let (input, samples) = read(&whole[..whole.len() - cut]);
        assert!(!samples.is_empty());
        assert!(!input.findings().is_empty(), "{cut}");
    }
}

#[test]
fn block_sizes_that_streaminfo_leaves_open_come_from_the_frames() {
    let whole = flac();
    let (_, expected) = read(&whole);
    for sizes in [[0, 0, 0x10, 0], [0, 0, 0, 0], [0, 15, 0x10, 0], [0x20, 0, 0x10, 0]] {
        let mut file = whole.clone();
        file[8..12].copy_from_slice(&sizes);
        let (input, samples) = read(&file);
        assert_eq!(samples, expected, "{sizes:?}");
        assert_eq!(input.findings(), [], "{sizes:?}");
    }
}

#[test]
fn chunks_of_the_original_are_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let file = AudioFile::open(folder.join("guano-foreign.flac"), &ReadOptions::default()).unwrap();
    let chunks = file.chunks();
    assert_eq!(chunks.len(), 1);
    let bytes = chunks[0].bytes.as_deref().unwrap();
    assert_eq!((&*chunks[0].id, bytes.len()), ("guan", 162));
    let at = usize::try_from(chunks[0].offset).unwrap();
    assert_eq!(&flac()[at..at + 162], bytes);
}
