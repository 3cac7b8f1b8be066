//! One audio file, read by whatever fits it.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
};

use opus_encode::{SampleBuffer, SampleDepth, SampleSource};
use wave_demux::{Chunk, ChunkId, Encoding, ErrorKind, WaveReader};

use crate::{
    AudioInput, Error, FfmpegInput, Position, Tag, chunk_tags::chunk_tags, error::Reason,
    level::Level, position::Counted, triggered::Triggered,
};

/// The audio and metadata of a file. Reads WAVE and AIFF samples with `wave-demux`, anything else
/// with symphonia, or everything with ffmpeg if requested.
///
/// ```no_run
/// use opus_transcode::{AudioFile, ReadOptions};
///
/// let mut file = AudioFile::open("station-4.flac", &ReadOptions::default())?;
/// let mut buffer = vec![0.0; 4096 * file.channels()];
/// loop {
///     let samples = file.read_samples(&mut buffer)?; // interleaved
///     if samples.is_empty() {
///         break;
///     }
/// }
/// # Ok::<(), opus_transcode::Error>(())
/// ```
pub struct AudioFile {
    reader: Reader,
    position: Arc<AtomicU64>,
    frames: u64,
    /// Samples on their way into a [`SampleBuffer`].
    block: Vec<f32>,
    tags: Vec<Tag>,
    level: Level,
    triggered: Option<Triggered>,
}

/// Which audio of a file to read, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The audio track, counted from 0.
    pub track: usize,
    /// The `ffmpeg` program to decode with. It reads more formats, but no tags. `None` decodes
    /// without it.
    pub ffmpeg: Option<PathBuf>,
}

impl ReadOptions {
    /// Sets the audio track, counted from 0.
    pub fn track(mut self, track: usize) -> Self {
        self.track = track;
        self
    }

    /// Sets the `ffmpeg` program to decode with; `None` decodes without it.
    pub fn ffmpeg(mut self, program: impl Into<Option<PathBuf>>) -> Self {
        self.ffmpeg = program.into();
        self
    }
}

/// The format of a file and its audio.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AudioFormat {
    /// The container, such as `wav`, `rf64`, `flac` or `mp4`.
    pub container: String,
    /// The codec, such as `pcm_s16le` or `aac`.
    pub codec: String,
    /// Sample rate in Hz, at least 1.
    pub rate: u32,
    /// Number of channels, at least 1.
    pub channels: usize,
    /// The loudspeakers of the channels, if the file states them: the bits of WAVE's
    /// `dwChannelMask`, the lowest for the first channel.
    pub channel_mask: Option<u32>,
    /// How finely the samples were quantized; [`SampleDepth::MAX`] for floating point, for lossy
    /// codecs and with ffmpeg.
    pub depth: SampleDepth,
    /// Bytes of a frame in WAVE, AIFF and AU.
    pub frame_bytes: Option<u32>,
    /// Number of audio tracks; in Ogg, links of a chain with another format are tracks of their own.
    pub tracks: usize,
    /// Whether the track begins where the file does. Later links of an Ogg chain and later documents
    /// of a Matroska file do not.
    pub begins_with_file: bool,
    /// The decoder and its version.
    pub decoder: String,
}

/// A part of a file that is not audio.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataChunk {
    /// Its name in the file, such as `guan`.
    pub id: String,
    /// Byte position of its contents in the file.
    pub offset: u64,
    /// Length of its contents in bytes.
    pub len: u64,
    /// The contents; `None` if they are too long to keep.
    pub bytes: Option<Vec<u8>>,
}

enum Reader {
    Wave(Box<WaveReader<Counted>>),
    Symphonia(Box<AudioInput>),
    Ffmpeg(Box<FfmpegInput>),
}

impl AudioFile {
    /// Opens a regular file.
    pub fn open(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        let position = Arc::new(AtomicU64::new(0));
        let reader = match &options.ffmpeg {
            Some(program) => {
                Reader::Ffmpeg(Box::new(FfmpegInput::open(program, path, options.track)?))
            }
            None => Reader::open(path, options.track, &position)?,
        };
        let mut tags = match &reader {
            Reader::Symphonia(input) => input.tags().to_vec(),
            Reader::Wave(_) | Reader::Ffmpeg(_) => Vec::new(),
        };
        tags.extend(chunk_tags(reader.chunks()));
        let channels = reader.channels();
        let block = vec![0.0; (BLOCK / channels).max(1) * channels];
        Ok(Self {
            reader,
            position,
            frames: 0,
            block,
            tags,
            level: Level::default(),
            triggered: None,
        })
    }

    /// Returns the number of channels, at least 1.
    pub fn channels(&self) -> usize {
        self.reader.channels()
    }

    /// Returns the sample rate in Hz, at least 1.
    pub fn rate(&self) -> u32 {
        match &self.reader {
            Reader::Wave(wave) => wave.format().rate,
            Reader::Symphonia(input) => input.format().rate,
            Reader::Ffmpeg(input) => input.rate(),
        }
    }

    /// Fills in the silence of a triggered recording by AudioMoth (firmware 1.4 and later), which
    /// stores only its length. Call this before reading, and only if the comment of the recorder
    /// says so. Changes nothing if the file has several channels.
    pub fn fill_triggered(&mut self) {
        self.triggered = (self.channels() == 1).then(|| Triggered::new(self.rate()));
    }

    /// Fills `buffer` from the front with whole frames and returns the samples it wrote:
    /// interleaved, full scale -1 to 1. Leaves room for a frame only at the end, and from then on
    /// returns an empty slice.
    ///
    /// NaN becomes 0, and infinity full scale. Other float samples may exceed full scale.
    pub fn read_samples<'a>(&mut self, buffer: &'a mut [f32]) -> Result<&'a [f32], Error> {
        let count = match &mut self.triggered {
            Some(triggered) => triggered.fill(buffer, |more| self.reader.read_samples(more))?,
            None => self.reader.read_samples(buffer)?.len(),
        };
        let samples = buffer.get_mut(..count).unwrap_or_default();
        let channels = self.reader.channels();
        self.level.check(samples, channels, self.frames);
        self.frames += frames(samples, channels);
        Ok(samples)
    }

    /// Returns the format of the audio.
    pub fn format(&self) -> AudioFormat {
        match &self.reader {
            Reader::Wave(wave) => of_wave(wave.format()),
            Reader::Symphonia(input) => of_symphonia(input.format()),
            Reader::Ffmpeg(input) => of_ffmpeg(input),
        }
    }

    /// Returns names and values in the form of Vorbis comments. From WAVE and AIFF they include ID3
    /// tags and the texts of AIFF; anything else is in [`chunks`](Self::chunks).
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// Returns the chunks of a WAVE or AIFF file, or of the one that FLAC was made from, in order,
    /// except those that describe samples or only pad.
    pub fn chunks(&self) -> Vec<MetadataChunk> {
        let chunks = self.reader.chunks().iter().filter(|chunk| !is_of_audio(chunk.id));
        chunks.map(MetadataChunk::of_wave).collect()
    }

    /// Returns the problems found in the file so far, one line each.
    pub fn findings(&self) -> Vec<String> {
        let mut findings: Vec<String> = match &self.reader {
            Reader::Wave(wave) => wave.findings().iter().map(ToString::to_string).collect(),
            Reader::Symphonia(input) => input.findings().iter().map(ToString::to_string).collect(),
            Reader::Ffmpeg(_) => Vec::new(),
        };
        findings.extend(self.triggered.iter().filter_map(Triggered::finding));
        findings.extend(self.level.findings(self.reader.is_float()));
        findings
    }

    /// Returns how many frames (samples per channel) were read.
    pub fn frames_read(&self) -> u64 {
        self.frames
    }

    /// Returns a handle that tells, even from elsewhere, how many bytes of the file were read.
    /// Stays 0 with ffmpeg.
    pub fn position(&self) -> Position {
        Position(Arc::clone(&self.position))
    }
}

impl SampleSource for AudioFile {
    type Error = Error;

    fn channels(&self) -> usize {
        self.channels()
    }

    fn rate(&self) -> u32 {
        self.rate()
    }

    fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Error> {
        let room = self.block.len().min(buffer.room());
        let mut block = std::mem::take(&mut self.block);
        let read = self.read_samples(block.get_mut(..room).unwrap_or_default());
        let rest = read.map(|samples| buffer.write(samples).is_empty());
        self.block = block;
        debug_assert!(!matches!(rest, Ok(false)), "no more than fits");
        rest.map(|_| ())
    }
}

/// Samples to read at a time, or one frame if that is longer.
const BLOCK: usize = 16_384;

fn frames(samples: &[f32], channels: usize) -> u64 {
    u64::try_from(samples.len() / channels).unwrap_or(u64::MAX)
}

impl Reader {
    fn open(path: &Path, track: usize, position: &Arc<AtomicU64>) -> Result<Self, Error> {
        let counted = || Counted::open(path, Arc::clone(position));
        match WaveReader::new(counted()?) {
            Ok(wave) if track == 0 => Ok(Self::Wave(Box::new(wave))),
            Ok(_) => {
                Err(Reason::NoTrack { container: "WAV or AIFF", asked: track, tracks: 1 }.into())
            }
            // WAVE and AIFF may also hold packets.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotWave | ErrorKind::UnsupportedEncoding) =>
            {
                match AudioInput::new(counted()?, track) {
                    Ok(input) => Ok(Self::Symphonia(Box::new(input))),
                    // Nobody reads the encoding, which the first error names.
                    Err(_) if error.kind() == ErrorKind::UnsupportedEncoding => {
                        Err(Reason::Wave(error).into())
                    }
                    Err(other) => Err(other),
                }
            }
            Err(error) => Err(Reason::Wave(error).into()),
        }
    }

    fn channels(&self) -> usize {
        match self {
            Self::Wave(wave) => wave.format().channels.into(),
            Self::Symphonia(input) => input.format().channels,
            Self::Ffmpeg(input) => input.channels(),
        }
    }

    /// Returns whether the samples were recorded as floats, which may exceed full scale.
    fn is_float(&self) -> bool {
        match self {
            Self::Wave(wave) => matches!(wave.format().encoding, Encoding::F32 | Encoding::F64),
            Self::Symphonia(input) => input.format().codec == "PCM",
            Self::Ffmpeg(_) => false,
        }
    }

    fn chunks(&self) -> &[Chunk] {
        match self {
            Self::Wave(wave) => wave.chunks(),
            Self::Symphonia(input) => input.chunks(),
            Self::Ffmpeg(_) => &[],
        }
    }

    fn read_samples<'a>(&mut self, buffer: &'a mut [f32]) -> Result<&'a [f32], Error> {
        match self {
            Self::Wave(wave) => Ok(wave.read_samples(buffer).map_err(Reason::Wave)?),
            Self::Symphonia(input) => input.read_samples(buffer),
            Self::Ffmpeg(input) => input.read_samples(buffer),
        }
    }
}

impl MetadataChunk {
    fn of_wave(chunk: &Chunk) -> Self {
        Self {
            id: match chunk.id {
                ChunkId::FourCc(id) => id.escape_ascii().to_string(),
                guid @ ChunkId::Guid(_) => guid.to_string(),
            },
            offset: chunk.offset,
            len: chunk.len,
            bytes: chunk.bytes.clone(),
        }
    }
}

fn is_of_audio(id: ChunkId) -> bool {
    let ChunkId::FourCc(id) = id else { return false };
    matches!(
        &id,
        b"fmt "
            | b"data"
            | b"fact"
            | b"COMM"
            | b"FVER"
            | b"ds64"
            | b"JUNK"
            | b"junk"
            | b"Junk"
            | b"PAD "
            | b"FLLR"
            | b"filr"
    )
}

fn of_wave(format: wave_demux::Format) -> AudioFormat {
    AudioFormat {
        container: format.form.name().to_owned(),
        codec: format.codec_name(),
        rate: format.rate,
        channels: format.channels.into(),
        // 0 assigns no loudspeakers.
        channel_mask: format.channel_mask.filter(|mask| *mask != 0),
        depth: depth_of_wave(format),
        frame_bytes: Some(format.block_align),
        tracks: 1,
        begins_with_file: true,
        decoder: format!("wave-demux {}", env!("CARGO_PKG_VERSION")),
    }
}

fn of_symphonia(format: &crate::Format) -> AudioFormat {
    AudioFormat {
        container: format.container.to_lowercase(),
        codec: format.codec.to_lowercase(),
        rate: format.rate,
        channels: format.channels,
        channel_mask: format.channel_mask,
        depth: format.depth,
        frame_bytes: None,
        tracks: format.tracks,
        begins_with_file: format.begins_with_file,
        decoder: "symphonia 0.6".to_owned(),
    }
}

/// ffmpeg does not report what it reads.
fn of_ffmpeg(input: &FfmpegInput) -> AudioFormat {
    AudioFormat {
        container: "unknown".to_owned(),
        codec: "unknown".to_owned(),
        rate: input.rate(),
        channels: input.channels(),
        channel_mask: None,
        depth: SampleDepth::MAX,
        frame_bytes: None,
        tracks: 1,
        begins_with_file: true,
        decoder: input.version().to_owned(),
    }
}

fn depth_of_wave(format: wave_demux::Format) -> SampleDepth {
    match format.encoding {
        Encoding::F32 | Encoding::F64 => SampleDepth::MAX,
        // These decode to 16 bits.
        Encoding::ALaw | Encoding::MuLaw => SampleDepth::of_bits(16),
        _ => SampleDepth::of_bits(format.valid_bits.into()),
    }
}
