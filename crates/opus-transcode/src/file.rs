//! One audio file, by the reader that is right for it.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use opus_encode::SampleSource;
use wave_demux::{Chunk, ChunkId, ErrorKind, WaveReader};

use crate::{AudioInput, Error, FfmpegInput, Tag, chunk_tags::chunk_tags, input::open_regular};

/// The audio of a file, and all that it says beside: read by `wave-demux` if it is WAVE or
/// AIFF with samples, by symphonia if not, or by ffmpeg if that is asked for.
pub struct AudioFile {
    reader: Reader,
    position: Arc<AtomicU64>,
    frames: u64,
    /// Those that stand in chunks.
    chunk_tags: Vec<Tag>,
}

/// Which audio of a file to read, and by what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Which of the tracks with audio, counted from 0.
    pub track: usize,
    /// The program `ffmpeg` that is to decode: then whatever it knows can be read, without tags.
    /// None: what is here does.
    pub ffmpeg: Option<PathBuf>,
}

/// What the audio of a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioFormat {
    /// As in `wav`, `rf64`, `flac` or `mp4`.
    pub container: String,
    /// As in `pcm_s16le` or `aac`.
    pub codec: String,
    /// Sample rate in Hz, at least 1.
    pub rate: u32,
    /// At least 1.
    pub channels: usize,
    /// Which loudspeaker each channel is for, if the file says it: the bits of WAVE's
    /// `dwChannelMask`, the lowest for the first channel.
    pub channel_mask: Option<u32>,
    /// How many tracks with audio there are.
    pub tracks: usize,
    /// What decodes it, with its version.
    pub decoder: String,
}

/// A part of a file that is not audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataChunk {
    /// What the file calls it, as in `guan`.
    pub id: String,
    /// Byte position of its contents in the file.
    pub offset: u64,
    /// Bytes of its contents.
    pub len: u64,
    /// The contents; none if they are too long to be kept.
    pub bytes: Option<Vec<u8>>,
}

enum Reader {
    Wave(Box<WaveReader<Counted>>),
    Symphonia(Box<AudioInput>),
    Ffmpeg(Box<FfmpegInput>),
}

impl AudioFile {
    /// Opens a regular file.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, Error> {
        let position = Arc::new(AtomicU64::new(0));
        let reader = match &options.ffmpeg {
            Some(program) => {
                Reader::Ffmpeg(Box::new(FfmpegInput::open(program, path, options.track)?))
            }
            None => Reader::open(path, options.track, &position)?,
        };
        let chunk_tags = match &reader {
            Reader::Wave(wave) => chunk_tags(wave.chunks()),
            Reader::Symphonia(_) | Reader::Ffmpeg(_) => Vec::new(),
        };
        Ok(Self { reader, position, frames: 0, chunk_tags })
    }

    /// What the audio is.
    pub fn format(&self) -> AudioFormat {
        match &self.reader {
            Reader::Wave(wave) => of_wave(wave.format()),
            Reader::Symphonia(input) => of_symphonia(input.format()),
            Reader::Ffmpeg(input) => of_ffmpeg(input),
        }
    }

    /// Names and values, in the form of Vorbis comments: of WAVE those of ID3, of AIFF its texts
    /// as well. What else there is stands in the chunks.
    pub fn tags(&self) -> &[Tag] {
        match &self.reader {
            Reader::Wave(_) | Reader::Ffmpeg(_) => &self.chunk_tags,
            Reader::Symphonia(input) => input.tags(),
        }
    }

    /// The parts of a WAVE or AIFF file that are not about its samples nor there to fill it up, in
    /// their order.
    pub fn chunks(&self) -> Vec<MetadataChunk> {
        let Reader::Wave(wave) = &self.reader else { return Vec::new() };
        let chunks = wave.chunks().iter().filter(|chunk| !is_of_audio(chunk.id));
        chunks.map(MetadataChunk::of_wave).collect()
    }

    /// What is wrong with the file, as far as it has been read; a line each.
    pub fn findings(&self) -> Vec<String> {
        match &self.reader {
            Reader::Wave(wave) => wave.findings().iter().map(ToString::to_string).collect(),
            Reader::Symphonia(input) => input.findings().iter().map(ToString::to_string).collect(),
            Reader::Ffmpeg(_) => Vec::new(),
        }
    }

    /// How many samples have been read, per channel.
    pub fn frames_read(&self) -> u64 {
        self.frames
    }

    /// Tells how much of the file has been read, in bytes, while it is read elsewhere. Of what
    /// ffmpeg reads it is not known.
    pub fn position(&self) -> Position {
        Position(Arc::clone(&self.position))
    }
}

impl SampleSource for AudioFile {
    type Error = Error;

    fn read(&mut self, samples: &mut [f32]) -> Result<usize, Error> {
        let frames = match &mut self.reader {
            Reader::Wave(wave) => {
                wave.read_samples(samples)?.len() / usize::from(wave.format().channels)
            }
            Reader::Symphonia(input) => input.read(samples)?,
            Reader::Ffmpeg(input) => input.read(samples)?,
        };
        self.frames += u64::try_from(frames).unwrap_or(u64::MAX);
        Ok(frames)
    }
}

impl Reader {
    fn open(path: &Path, track: usize, position: &Arc<AtomicU64>) -> Result<Self, Error> {
        let counted = || Counted::open(path, Arc::clone(position));
        match WaveReader::new(counted()?) {
            Ok(wave) if track == 0 => Ok(Self::Wave(Box::new(wave))),
            Ok(_) => Err(Error::NoTrack { container: "WAV or AIFF", asked: track, tracks: 1 }),
            // Both may hold packets as well.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotWave | ErrorKind::UnsupportedEncoding) =>
            {
                Ok(Self::Symphonia(Box::new(AudioInput::new(counted()?, track)?)))
            }
            Err(error) => Err(error.into()),
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
        // 0 says that the channels are for no loudspeakers.
        channel_mask: format.channel_mask.filter(|mask| *mask != 0),
        tracks: 1,
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
        tracks: format.tracks,
        decoder: "symphonia 0.6".to_owned(),
    }
}

/// What ffmpeg reads has no name here.
fn of_ffmpeg(input: &FfmpegInput) -> AudioFormat {
    AudioFormat {
        container: "unknown".to_owned(),
        codec: "unknown".to_owned(),
        rate: input.rate(),
        channels: input.channels(),
        channel_mask: None,
        tracks: 1,
        decoder: input.version().to_owned(),
    }
}

/// How much of a file has been read.
#[derive(Clone, Debug)]
pub struct Position(Arc<AtomicU64>);

impl Position {
    /// The byte behind the last that was read.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A file that says where it is read.
struct Counted {
    file: File,
    position: Arc<AtomicU64>,
}

impl Counted {
    fn open(path: &Path, position: Arc<AtomicU64>) -> Result<Self, Error> {
        Ok(Self { file: open_regular(path)?, position })
    }
}

impl Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(out)?;
        self.position.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = self.file.seek(to)?;
        self.position.store(position, Ordering::Relaxed);
        Ok(position)
    }
}
