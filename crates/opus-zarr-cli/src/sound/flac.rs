use flacenc::{
    bitsink::ByteSink,
    component::{BitRepr, StreamInfo},
    config, encode_fixed_size_frame,
    error::{Verified, Verify},
    source::{Context, Fill, FrameBuf},
};

use super::Sound;
use crate::failure::{Exit, Failure};

/// Encodes samples of 16 or 24 bits as FLAC, frame by frame. `flacenc` encodes the frames; the header is written
/// here, since `flacenc` supports no rate above 96 kHz.
pub(super) struct FlacEncoder {
    config: Verified<config::Encoder>,
    stream: StreamInfo,
    frame: FrameBuf,
    frames: usize,
    /// The MD5 of all samples.
    digest: Context,
    /// Samples that do not fill a block yet.
    rest: Vec<u8>,
    block_bytes: usize,
    /// Per sample.
    bytes: usize,
}

impl FlacEncoder {
    pub(super) fn new(sound: &Sound) -> Result<Self, Failure> {
        let (channels, bytes) =
            (usize::from(sound.channels), usize::from(sound.bits.format().bytes()));
        let config = config::Encoder::default().into_verified();
        Ok(Self {
            config: config.map_err(|(_, error)| failed(error))?,
            stream: StreamInfo::new(UNSPECIFIED, channels, 8 * bytes).map_err(failed)?,
            frame: FrameBuf::with_size(channels, BLOCK.into()).map_err(failed)?,
            frames: 0,
            digest: Context::new(8 * bytes, channels),
            rest: Vec::new(),
            block_bytes: usize::from(BLOCK) * channels * bytes,
            bytes,
        })
    }

    /// Returns STREAMINFO and the comments. STREAMINFO holds the MD5 once everything is encoded.
    pub(super) fn header(&self, sound: &Sound) -> Vec<u8> {
        let mut info = [BLOCK, BLOCK].map(u16::to_be_bytes).concat();
        // The sizes of frames are unknown.
        info.extend([0; 6]);
        let samples = sound.samples;
        // FLAC writes 0 for a number of samples that does not fit.
        let stated = if samples >> SAMPLES_BITS == 0 { samples } else { 0 };
        let numbers = (u64::from(sound.rate) << 44)
            | (u64::from(sound.channels.saturating_sub(1)) << 41)
            | (u64::from(8 * sound.bits.format().bytes() - 1) << SAMPLES_BITS)
            | stated;
        info.extend(numbers.to_be_bytes());
        let is_all = u64::try_from(self.digest.total_samples()) == Ok(samples);
        info.extend(if is_all { self.digest.md5_digest() } else { [0; 16] });
        [b"fLaC".to_vec(), block(0, &info), block(LAST | COMMENTS, &comments(sound))].concat()
    }

    /// Encodes samples; returns the frames that are full.
    pub(super) fn encode(&mut self, samples: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut sink = ByteSink::new();
        let mut waiting = std::mem::take(&mut self.rest);
        waiting.extend_from_slice(samples);
        let blocks = waiting.chunks_exact(self.block_bytes);
        self.rest = blocks.remainder().to_vec();
        for block in blocks {
            self.encode_frame(block, &mut sink)?;
        }
        Ok(sink.into_inner())
    }

    /// Returns the last frame.
    pub(super) fn finish(&mut self) -> Result<Vec<u8>, Failure> {
        let mut sink = ByteSink::new();
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.encode_frame(&rest, &mut sink)?;
        }
        Ok(sink.into_inner())
    }

    fn encode_frame(&mut self, samples: &[u8], sink: &mut ByteSink) -> Result<(), Failure> {
        self.frame.fill_le_bytes(samples, self.bytes).map_err(failed)?;
        self.digest.fill_le_bytes(samples, self.bytes).map_err(failed)?;
        let number = self.frames;
        self.frames += 1;
        encode_fixed_size_frame(&self.config, &self.frame, number, &self.stream)
            .map_err(failed)?
            .write(sink)
            .map_err(failed)
    }
}

/// Builds a metadata block.
fn block(kind: u8, content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let [_, size @ ..] = size.to_be_bytes();
    [&[kind][..], &size, content].concat()
}

/// Builds Vorbis comments: those of the source, with the start as their date.
fn comments(sound: &Sound) -> Vec<u8> {
    let is = |tag: &(String, String), name: &str| tag.0.eq_ignore_ascii_case(name);
    let tags = &sound.kept.tags;
    let title =
        (!tags.iter().any(|tag| is(tag, "TITLE"))).then(|| format!("TITLE={}", sound.title));
    let date = sound.date.as_ref().map(|date| format!("DATE={date}"));
    let others = tags.iter().filter(|tag| date.is_none() || !is(tag, "DATE"));
    let others = others.map(|(name, value)| format!("{name}={value}"));
    let comments: Vec<String> = title.into_iter().chain(date.clone()).chain(others).collect();
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let text = |text: &str| [&length(text.len()), text.as_bytes()].concat();
    let vendor = text(concat!("opus-zarr ", env!("CARGO_PKG_VERSION")));
    let comments_text: Vec<u8> = comments.iter().flat_map(|comment| text(comment)).collect();
    [vendor, length(comments.len()).to_vec(), comments_text].concat()
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Error, format!("cannot encode FLAC: {error}"))
}

/// The lowest rate, in Hz, that does not fit into STREAMINFO.
pub(super) const TOO_FAST: u32 = 1 << 20;

/// A rate that no frame header can state, so that frames refer to STREAMINFO, which can state any.
const UNSPECIFIED: usize = 65_537;

const BLOCK: u16 = 4096;
const SAMPLES_BITS: u32 = 36;

const COMMENTS: u8 = 4;
const LAST: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::{Bits, Format, kept::Kept};

    #[test]
    fn the_md5_does_not_depend_on_the_pieces() {
        // RFC 1321, A.5.
        let (text, md5) = (b"message digest", "f96b697d7cb7938d525a2f31aaf161d0");
        let sound = Sound {
            format: Format::Flac,
            bits: Bits::Int16,
            rate: 384_000,
            channels: 1,
            speakers: 0,
            samples: 7,
            title: "it".to_owned(),
            date: None,
            kept: Kept::default(),
            is_resampled: false,
        };
        let mut encoder = FlacEncoder::new(&sound).unwrap();
        let before = encoder.header(&sound);
        assert_eq!(before[26..42], [0; 16]);
        let (first, second) = text.split_at(6);
        assert!(encoder.encode(first).unwrap().is_empty());
        assert!(encoder.encode(second).unwrap().is_empty());
        assert!(!encoder.finish().unwrap().is_empty());
        let header = encoder.header(&sound);
        let found: String = header[26..42].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((found.as_str(), header.len()), (md5, before.len()));
        // 20 bits of rate, 3 of channels, 5 of bits, 36 of samples.
        assert_eq!(header[18..26], [0x5d, 0xc0, 0x00, 0xf0, 0, 0, 0, 7]);
    }
}
