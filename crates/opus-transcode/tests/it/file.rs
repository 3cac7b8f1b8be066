//! The choice of the reader for a file, and its metadata.

use std::{fs, path::Path};

use opus_encode::check_source;
use opus_transcode::{AudioFile, ErrorKind, ReadOptions};

fn read(path: &Path) -> (AudioFile, Vec<f32>) {
    let mut file = AudioFile::open(path, &ReadOptions::default()).unwrap();
    let (mut all, mut buffer) = (Vec::new(), vec![0.0; 1000 * file.channels()]);
    loop {
        let samples = file.read_samples(&mut buffer).unwrap();
        if samples.is_empty() {
            return (file, all);
        }
        all.extend_from_slice(samples);
    }
}

#[test]
fn aiff_is_read_like_wave_with_its_texts_as_tags() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/wave");
    let (_, whole) = read(&folder.join("whole.wav"));
    let mut bytes = fs::read(folder.join("pipe.aiff")).unwrap();
    bytes.extend_from_slice(b"NAME\0\0\0\x03Fen\0ID3 \0\0\0\0");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let (file, samples) = read(file.path());
    assert_eq!(samples, whole);
    let format = file.format();
    assert_eq!((&*format.container, &*format.codec, format.rate), ("aiff", "pcm_s16be", 16_000));
    let chunks: Vec<_> = file.chunks().into_iter().map(|chunk| chunk.id).collect();
    assert_eq!(chunks, ["NAME", "ID3 "]);
    assert_eq!((&*file.tags()[0].name, &*file.tags()[0].value), ("TITLE", "Fen"));
    assert_eq!(file.findings().len(), 2);
}

#[test]
fn an_id3_chunk_of_wave_becomes_tags() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/wave");
    let mut bytes = fs::read(folder.join("whole.wav")).unwrap();
    bytes.extend_from_slice(b"id3 \x18\0\0\0ID3\x03\0\0\0\0\0\x0eTIT2\0\0\0\x04\0\0\0Fen");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let (file, samples) = read(file.path());
    assert_eq!((samples.len(), file.tags().len(), &*file.tags()[0].value), (800, 1, "Fen"));
}

#[test]
fn a_compression_that_nobody_reads_is_named() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/wave");
    let mut bytes = fs::read(folder.join("cut-off.aifc")).unwrap();
    let at = bytes.windows(4).position(|four| four == b"sowt").unwrap();
    bytes[at..at + 4].copy_from_slice(b"MAC3");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let error = AudioFile::open(file.path(), &ReadOptions::default()).err().unwrap();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Unsupported, Some(32)));
    assert!(error.to_string().contains("compression \"MAC3\""), "{error}");
    assert!(error.may_be_known_to_ffmpeg());
}

#[test]
fn files_keep_the_contract_of_a_source() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/wave");
    for name in ["whole.wav", "extensible.wav", "cut-off.aifc", "a-law.wav"] {
        let path = folder.join(name);
        check_source(|| AudioFile::open(&path, &ReadOptions::default()).unwrap()).unwrap();
    }
}
