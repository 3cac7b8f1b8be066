//! WAVE and AIFF files.

use std::io::Cursor;

use wave_demux::{Error, ErrorKind, FindingKind, WaveReader, is_wave};

/// Reads arbitrary bytes as a WAVE or AIFF file. Reading in pieces and in one go returns the same
/// samples, as many as stated, from bytes that exist.
pub fn wave(file: &[u8]) {
    match read(file) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotWave => assert!(!is_wave(file)),
        Err(error) if error.kind() == ErrorKind::Io => panic!("memory can be read"),
        Err(error) => assert_eq!(error.to_string().lines().count(), 1),
    }
}

fn read(file: &[u8]) -> Result<(), Error> {
    let mut reader = WaveReader::new(Cursor::new(file))?;
    let format = reader.format();
    let channels = usize::from(format.channels);
    let data = reader.data();
    assert!(data.start <= data.end && data.end <= len(file));
    assert_eq!(reader.frames(), (data.end - data.start) / u64::from(format.block_align));
    check_chunks(file, &reader);
    let frames = usize::try_from(reader.frames()).unwrap();
    let mut all = vec![0.0; frames * channels];
    assert_eq!(reader.read_samples(&mut all)?.len(), frames * channels);
    let mut piece = vec![0.0; 7 * channels];
    reader.seek(0);
    for expected in all.chunks(piece.len()) {
        let read = reader.read_samples(&mut piece)?;
        assert_eq!(read.len(), expected.len());
        // Also compares NaN.
        assert!(read.iter().zip(expected).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
    assert!(reader.read_samples(&mut piece)?.is_empty());
    Ok(())
}

fn check_chunks(file: &[u8], reader: &WaveReader<Cursor<&[u8]>>) {
    let mut before = 0;
    for chunk in reader.chunks() {
        assert!(chunk.offset >= before, "no byte is in two chunks");
        before = chunk.offset + chunk.len;
        assert!(before <= len(file));
        assert!(before <= reader.data().start || chunk.offset >= reader.data().end);
        if let Some(bytes) = &chunk.bytes {
            assert!(file[usize::try_from(chunk.offset).unwrap()..].starts_with(bytes));
            assert_eq!(len(bytes), chunk.len);
        }
    }
    assert!(reader.findings().len() <= 1001);
    for finding in reader.findings() {
        assert_eq!(finding.to_string().lines().count(), 1);
        if let FindingKind::NotAChunk { bytes } = finding.kind {
            assert_eq!(finding.offset + bytes, len(file));
        }
    }
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}
