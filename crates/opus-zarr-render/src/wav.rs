//! The header of a WAV file.

use crate::SampleFormat;

/// Describes a WAV file. All sizes are known, so it can also be written to a pipe.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Wav {
    /// How samples are stored.
    pub format: SampleFormat,
    /// Samples per second of real time.
    pub rate: u32,
    /// Channels of each sample.
    pub channels: u8,
    /// Samples per channel.
    pub samples: u64,
    /// [Loudspeakers](crate::speakers()) of the channels, as in the channel mask; 0 if unknown.
    pub speakers: u32,
    /// Chunks before the samples, as [`riff_chunk`] makes them.
    pub chunks: Vec<u8>,
}

impl Wav {
    /// Describes a file without further chunks.
    pub fn new(format: SampleFormat, rate: u32, channels: u8, samples: u64) -> Self {
        Self { format, rate, channels, samples, speakers: 0, chunks: Vec::new() }
    }

    /// Returns the length of the samples in bytes.
    pub fn data_bytes(&self) -> u64 {
        self.samples.saturating_mul(self.frame().into())
    }

    /// Returns everything before the samples: RIFF, or RF64 if the sizes need more than 32 bits.
    pub fn header(&self) -> Vec<u8> {
        let data = self.data_bytes();
        let mut chunks = riff_chunk(b"fmt ", &self.format_chunk());
        if self.format == SampleFormat::Float32 {
            let samples = u32::try_from(self.samples).unwrap_or(UNKNOWN);
            chunks.extend(riff_chunk(b"fact", &samples.to_le_bytes()));
        }
        chunks.extend(&self.chunks);
        let size = |ds64: u64| 4 + ds64 + wide(chunks.len()) + 8 + data;
        let mut header = Vec::new();
        match u32::try_from(size(0)) {
            // An even size cannot be UNKNOWN.
            Ok(size) => {
                header.extend(b"RIFF");
                header.extend(size.to_le_bytes());
                header.extend(b"WAVE");
            }
            _ => {
                header.extend(b"RF64");
                header.extend(UNKNOWN.to_le_bytes());
                header.extend(b"WAVE");
                let mut sizes = [size(DS64), data, self.samples].map(u64::to_le_bytes).concat();
                // No other chunk is larger than 4 GiB.
                sizes.extend(0u32.to_le_bytes());
                header.extend(riff_chunk(b"ds64", &sizes));
            }
        }
        let is_long = header.starts_with(b"RF64");
        header.extend(chunks);
        header.extend(b"data");
        header
            .extend(u32::try_from(data).ok().filter(|_| !is_long).unwrap_or(UNKNOWN).to_le_bytes());
        header
    }

    /// Builds the format chunk, extensible above two channels, whose loudspeakers must be stated.
    fn format_chunk(&self) -> Vec<u8> {
        let tag: u16 = match self.format {
            SampleFormat::Int16 | SampleFormat::Int24 => 1,
            SampleFormat::Float32 => 3,
        };
        let is_extensible = self.channels > 2;
        let (bits, frame) = (8 * u16::from(self.format.bytes()), self.frame());
        let mut format = if is_extensible { EXTENSIBLE } else { tag }.to_le_bytes().to_vec();
        format.extend(u16::from(self.channels).to_le_bytes());
        format.extend(self.rate.to_le_bytes());
        format.extend(self.rate.saturating_mul(frame.into()).to_le_bytes());
        format.extend(frame.to_le_bytes());
        format.extend(bits.to_le_bytes());
        match (is_extensible, self.format) {
            (false, SampleFormat::Int16 | SampleFormat::Int24) => {}
            (false, SampleFormat::Float32) => format.extend(0u16.to_le_bytes()),
            (true, _) => {
                format.extend(22u16.to_le_bytes());
                format.extend(bits.to_le_bytes());
                format.extend(self.speakers.to_le_bytes());
                format.extend(tag.to_le_bytes());
                format.extend(GUID_TAIL);
            }
        }
        format
    }

    /// Bytes of a sample of all channels.
    fn frame(&self) -> u16 {
        u16::from(self.channels) * u16::from(self.format.bytes())
    }
}

/// Builds a chunk of texts (`LIST` of the type `INFO`), such as `INAM` with a title, after chunks that are
/// there already.
pub fn info_chunk(before: &[u8], texts: &[(&[u8; 4], &str)]) -> Vec<u8> {
    let mut list = b"INFO".to_vec();
    list.extend(before);
    for (id, text) in texts {
        list.extend(riff_chunk(id, &[text.as_bytes(), b"\0"].concat()));
    }
    riff_chunk(b"LIST", &list)
}

/// Builds a chunk, padded to an even length.
pub fn riff_chunk(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).unwrap_or(UNKNOWN);
    let padding = if content.len() % 2 == 1 { &[0][..] } else { &[] };
    [id, &size.to_le_bytes()[..], content, padding].concat()
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Stands for a size that is stated elsewhere.
const UNKNOWN: u32 = u32::MAX;

/// Length of the whole chunk `ds64`.
const DS64: u64 = 36;

const EXTENSIBLE: u16 = 0xfffe;

/// Follows the tag in the GUID of an extensible format.
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write};

    use opus_zarr::{AudioFile, ReadOptions};

    use super::*;

    fn wav(format: SampleFormat, channels: u8, samples: u64) -> Wav {
        let texts = [(b"INAM", "odd"), (b"ICRD", "2026-05-12T20:15:00Z")];
        let chunks = info_chunk(&[], &texts);
        Wav { chunks, ..Wav::new(format, 48_000, channels, samples) }
    }

    /// Reads a little-endian number.
    fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
        bytes[at..at + length].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn at(header: &[u8], id: &[u8]) -> usize {
        header.windows(4).position(|window| window == id).unwrap()
    }

    #[test]
    fn large_sizes_have_64_bits() {
        let short = wav(SampleFormat::Int16, 1, 1).header();
        // Everything except the samples and the eight bytes up to the size.
        let around = u64::try_from(short.len()).unwrap() - 8;
        let most = (u64::from(u32::MAX) - 1 - around) / 2;
        let long = wav(SampleFormat::Int16, 1, most).header();
        assert_eq!((&long[..4], number(&long, 4, 4)), (&b"RIFF"[..], around + 2 * most));
        assert_eq!(number(&long, long.len() - 4, 4), 2 * most);

        let longer = wav(SampleFormat::Int16, 1, most + 1).header();
        assert_eq!((&longer[..4], number(&longer, 4, 4)), (&b"RF64"[..], u64::from(UNKNOWN)));
        assert_eq!((&longer[8..16], number(&longer, 16, 4)), (&b"WAVEds64"[..], 28));
        let data = 2 * (most + 1);
        assert_eq!(number(&longer, 20, 8), u64::try_from(longer.len()).unwrap() - 8 + data);
        assert_eq!((number(&longer, 28, 8), number(&longer, 36, 8)), (data, most + 1));
        assert_eq!(number(&longer, longer.len() - 4, 4), u64::from(UNKNOWN));
    }

    #[test]
    fn long_files_are_read() {
        let directory = tempfile::tempdir().unwrap();
        for (format, codec) in [
            (SampleFormat::Int16, "pcm_s16le"),
            (SampleFormat::Int24, "pcm_s24le"),
            (SampleFormat::Float32, "pcm_f32le"),
        ] {
            let path = directory.path().join("long.wav");
            let samples = 3 << 30;
            let wav = wav(format, 6, samples);
            let header = wav.header();
            let mut file = File::create(&path).unwrap();
            file.write_all(&header).unwrap();
            // A hole takes no disk space.
            file.set_len(wide(header.len()) + wav.data_bytes()).unwrap();
            let audio = AudioFile::open(&path, &ReadOptions::default()).unwrap();
            let format = audio.format();
            assert_eq!((format.container.as_str(), format.codec.as_str()), ("rf64", codec));
            assert_eq!((format.channels, audio.findings()), (6, Vec::<String>::new()));
        }
    }

    #[test]
    fn chunks_begin_at_even_offsets() {
        let header = wav(SampleFormat::Float32, 2, 5).header();
        for id in [&b"fmt "[..], b"fact", b"LIST", b"INAM", b"ICRD", b"data"] {
            assert_eq!(at(&header, id) % 2, 0);
        }
        assert_eq!(number(&header, at(&header, b"fact") + 8, 4), 5);
        assert_eq!(number(&header, at(&header, b"data") + 4, 4), 40);
    }
}
