//! Writes samples as files for other programs: WAV, FLAC or raw.

mod flac;
mod kept;
mod rate;

use std::{ops::Range, path::Path};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use opus_zarr::{ChannelSelection, Exactness, NotExact, ReadMode, Recording};
use opus_zarr_render::{PcmSample, SampleFormat, Wav, info_chunk, riff_chunk, speakers, wav_order};

pub(crate) use self::rate::{Rate, parse_rate};
use self::{flac::FlacEncoder, kept::Kept, rate::real_rate};
use crate::{failure::Failure, output::Messages, target::Target};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// RIFF/WAVE; RF64 above 4 GiB
    Wav,
    /// FLAC with 16 or 24 bits
    Flac,
    /// Headerless samples, interleaved, little-endian, channels in Opus order
    Raw,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bits {
    /// 16-bit integers
    #[default]
    #[value(name = "16")]
    Int16,
    /// 24-bit integers
    #[value(name = "24")]
    Int24,
    /// 32-bit floating-point numbers; full scale is -1 to 1
    #[value(name = "float32")]
    Float32,
}

/// What a file states about its samples.
#[derive(Clone, Debug)]
pub(crate) struct Sound {
    pub(crate) format: Format,
    pub(crate) bits: Bits,
    /// Samples per second of real time.
    pub(crate) rate: u32,
    pub(crate) channels: u8,
    /// Loudspeaker positions, as in the channel mask of WAV; 0 if unknown.
    pub(crate) speakers: u32,
    /// Per channel.
    pub(crate) samples: u64,
    pub(crate) title: String,
    /// When the first sample was recorded.
    pub(crate) date: Option<String>,
    kept: Kept,
    /// Whether samples are resampled to the rate of the source.
    is_resampled: bool,
}

/// Writes a range of a recording of any length; returns the length of the file in bytes, and what made
/// the samples exact, or why they may not be.
pub(crate) fn write_range(
    recording: &Recording,
    mode: ReadMode,
    range: Range<u64>,
    sound: Sound,
    target: Target<'_>,
    messages: &Messages,
) -> Result<(u64, Proof), Failure> {
    let bar = bar(messages, sound.samples);
    match sound.bits {
        _ if sound.is_resampled => {
            let mut stream = recording.stream_at_source_rate(mode, range)?;
            let read = |samples: &mut [f32]| stream.read(samples);
            let bytes = SoundWriter::new(sound, target)?.write_all(read, &bar, messages)?;
            Ok((bytes, stream.exactness()))
        }
        Bits::Int16 => {
            let mut stream = recording.stream_as::<i16>(mode, range)?;
            let read = |samples: &mut [i16]| stream.read(samples);
            let bytes = SoundWriter::new(sound, target)?.write_all(read, &bar, messages)?;
            Ok((bytes, stream.exactness()))
        }
        Bits::Int24 | Bits::Float32 => {
            let mut stream = recording.stream_as::<f32>(mode, range)?;
            let read = |samples: &mut [f32]| stream.read(samples);
            let bytes = SoundWriter::new(sound, target)?.write_all(read, &bar, messages)?;
            Ok((bytes, stream.exactness()))
        }
    }
}

/// What makes samples exact, or why they may not be.
pub(crate) type Proof = Result<Exactness, NotExact>;

/// Writes samples into a file.
pub(crate) struct SoundWriter<'a> {
    sound: Sound,
    encoder: Encoder,
    target: Target<'a>,
    bytes: Vec<u8>,
    /// Samples of all channels written so far, those at full scale, and the first of these.
    written: usize,
    limited: usize,
    first_limited: Option<usize>,
}

enum Encoder {
    Wav,
    Flac(Box<FlacEncoder>),
    Raw,
}

impl Bits {
    fn format(self) -> SampleFormat {
        match self {
            Self::Int16 => SampleFormat::Int16,
            Self::Int24 => SampleFormat::Int24,
            Self::Float32 => SampleFormat::Float32,
        }
    }
}

impl Format {
    /// Infers the format from the extension of a file.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "wav" | "wave" | "rf64" => Some(Self::Wav),
            "flac" => Some(Self::Flac),
            "raw" | "pcm" => Some(Self::Raw),
            _ => None,
        }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Flac => "flac",
            Self::Raw => "raw",
        }
    }
}

impl Sound {
    /// Describes a range of a recording at its output rate and channels.
    pub(crate) fn of(
        recording: &Recording,
        range: &Range<u64>,
        (format, bits): (Format, Bits),
    ) -> Result<Self, Failure> {
        let (info, output) = (recording.info(), recording.output());
        let channels = output.channels.count(info.channels);
        let channels = u8::try_from(channels).unwrap_or(u8::MAX);
        let ordered = wav_order(info.channels).filter(|_| info.mapping_family == 1);
        let is_ordered = ordered.map(ChannelSelection::Only).as_ref() == Some(&output.channels);
        let speakers = if is_ordered { speakers(channels) } else { 0 };
        let (is_whole, rate) = (*range == (0..info.play_length), real_rate(recording)?);
        Ok(Self {
            kept: Kept::of(info, is_whole, rate),
            is_resampled: false,
            format,
            bits,
            rate,
            channels,
            speakers,
            samples: recording.sample_count(range.clone())?,
            title: recording.name().to_owned(),
            date: recording.utc_of(range.start).map(|time| time.to_string()),
        })
    }

    /// Selects all channels of a recording in the order of a format.
    pub(crate) fn all_channels(recording: &Recording, format: Format) -> ChannelSelection {
        let info = recording.info();
        let order = wav_order(info.channels).filter(|_| info.mapping_family == 1);
        match (format, order) {
            (Format::Wav | Format::Flac, Some(order)) => ChannelSelection::Only(order),
            _ => ChannelSelection::All,
        }
    }

    /// Describes the WAV file, with the texts of the source, and with title and date unless it has these.
    fn wav(&self) -> Wav {
        let texts = [(b"INAM", Some(&self.title)), (b"ICRD", self.date.as_ref())];
        let added: Vec<(&[u8; 4], &str)> = texts
            .into_iter()
            .filter(|(id, _)| !self.kept.has_text(id))
            .filter_map(|(id, text)| Some((id, text?.as_str())))
            .collect();
        let mut wav = Wav::new(self.bits.format(), self.rate, self.channels, self.samples);
        wav.speakers = self.speakers;
        wav.chunks = info_chunk(&self.kept.info, &added);
        self.kept
            .chunks
            .iter()
            .for_each(|(id, content)| wav.chunks.extend(riff_chunk(id, content)));
        wav
    }

    fn check(&self) -> Result<(), Failure> {
        if self.format != Format::Flac {
            return Ok(());
        }
        let refused = match self {
            Self { bits: Bits::Float32, .. } => "float32".to_owned(),
            Self { channels: 9.., .. } => format!("{} channels", self.channels),
            Self { rate: flac::TOO_FAST.., .. } => format!("{} Hz", self.rate),
            _ => return Ok(()),
        };
        Err(Failure::usage(format!("FLAC cannot store {refused}")).with_hint("use --format wav"))
    }
}

impl<'a> SoundWriter<'a> {
    /// Starts the file.
    pub(crate) fn new(sound: Sound, mut target: Target<'a>) -> Result<Self, Failure> {
        sound.check()?;
        let encoder = match sound.format {
            Format::Wav => Encoder::Wav,
            Format::Raw => Encoder::Raw,
            Format::Flac => Encoder::Flac(Box::new(FlacEncoder::new(&sound)?)),
        };
        target.write(&encoder.header(&sound))?;
        let (bytes, first_limited) = (Vec::new(), None);
        Ok(Self { sound, encoder, target, bytes, written: 0, limited: 0, first_limited })
    }

    /// Writes samples of all channels, interleaved.
    pub(crate) fn write<S: PcmSample>(&mut self, samples: &[S]) -> Result<(), Failure> {
        let format = self.sound.bits.format();
        self.bytes.clear();
        samples.iter().for_each(|sample| sample.put(format, &mut self.bytes));
        let mut limited =
            samples.iter().enumerate().filter(|(_, sample)| sample.is_limited(format));
        if let Some((first, _)) = limited.next() {
            self.first_limited.get_or_insert(self.written + first);
            self.limited += 1 + limited.count();
        }
        self.written += samples.len();
        match &mut self.encoder {
            Encoder::Flac(encoder) => self.target.write(&encoder.encode(&self.bytes)?),
            Encoder::Wav | Encoder::Raw => self.target.write(&self.bytes),
        }
    }

    /// Writes a whole stream and ends the file.
    fn write_all<S: PcmSample>(
        mut self,
        mut read: impl FnMut(&mut [S]) -> Result<usize, opus_zarr::Error>,
        bar: &ProgressBar,
        messages: &Messages,
    ) -> Result<u64, Failure> {
        let mut buffer = vec![S::default(); BUFFER];
        loop {
            let count = read(&mut buffer)?;
            let Some(samples) = buffer.get(..count).filter(|samples| !samples.is_empty()) else {
                return self.finish(messages);
            };
            self.write(samples)?;
            bar.inc(u64::try_from(count).unwrap_or_default() / u64::from(self.sound.channels));
        }
    }

    /// Ends the file, and warns if something was limited; returns its length in bytes.
    pub(crate) fn finish(mut self, messages: &Messages) -> Result<u64, Failure> {
        if let Some(first) = self.first_limited {
            let (title, count) = (&self.sound.title, self.limited);
            let frame = first / usize::from(self.sound.channels.max(1));
            let bits = 8 * self.sound.bits.format().bytes();
            messages.warn(format!(
                "recording {title:?}: {count} samples reach full scale, the first at sample {frame} of the output; {bits} bits limit what exceeds it, --bits float32 keeps it"
            ));
        }
        if let Encoder::Flac(encoder) = &mut self.encoder {
            self.target.write(&encoder.finish()?)?;
            self.target.replace_start(&self.encoder.header(&self.sound))?;
        }
        self.target.finish()
    }
}

impl Encoder {
    /// Returns the header of the file, as far as known.
    fn header(&self, sound: &Sound) -> Vec<u8> {
        match self {
            Self::Wav => sound.wav().header(),
            Self::Flac(encoder) => encoder.header(sound),
            Self::Raw => Vec::new(),
        }
    }
}

/// Creates a progress bar.
pub(crate) fn bar(messages: &Messages, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {eta} left");
    let bar = ProgressBar::new(length)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_finish(ProgressFinish::AndClear);
    messages.bars().add(bar)
}

/// Samples of all channels per read.
const BUFFER: usize = 65_536;
