//! WAVE files come back as written, and arbitrary bytes do not panic.

use proptest::{collection::vec, prelude::*, sample::Index, sample::select};
use wave_demux::{ByteOrder, Encoding, ErrorKind, FindingKind, Form, is_wave};

use crate::files::{
    ENCODINGS, FORMS, Wave, chunks, kept, named, read, read_flipped, read_in, sample,
};

const IDS: [&[u8; 4]; 6] = [b"LIST", b"bext", b"guan", b"iXML", b"id3 ", b"cue "];

proptest! {
    #[test]
    fn samples_and_chunks_come_back(
        form in select(FORMS.to_vec()), which in select(ENCODINGS.to_vec()), channels in 1u16..9,
        raw in vec(any::<i64>(), 0..400), before in chunks(IDS), after in chunks(IDS), mask: Option<u32>,
        has_padding: bool, has_data_first: bool, piece in 1usize..300,
    ) {
        let (encoding, tag, bits) = which;
        let raw = &raw[..raw.len() / usize::from(channels) * usize::from(channels)];
        let all = raw.iter().map(|raw| sample(encoding, ByteOrder::Little, *raw));
        let (data, samples): (Vec<_>, Vec<_>) = all.unzip();
        let mut wave = Wave { tag, bits, channels, before, after, ..Wave::new(form, &[]) };
        (wave.data, wave.extension) = (data.concat(), mask.map(|mask| (bits, mask)));
        (wave.has_padding, wave.has_data_first) = (has_padding, has_data_first);
        let file = wave.bytes();
        let reading = read_in(&file, piece).unwrap();
        prop_assert!(is_wave(&file));
        prop_assert_eq!(&reading.samples, &samples);
        prop_assert_eq!((reading.format.form, reading.format.encoding), (form, encoding));
        prop_assert_eq!((reading.format.channels, reading.format.rate), (channels, 48_000));
        prop_assert_eq!((reading.format.channel_mask, reading.format.valid_bits), (mask, bits));
        let written = [&wave.before[..], &wave.after].concat();
        prop_assert_eq!(kept(&reading, &[b"fmt ", b"ds64"]), named(written));
        let is_expected = |kind: &FindingKind| {
            !has_padding && matches!(kind, FindingKind::NoPadding { .. })
        };
        prop_assert!(reading.findings.iter().all(is_expected), "{:?}", reading.findings);
    }

    #[test]
    fn flipped_bits_do_not_panic(form in select(FORMS.to_vec()), after in chunks(IDS),
                                 flips in vec((any::<Index>(), 0u8..8), 1..4)) {
        read_flipped(Wave { after, ..Wave::new(form, &[1, 2, 3, 4, 5]) }.bytes(), flips);
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(form in select(FORMS.to_vec()), bytes: Vec<u8>, size: Option<u32>) {
        let _ = read(&bytes);
        let mut wave = Wave::new(form, &[]);
        (wave.data, wave.data_size) = (bytes, size.map(u64::from));
        let mut file = wave.bytes();
        read(&file).unwrap();
        file.drain(wave.header_len()..wave.header_len() + 4);
        let _ = read(&file);
    }
}

#[test]
fn fewer_valid_bits_do_not_change_the_scale() {
    let mut wave = Wave { bits: 32, extension: Some((24, 4)), ..Wave::new(Form::Riff, &[]) };
    wave.data = [0x4000_0000i32, i32::MIN].map(i32::to_le_bytes).concat();
    let reading = read(&wave.bytes()).unwrap();
    assert_eq!((reading.format.encoding, reading.format.valid_bits), (Encoding::I32, 24));
    assert_eq!(reading.samples, [0.5, -1.0]);
    // 12 bits occupy the upper ones of 16.
    let mut wave = Wave { bits: 12, ..Wave::new(Form::Riff, &[0x4000, -0x8000]) };
    assert_eq!(read(&wave.bytes()).unwrap().samples, [0.5, -1.0]);
    // 24 bits in 32 with a matching byte rate occupy the lower ones, as hound reads them.
    (wave.bits, wave.block_align) = (24, Some(4));
    wave.data = [0x40_0000i32, -0x80_0000].map(i32::to_le_bytes).concat();
    let reading = read(&wave.bytes()).unwrap();
    assert_eq!((reading.samples, reading.format.block_align), (vec![0.5, -1.0], 4));
    assert!(matches!(reading.findings[..], [FindingKind::BlockAlign { used: 4, .. }]));
}

#[test]
fn a_nonsensical_block_align_is_ignored() {
    for claimed in [0, 1, 5, 6] {
        let mut wave = Wave { channels: 2, ..Wave::new(Form::Riff, &[1, 2, 3, 4]) };
        wave.block_align = Some(claimed);
        let mut file = wave.bytes();
        // The byte rate does not match either.
        file[28] ^= 1;
        let reading = read(&file).unwrap();
        assert_eq!(reading.samples.len(), 4);
        assert!(matches!(reading.findings[..], [FindingKind::BlockAlign { used: 4, .. }]));
    }
}

#[test]
fn a_sample_has_at_most_eight_bytes() {
    let wave = Wave { block_align: Some(16), ..Wave::new(Form::Riff, &[1; 8]) };
    let reading = read(&wave.bytes()).unwrap();
    assert_eq!(reading.samples.len(), 8);
    assert!(matches!(reading.findings[..], [FindingKind::BlockAlign { used: 2, .. }]));
}

/// As written by the AFsp and ambisonics tools.
#[test]
fn unusual_extensible_formats_are_read() {
    let wave = Wave { extension: Some((16, 0)), ..Wave::new(Form::Riff, &[1, 2]) };
    let mut file = wave.bytes();
    file[34..36].fill(0);
    assert_eq!(read(&file).unwrap().format.encoding, Encoding::I16);
    let mut file = wave.bytes();
    file[46..60].copy_from_slice(b"\0\0\x21\x07\xd3\x11\x86\x44\xc8\xc1\xca\0\0\0");
    assert_eq!(read(&file).unwrap().samples.len(), 2);
    file[59] = 1;
    let error = read(&file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedEncoding);
    assert!(error.to_string().contains("(format tag 0xfffe, GUID 01000000"), "{error}");
    // Without the extension.
    let mut file = Wave { tag: 0xfffe, ..Wave::new(Form::Riff, &[1, 2]) }.bytes();
    let reading = read(&file).unwrap();
    assert_eq!(reading.findings, [FindingKind::NoExtension { bits: 16 }]);
    file[34] = 65;
    assert!(read(&file).is_err());
}

#[test]
fn seeking_finds_the_same_samples() {
    let samples: Vec<i16> = (0..30_000).collect();
    let file = Wave { channels: 3, ..Wave::new(Form::Riff, &samples) }.bytes();
    let all = read(&file).unwrap().samples;
    let mut reader = wave_demux::WaveReader::new(std::io::Cursor::new(&file)).unwrap();
    let mut three = [0.0; 9];
    for (frame, expected) in [(9_998, 2), (0, 3), (5_000, 3), (10_000, 0), (u64::MAX, 0)] {
        reader.seek(frame);
        let at = usize::try_from(frame.min(10_000)).unwrap() * 3;
        assert_eq!(reader.read_samples(&mut three).unwrap(), &all[at..at + 3 * expected]);
    }
}
