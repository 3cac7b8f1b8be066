//! A sparse file of 100 GB.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
};

use wave_demux::{Form, WaveReader};

use crate::files::Wave;

const FRAMES: u64 = 50_000_000_000;

/// The first and last frame are 1, and metadata follows.
fn sparse(data_size: u64, form: Form) -> File {
    let mut file = tempfile::tempfile().unwrap();
    let wave = Wave { data_size: Some(data_size), ..Wave::new(form, &[1]) };
    let start = wave.bytes();
    file.write_all(&start).unwrap();
    let last = u64::try_from(start.len()).unwrap() + 2 * (FRAMES - 2);
    file.seek(SeekFrom::Start(last)).unwrap();
    file.write_all(b"\x01\0guan\x04\0\0\0abcd").unwrap();
    file
}

#[test]
fn a_hundred_gigabytes_and_the_metadata_after_them_are_found() {
    let wrapped = (2 * FRAMES) % (1 << 32);
    for (form, size, findings) in
        [(Form::Rf64, 2 * FRAMES, 0), (Form::Bw64, 0, 1), (Form::Riff, wrapped, 1)]
    {
        let mut reader = WaveReader::new(sparse(size, form)).unwrap();
        assert_eq!(reader.frames(), FRAMES);
        assert_eq!(reader.findings().len(), findings);
        assert_eq!(reader.chunks().last().unwrap().bytes.as_deref(), Some(b"abcd".as_slice()));
        let mut samples = [0.0; 2];
        for (frame, expected) in [(0, [1.0, 0.0]), (FRAMES - 2, [0.0, 1.0])] {
            reader.seek(frame);
            let expected = expected.map(|sample: f32| sample / 32_768.0);
            assert_eq!(reader.read_samples(&mut samples).unwrap(), expected);
        }
        assert!(reader.read_samples(&mut samples).unwrap().is_empty());
    }
}
