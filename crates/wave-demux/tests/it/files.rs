//! Writes WAVE files, valid or not, and reads any file back.

use std::io::Cursor;

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use wave_demux::{ByteOrder, ChunkId, Encoding, Error, FindingKind, Form, Format, WaveReader};

/// The parts of a file; `bytes` writes it.
#[derive(Clone, Debug)]
pub(crate) struct Wave {
    pub(crate) form: Form,
    pub(crate) tag: u16,
    pub(crate) bits: u16,
    pub(crate) channels: u16,
    pub(crate) rate: u32,
    /// `None` writes the correct value.
    pub(crate) block_align: Option<u16>,
    /// Valid bits and channel mask; `Some` makes the format extensible.
    pub(crate) extension: Option<(u16, u32)>,
    pub(crate) before: Vec<([u8; 4], Vec<u8>)>,
    pub(crate) data: Vec<u8>,
    pub(crate) after: Vec<([u8; 4], Vec<u8>)>,
    /// The data size in the header, without the header of W64; `None` writes the true size.
    pub(crate) data_size: Option<u64>,
    pub(crate) has_padding: bool,
    pub(crate) has_data_first: bool,
}

impl Wave {
    /// Mono, 16 bits.
    pub(crate) fn new(form: Form, samples: &[i16]) -> Self {
        Self {
            form,
            tag: 1,
            bits: 16,
            channels: 1,
            rate: 48_000,
            block_align: None,
            extension: None,
            before: vec![],
            data: samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
            after: vec![],
            data_size: None,
            has_padding: true,
            has_data_first: false,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut file = match self.form {
            Form::Riff => b"RIFF\0\0\0\0WAVE".to_vec(),
            Form::Rf64 => b"RF64\xff\xff\xff\xffWAVE".to_vec(),
            Form::Bw64 => b"BW64\xff\xff\xff\xffWAVE".to_vec(),
            Form::W64 => [guid(b"riff").as_slice(), &[0; 8], &guid(b"wave")].concat(),
            _ => panic!("aiff.rs writes AIFF"),
        };
        let data_size = self.data_size.unwrap_or(u64::try_from(self.data.len()).unwrap());
        if matches!(self.form, Form::Rf64 | Form::Bw64) {
            let sizes = [0, data_size, 0].map(u64::to_le_bytes);
            self.push(&mut file, b"ds64", &[sizes.as_flattened(), &[0; 4]].concat());
        }
        if self.has_data_first {
            self.push_data(&mut file, data_size);
        }
        for (id, contents) in &self.before {
            self.push(&mut file, id, contents);
        }
        self.push(&mut file, b"fmt ", &self.format());
        if !self.has_data_first {
            self.push_data(&mut file, data_size);
        }
        for (id, contents) in &self.after {
            self.push(&mut file, id, contents);
        }
        file
    }

    /// Bytes of a chunk header.
    pub(crate) fn header_len(&self) -> usize {
        if self.form == Form::W64 { 24 } else { 8 }
    }

    fn format(&self) -> Vec<u8> {
        let packed = self.channels * self.bits.div_ceil(8);
        let block_align = self.block_align.unwrap_or(packed);
        let byte_rate = self.rate * u32::from(block_align);
        let tag = if self.extension.is_some() { 0xfffe } else { self.tag };
        let mut format = [tag, self.channels].map(u16::to_le_bytes).concat();
        format.extend_from_slice([self.rate, byte_rate].map(u32::to_le_bytes).as_flattened());
        format.extend_from_slice([block_align, self.bits].map(u16::to_le_bytes).as_flattened());
        if let Some((valid_bits, mask)) = self.extension {
            format.extend_from_slice([22, valid_bits].map(u16::to_le_bytes).as_flattened());
            format.extend_from_slice(&mask.to_le_bytes());
            format.extend_from_slice(&self.tag.to_le_bytes());
            format.extend_from_slice(&[0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113]);
        }
        format
    }

    fn push_data(&self, file: &mut Vec<u8>, size: u64) {
        match self.form {
            Form::W64 => push_header_w64(file, b"data", size),
            Form::Riff => push_header(file, b"data", u32::try_from(size).unwrap()),
            _ => push_header(file, b"data", u32::MAX),
        }
        file.extend_from_slice(&self.data);
        self.pad(file, self.data.len());
    }

    fn push(&self, file: &mut Vec<u8>, id: &[u8; 4], contents: &[u8]) {
        match self.form {
            Form::W64 => push_header_w64(file, id, u64::try_from(contents.len()).unwrap()),
            _ => push_header(file, id, u32::try_from(contents.len()).unwrap()),
        }
        file.extend_from_slice(contents);
        self.pad(file, contents.len());
    }

    fn pad(&self, file: &mut Vec<u8>, len: usize) {
        let unit = if self.form == Form::W64 { 8 } else { 2 };
        let padding = if self.has_padding { len.next_multiple_of(unit) - len } else { 0 };
        file.resize(file.len() + padding, 0);
    }
}

fn push_header(file: &mut Vec<u8>, id: &[u8; 4], size: u32) {
    file.extend_from_slice(id);
    file.extend_from_slice(&size.to_le_bytes());
}

fn push_header_w64(file: &mut Vec<u8>, id: &[u8; 4], size: u64) {
    file.extend_from_slice(&guid(id));
    file.extend_from_slice(&size.wrapping_add(24).to_le_bytes());
}

fn guid(id: &[u8; 4]) -> [u8; 16] {
    let wave = [0xf3, 0xac, 0xd3, 0x11, 0x8c, 0xd1, 0x00, 0xc0, 0x4f, 0x8e, 0xdb, 0x8a];
    let riff = [0x2e, 0x91, 0xcf, 0x11, 0xa5, 0xd6, 0x28, 0xdb, 0x04, 0xc1, 0x00, 0x00];
    let (id, tail) = match id {
        b"LIST" => (b"list", riff),
        b"riff" => (id, riff),
        _ => (id, wave),
    };
    [id.as_slice(), &tail].concat().try_into().unwrap()
}

/// Everything read from a file.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) format: Format,
    pub(crate) samples: Vec<f32>,
    pub(crate) chunks: Vec<wave_demux::Chunk>,
    pub(crate) findings: Vec<FindingKind>,
}

/// Reads a file in pieces of `piece` frames and checks what holds for every file.
pub(crate) fn read_in(file: &[u8], piece: usize) -> Result<Reading, Error> {
    let mut reader = WaveReader::new(Cursor::new(file))?;
    let format = reader.format();
    let channels = usize::from(format.channels);
    let data = reader.data();
    let frames = (data.end - data.start) / u64::from(format.block_align);
    assert!(data.end <= u64::try_from(file.len()).unwrap());
    assert_eq!(reader.frames(), frames);
    assert!(usize::try_from(format.block_align).unwrap() >= channels);
    let (mut samples, mut buffer) = (vec![], vec![0.0; piece * channels + channels - 1]);
    loop {
        let read = reader.read_samples(&mut buffer)?;
        samples.extend_from_slice(read);
        if read.len() < piece * channels {
            break;
        }
    }
    assert_eq!(samples.len(), usize::try_from(frames).unwrap() * channels);
    assert!(reader.read_samples(&mut buffer)?.is_empty(), "the end stays the end");
    for chunk in reader.chunks() {
        let Some(bytes) = &chunk.bytes else { continue };
        assert!(file[usize::try_from(chunk.offset).unwrap()..].starts_with(bytes));
        assert_eq!(u64::try_from(bytes.len()).unwrap(), chunk.len);
    }
    let findings = reader.findings().iter();
    let findings: Vec<_> = findings
        .inspect(|finding| assert_eq!(finding.to_string().lines().count(), 1))
        .map(|finding| finding.kind.clone())
        .collect();
    assert!(findings.len() <= 1001);
    Ok(Reading { format, samples, chunks: reader.chunks().to_vec(), findings })
}

pub(crate) fn read(file: &[u8]) -> Result<Reading, Error> {
    read_in(file, 1000)
}

/// Returns the bytes of a sample and the value they stand for.
pub(crate) fn sample(encoding: Encoding, byte_order: ByteOrder, raw: i64) -> (Vec<u8>, f32) {
    let shift = 64 - 8 * i32::from(encoding.bytes());
    let integer = (raw << shift >> shift) as f32 * 2f32.powi(shift - 63);
    let (mut bytes, value) = match encoding {
        Encoding::U8 => (vec![raw as u8], (f32::from(raw as u8) - 128.0) / 128.0),
        Encoding::F32 => ((raw as f32).to_le_bytes().to_vec(), raw as f32),
        Encoding::F64 => ((raw as f64).to_le_bytes().to_vec(), raw as f64 as f32),
        // Unit tests cover the other bytes of these two.
        Encoding::ALaw => (vec![0xd5], 8.0 / 32_768.0),
        Encoding::MuLaw => (vec![0xef], 132.0 / 32_768.0),
        _ => (raw.to_le_bytes()[..usize::from(encoding.bytes())].to_vec(), integer),
    };
    if byte_order == ByteOrder::Big {
        bytes.reverse();
    }
    (bytes, value)
}

/// Flips these bits of a file and reads it. Errors must have one line.
pub(crate) fn read_flipped(mut file: Vec<u8>, flips: Vec<(Index, u8)>) {
    for (at, bit) in flips {
        let at = at.index(file.len());
        file[at] ^= 1 << bit;
    }
    if let Err(error) = read(&file) {
        assert_eq!(error.to_string().lines().count(), 1);
    }
}

/// Chunks with some of these ids.
pub(crate) fn chunks(ids: [&[u8; 4]; 6]) -> impl Strategy<Value = Vec<([u8; 4], Vec<u8>)>> {
    vec((select(ids.map(|id| *id).to_vec()), vec(any::<u8>(), 0..40)), 0..4)
}

/// Returns chunks as a reader names them.
pub(crate) fn named(chunks: Vec<([u8; 4], Vec<u8>)>) -> Vec<(ChunkId, Vec<u8>)> {
    chunks.into_iter().map(|(id, bytes)| (ChunkId::FourCc(id), bytes)).collect()
}

/// Returns all chunks that were read, except those with these ids.
pub(crate) fn kept(reading: &Reading, except: &[&[u8; 4]]) -> Vec<(ChunkId, Vec<u8>)> {
    let is_excepted = |id| except.iter().any(|other| id == ChunkId::FourCc(**other));
    let kept = reading.chunks.iter().filter(|chunk| !is_excepted(chunk.id));
    kept.map(|chunk| (chunk.id, chunk.bytes.clone().unwrap())).collect()
}

pub(crate) const FORMS: [Form; 4] = [Form::Riff, Form::Rf64, Form::Bw64, Form::W64];

pub(crate) const ENCODINGS: [(Encoding, u16, u16); 12] = [
    (Encoding::U8, 1, 8),
    (Encoding::I16, 1, 16),
    (Encoding::I24, 1, 24),
    (Encoding::I32, 1, 32),
    (Encoding::I40, 1, 40),
    (Encoding::I48, 1, 48),
    (Encoding::I56, 1, 56),
    (Encoding::I64, 1, 64),
    (Encoding::F32, 3, 32),
    (Encoding::F64, 3, 64),
    (Encoding::ALaw, 6, 8),
    (Encoding::MuLaw, 7, 8),
];
