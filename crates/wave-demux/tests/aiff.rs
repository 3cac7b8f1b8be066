//! AIFF and AIFF-C: what is written comes back, whatever the sizes say.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may panic, and says what a sample is in other words"
)]

mod common;

use common::{read, read_in};
use proptest::{collection::vec, prelude::*, sample::Index, sample::select};
use wave_demux::{ByteOrder, ChunkId, Encoding, Error, FindingKind, Form, is_wave};

/// What a file is made of; `bytes` writes it.
#[derive(Clone)]
struct Aiff {
    /// None: AIFF, which has no such field.
    compression: Option<[u8; 4]>,
    bits: u16,
    channels: u16,
    frames: u32,
    data: Vec<u8>,
    /// None: the truth.
    size: Option<u32>,
    offset: u32,
    before: Vec<([u8; 4], Vec<u8>)>,
    behind: Vec<([u8; 4], Vec<u8>)>,
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
            behind: vec![],
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
        for (id, contents) in &self.behind {
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

/// What the names stand for.
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
    // Some say of them how many bits there were before.
    (b"alaw", 16, Encoding::ALaw, ByteOrder::Big),
    (b"ULAW", 8, Encoding::MuLaw, ByteOrder::Big),
    (b"ulaw", 16, Encoding::MuLaw, ByteOrder::Big),
];

/// The bytes of a sample, and what it is.
fn sample(encoding: Encoding, byte_order: ByteOrder, raw: i64) -> (Vec<u8>, f32) {
    let bits = 8 * u32::from(encoding.bytes());
    let shifted = raw << (64 - bits) >> (64 - bits);
    let integer = shifted as f32 / 2f32.powi(bits as i32 - 1);
    let (mut bytes, value) = match encoding {
        Encoding::U8 => (vec![raw as u8], (f32::from(raw as u8) - 128.0) / 128.0),
        Encoding::F32 => ((raw as f32).to_be_bytes().to_vec(), raw as f32),
        Encoding::F64 => ((raw as f64).to_be_bytes().to_vec(), raw as f64 as f32),
        Encoding::ALaw => (vec![0xd5], 8.0 / 32_768.0),
        Encoding::MuLaw => (vec![0xef], 132.0 / 32_768.0),
        _ => (raw.to_be_bytes()[8 - usize::from(encoding.bytes())..].to_vec(), integer),
    };
    if byte_order == ByteOrder::Little {
        bytes.reverse();
    }
    (bytes, value)
}

fn chunks() -> impl Strategy<Value = Vec<([u8; 4], Vec<u8>)>> {
    let ids = [b"NAME", b"AUTH", b"(c) ", b"ANNO", b"COMT", b"ID3 "].map(|id| *id);
    vec((select(ids.to_vec()), vec(any::<u8>(), 0..40)), 0..4)
}

proptest! {
    #[test]
    fn samples_and_chunks_come_back(
        which in select(COMPRESSIONS.to_vec()), channels in 1u16..9, offset in 0u32..9,
        raw in vec(any::<i64>(), 0..400), before in chunks(), behind in chunks(), piece in 1usize..300,
    ) {
        let (compression, bits, encoding, byte_order) = which;
        let raw = &raw[..raw.len() / usize::from(channels) * usize::from(channels)];
        let all = raw.iter().map(|raw| sample(encoding, byte_order, *raw));
        let (data, samples): (Vec<_>, Vec<_>) = all.unzip();
        let frames = u32::try_from(raw.len() / usize::from(channels)).unwrap();
        let aiff = Aiff {
            compression: Some(*compression), bits, channels, frames, data: data.concat(),
            offset: offset * 2, before, behind, ..Aiff::new(&[])
        };
        let file = aiff.bytes();
        let reading = read_in(&file, piece).unwrap();
        prop_assert!(is_wave(&file));
        prop_assert_eq!(reading.samples, samples);
        prop_assert_eq!((reading.format.form, reading.format.encoding), (Form::Aifc, encoding));
        prop_assert_eq!((reading.format.channels, reading.format.rate), (channels, 48_000));
        prop_assert_eq!(reading.format.byte_order, byte_order);
        let written = aiff.before.iter().chain(&aiff.behind);
        let written: Vec<_> = written.map(|(id, bytes)| (ChunkId::FourCc(*id), bytes.clone())).collect();
        let kept = reading.chunks.iter().filter(|chunk| chunk.id != ChunkId::FourCc(*b"COMM"));
        let kept = kept.map(|chunk| (chunk.id, chunk.bytes.clone().unwrap()));
        prop_assert_eq!(kept.collect::<Vec<_>>(), written);
        prop_assert_eq!(reading.findings, []);
    }

    #[test]
    fn flipped_bits_do_no_harm(behind in chunks(), flips in vec((any::<Index>(), 0u8..8), 1..4)) {
        let mut file = Aiff { behind, ..Aiff::new(&[1, 2, 3, 4, 5]) }.bytes();
        for (at, bit) in flips {
            let at = at.index(file.len());
            file[at] ^= 1 << bit;
        }
        if let Err(error) = read(&file) {
            prop_assert_eq!(error.to_string().lines().count(), 1);
        }
    }

    #[test]
    fn cut_off_anywhere_it_gives_what_is_there(len in 0usize..1000) {
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

/// 0 and all bits set are no size, 8 is that of no samples, and a recorder writes it first.
#[test]
fn samples_of_a_size_that_is_not_known_go_on_to_the_end() {
    let name = (*b"NAME", b"of the wind".to_vec());
    for size in [0, 7, 8, u32::MAX] {
        for behind in [vec![], vec![name.clone()]] {
            let mut aiff = Aiff::new(&[0x4000, -0x8000, 5]);
            (aiff.frames, aiff.size, aiff.behind) = (0, Some(size), behind);
            let reading = read(&aiff.bytes()).unwrap();
            assert_eq!(reading.samples, [0.5, -1.0, 5.0 / 32_768.0], "{size}");
            assert_eq!(reading.chunks.len(), 1 + aiff.behind.len());
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
fn no_samples_are_none() {
    for behind in [vec![], vec![(*b"ID3 ", vec![])]] {
        let reading = read(&Aiff { behind, ..Aiff::new(&[]) }.bytes()).unwrap();
        assert_eq!((reading.samples, reading.findings), (vec![], vec![]));
    }
}

#[test]
fn an_offset_behind_the_chunk_is_not_believed() {
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
fn fewer_bits_stand_in_the_upper_ones() {
    let reading = read(&Aiff { bits: 12, ..Aiff::new(&[0x4000, -0x8000]) }.bytes()).unwrap();
    assert_eq!((reading.samples, reading.format.valid_bits), (vec![0.5, -1.0], 12));
    assert_eq!((reading.format.form, reading.format.encoding), (Form::Aiff, Encoding::I16));
}

#[test]
fn other_compressions_and_what_is_no_audio_are_refused() {
    let of = |aiff: &Aiff| read(&aiff.bytes()).unwrap_err();
    for (compression, bits) in [(*b"ima4", 16), (*b"NONE", 0), (*b"NONE", 65), (*b"raw ", 16)] {
        let error = of(&Aiff { compression: Some(compression), bits, ..Aiff::new(&[1]) });
        let is_so = matches!(error, Error::UnsupportedCompression { compression: found, .. } if found == compression);
        assert!(is_so, "{error}");
    }
    let error = of(&Aiff { channels: 0, ..Aiff::new(&[1]) });
    assert!(matches!(error, Error::NoAudio { channels: 0, .. }), "{error}");
    let file = Aiff::new(&[1]).bytes();
    let error = read(&file[..12 + 8 + 17]).unwrap_err();
    assert!(matches!(error, Error::NoChunk { name: "SSND", .. }), "{error}");
    let mut file = file[..12].to_vec();
    push(&mut file, *b"COMM", &[0; 17], None);
    push(&mut file, *b"SSND", &[0; 8], None);
    let error = read(&file).unwrap_err();
    assert!(matches!(error, Error::ChunkTooShort { name: "COMM", expected: 18, .. }), "{error}");
    push(&mut file, *b"COMM", &[0; 18], None);
    let two = Aiff { before: vec![(*b"SSND", vec![0; 10])], ..Aiff::new(&[1]) };
    assert!(matches!(of(&two), Error::SeveralData { name: "SSND", .. }));
}
