//! AIFF and AIFF-C files come back as written, whatever their sizes claim.

use proptest::{collection::vec, prelude::*, sample::Index, sample::select};
use wave_demux::{ByteOrder, Encoding, ErrorKind, FindingKind, Form, is_wave};

use crate::files::{chunks, kept, named, read, read_flipped, read_in, sample};

/// The parts of a file; `bytes` writes it.
#[derive(Clone)]
struct Aiff {
    /// `None` writes AIFF, which lacks the field.
    compression: Option<[u8; 4]>,
    bits: u16,
    channels: u16,
    frames: u32,
    data: Vec<u8>,
    /// `None` writes the true size.
    size: Option<u32>,
    offset: u32,
    before: Vec<([u8; 4], Vec<u8>)>,
    after: Vec<([u8; 4], Vec<u8>)>,
}

impl Aiff {
    /// Mono, 16 bits.
    fn new(samples: &[i16]) -> Self {
        Self {
            compression: None,
            bits: 16,
            channels: 1,
            frames: u32::try_from(samples.len()).unwrap(),
            data: samples.iter().flat_map(|sample| sample.to_be_bytes()).collect(),
            size: None,
            offset: 0,
            before: vec![],
            after: vec![],
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut file = b"FORM\0\0\0\0AIFF".to_vec();
        let mut common = self.channels.to_be_bytes().to_vec();
        common.extend_from_slice(&self.frames.to_be_bytes());
        common.extend_from_slice(&self.bits.to_be_bytes());
        common.extend_from_slice(b"\x40\x0e\xbb\x80\0\0\0\0\0\0");
        if let Some(compression) = self.compression {
            file[11] = b'C';
            common.extend_from_slice(&compression);
            common.extend_from_slice(b"\x05words");
        }
        for (id, contents) in &self.before {
            push(&mut file, *id, contents, None);
        }
        push(&mut file, *b"COMM", &common, None);
        let fields = [self.offset, 512].map(u32::to_be_bytes);
        let room = vec![7; usize::try_from(self.offset).unwrap()];
        push(&mut file, *b"SSND", &[fields.as_flattened(), &room, &self.data].concat(), self.size);
        for (id, contents) in &self.after {
            push(&mut file, *id, contents, None);
        }
        file
    }
}

fn push(file: &mut Vec<u8>, id: [u8; 4], contents: &[u8], size: Option<u32>) {
    file.extend_from_slice(&id);
    let size = size.unwrap_or(u32::try_from(contents.len()).unwrap());
    file.extend_from_slice(&size.to_be_bytes());
    file.extend_from_slice(contents);
    file.resize(file.len().next_multiple_of(2), 0);
}

/// The meaning of each compression name.
const COMPRESSIONS: [(&[u8; 4], u16, Encoding, ByteOrder); 17] = [
    (b"NONE", 8, Encoding::I8, ByteOrder::Big),
    (b"NONE", 16, Encoding::I16, ByteOrder::Big),
    (b"NONE", 24, Encoding::I24, ByteOrder::Big),
    (b"twos", 32, Encoding::I32, ByteOrder::Big),
    (b"NONE", 64, Encoding::I64, ByteOrder::Big),
    (b"sowt", 16, Encoding::I16, ByteOrder::Little),
    (b"sowt", 24, Encoding::I24, ByteOrder::Little),
    (b"raw ", 8, Encoding::U8, ByteOrder::Big),
    (b"in24", 24, Encoding::I24, ByteOrder::Big),
    (b"in32", 32, Encoding::I32, ByteOrder::Big),
    (b"fl32", 32, Encoding::F32, ByteOrder::Big),
    (b"FL32", 32, Encoding::F32, ByteOrder::Big),
    (b"fl64", 64, Encoding::F64, ByteOrder::Big),
    (b"FL64", 64, Encoding::F64, ByteOrder::Big),
    // Some programs state the bits before compression.
    (b"alaw", 16, Encoding::ALaw, ByteOrder::Big),
    (b"ULAW", 8, Encoding::MuLaw, ByteOrder::Big),
    (b"ulaw", 16, Encoding::MuLaw, ByteOrder::Big),
];

const IDS: [&[u8; 4]; 6] = [b"NAME", b"AUTH", b"(c) ", b"ANNO", b"COMT", b"ID3 "];

proptest! {
    #[test]
    fn samples_and_chunks_come_back(
        which in select(COMPRESSIONS.to_vec()), channels in 1u16..9, offset in 0u32..9,
        raw in vec(any::<i64>(), 0..400), before in chunks(IDS), after in chunks(IDS), piece in 1usize..300,
    ) {
        let (compression, bits, encoding, byte_order) = which;
        let raw = &raw[..raw.len() / usize::from(channels) * usize::from(channels)];
        let all = raw.iter().map(|raw| sample(encoding, byte_order, *raw));
        let (data, samples): (Vec<_>, Vec<_>) = all.unzip();
        let frames = u32::try_from(raw.len() / usize::from(channels)).unwrap();
        let aiff = Aiff {
            compression: Some(*compression), bits, channels, frames, data: data.concat(),
            offset: offset * 2, before, after, ..Aiff::new(&[])
        };
        let file = aiff.bytes();
        let reading = read_in(&file, piece).unwrap();
        prop_assert!(is_wave(&file));
        prop_assert_eq!(&reading.samples, &samples);
        prop_assert_eq!((reading.format.form, reading.format.encoding), (Form::Aifc, encoding));
        prop_assert_eq!((reading.format.channels, reading.format.rate), (channels, 48_000));
        prop_assert_eq!(reading.format.byte_order, byte_order);
        prop_assert_eq!(kept(&reading, &[b"COMM"]), named([&aiff.before[..], &aiff.after].concat()));
        prop_assert_eq!(reading.findings, []);
    }

    #[test]
    fn flipped_bits_do_not_panic(after in chunks(IDS), flips in vec((any::<Index>(), 0u8..8), 1..4)) {
        read_flipped(Aiff { after, ..Aiff::new(&[1, 2, 3, 4, 5]) }.bytes(), flips);
    }

    #[test]
    fn a_file_cut_anywhere_keeps_the_samples_before_the_cut(len in 0usize..1000) {
        let samples: Vec<i16> = (0..500).collect();
        let file = Aiff::new(&samples).bytes();
        let start = file.len() - 1000;
        let reading = read(&file[..start + len]).unwrap();
        let expected: Vec<_> = samples[..len / 2].iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
        prop_assert_eq!(reading.samples, expected);
        let found = u64::try_from(len).unwrap();
        prop_assert_eq!(&reading.findings[0], &FindingKind::DataBeyondEnd { claimed: 1000, found });
        prop_assert_eq!(
            reading.findings.last(),
            Some(&FindingKind::FrameCount { claimed: 500, found: found / 2 })
        );
    }
}

/// 0 and all bits set mean unknown; 8 means no samples, which recorders write first.
#[test]
fn samples_of_unknown_size_extend_to_the_end() {
    let name = (*b"NAME", b"of the wind".to_vec());
    for size in [0, 7, 8, u32::MAX] {
        for after in [vec![], vec![name.clone()]] {
            let mut aiff = Aiff::new(&[0x4000, -0x8000, 5]);
            (aiff.frames, aiff.size, aiff.after) = (0, Some(size), after);
            let reading = read(&aiff.bytes()).unwrap();
            assert_eq!(reading.samples, [0.5, -1.0, 5.0 / 32_768.0], "{size}");
            assert_eq!(reading.chunks.len(), 1 + aiff.after.len());
            let expected = [
                FindingKind::DataSizeUnknown { found: 6 },
                FindingKind::FrameCount { claimed: 0, found: 3 },
            ];
            assert_eq!(reading.findings, expected);
        }
    }
    let reading = read(&Aiff { size: Some(10), ..Aiff::new(&[1, 2, 3]) }.bytes()).unwrap();
    assert_eq!(reading.findings, [FindingKind::DataSizeTooSmall { claimed: 2, found: 6 }]);
}

#[test]
fn an_empty_file_has_no_samples() {
    for after in [vec![], vec![(*b"ID3 ", vec![])]] {
        let reading = read(&Aiff { after, ..Aiff::new(&[]) }.bytes()).unwrap();
        assert_eq!((reading.samples, reading.findings), (vec![], vec![]));
    }
}

#[test]
fn an_offset_beyond_the_chunk_is_ignored() {
    let mut file = Aiff::new(&[0x4000, 2]).bytes();
    let at = file.len() - 12;
    file[at + 3] = 5;
    let reading = read(&file).unwrap();
    assert_eq!(reading.samples, [0.5, 2.0 / 32_768.0]);
    assert_eq!(reading.findings, [FindingKind::SamplesOffset { claimed: 5 }]);
    file[at + 3] = 4;
    assert_eq!(read(&file).unwrap().samples, []);
}

#[test]
fn fewer_bits_occupy_the_upper_ones() {
    let reading = read(&Aiff { bits: 12, ..Aiff::new(&[0x4000, -0x8000]) }.bytes()).unwrap();
    assert_eq!((reading.samples, reading.format.valid_bits), (vec![0.5, -1.0], 12));
    assert_eq!((reading.format.form, reading.format.encoding), (Form::Aiff, Encoding::I16));
}

#[test]
fn other_compressions_and_files_without_audio_are_errors() {
    let of = |aiff: &Aiff| read(&aiff.bytes()).unwrap_err();
    let malformed = ErrorKind::Malformed;
    for (compression, bits) in [(*b"ima4", 16), (*b"NONE", 0), (*b"NONE", 65), (*b"raw ", 16)] {
        let error = of(&Aiff { compression: Some(compression), bits, ..Aiff::new(&[1]) });
        let found = format!("found compression \"{}\" of {bits} bits", compression.escape_ascii());
        assert!(error.to_string().ends_with(&found), "{error}");
        assert_eq!(error.kind(), ErrorKind::UnsupportedEncoding);
    }
    let error = of(&Aiff { channels: 0, ..Aiff::new(&[1]) });
    assert!(error.to_string().ends_with("found 0 channels at 48000 Hz"), "{error}");
    assert_eq!(error.kind(), malformed);
    let file = Aiff::new(&[1]).bytes();
    let error = read(&file[..12 + 8 + 17]).unwrap_err();
    assert!(error.to_string().contains("expected a \"SSND\" chunk, found the end"), "{error}");
    assert_eq!(error.kind(), malformed);
    let mut file = file[..12].to_vec();
    push(&mut file, *b"COMM", &[0; 17], None);
    push(&mut file, *b"SSND", &[0; 8], None);
    let error = read(&file).unwrap_err();
    assert!(
        error.to_string().ends_with("\"COMM\" chunk of at least 18 bytes, found 17"),
        "{error}"
    );
    assert_eq!(error.kind(), malformed);
    push(&mut file, *b"COMM", &[0; 18], None);
    let two = Aiff { before: vec![(*b"SSND", vec![0; 10])], ..Aiff::new(&[1]) };
    assert_eq!(of(&two).kind(), ErrorKind::UnsupportedLayout);
}
