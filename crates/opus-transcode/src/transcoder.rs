use opus_encode::{Channels, CodingRate, EncodedStream, SampleDepth};
use opus_packet::{OpusHead, Packet, PacketSource, SAMPLE_RATE, Timeline};

use crate::{
    AudioFile, AudioFormat, Error, TranscodeOptions, Ultrasound, error::Reason, prepared::Prepared,
    resample,
};

/// Transcodes the audio of a file to Opus packets, in constant memory.
///
/// Playback has the length of the file: `n` samples at rate `r` become `n * 48000 / r`, rounded up,
/// with every sample at its place.
///
/// The caller pulls the packets, so it can report progress after each one and cancel by dropping
/// the transcoder, which stops its threads and ffmpeg.
pub struct Transcoder {
    stream: EncodedStream<Prepared>,
    settings: opus_encode::Options,
    format: AudioFormat,
    is_kept: bool,
    warnings: Vec<String>,
}

impl Transcoder {
    /// Starts to transcode a file that was not read yet.
    ///
    /// # Errors
    ///
    /// More than 255 channels, rejected ultrasound, a sample rate that cannot be resampled, and
    /// options that the encoder rejects.
    pub fn new(file: AudioFile, options: &TranscodeOptions) -> Result<Self, Error> {
        let format = file.format();
        let channels = channels(&format)?;
        options.check_rate(format.rate)?;
        let is_kept = is_kept(&format, options);
        let rate = CodingRate::from_hz(format.rate).unwrap_or(CodingRate::Hz48000);
        let depth = format.depth.max(SampleDepth::of_bits(LEAST_DEPTH));
        let settings = options.encoder(channels, rate).depth(depth);
        let order = channels.from_wav().filter(|_| places_are_kept(&format, channels));
        let source = Prepared::new(file, order, rate, is_kept)?;
        let stream = EncodedStream::new(source, &settings, options.threads);
        let stream = stream.map_err(Error::of_encode)?;
        let warnings = options.warnings(&format);
        Ok(Self { stream, settings, format, is_kept, warnings })
    }

    /// Returns an error if audio of this format cannot be transcoded with these options: because of its
    /// channels or its rate.
    pub fn check(format: &AudioFormat, options: &TranscodeOptions) -> Result<(), Error> {
        channels(format)?;
        options.check_rate(format.rate)?;
        match is_kept(format, options) {
            true => Ok(()),
            false => resample::check_rate(format.channels, format.rate, SAMPLE_RATE),
        }
    }

    /// Returns the next packet, or `None` at the end.
    ///
    /// The same as [`PacketSource::next_packet`], without importing the trait.
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        self.stream.next_packet().map_err(Error::of_encode)
    }

    /// Returns the head of the stream, with the sample rate of the file as input sample rate.
    pub fn head(&self) -> Result<OpusHead, Error> {
        self.stream.head(self.format.rate).map_err(Error::of_encode)
    }

    /// Returns which samples play; known after the last packet.
    pub fn timeline(&self) -> Option<Timeline> {
        self.stream.timeline()
    }

    /// Returns the options of the encoder.
    pub fn settings(&self) -> &opus_encode::Options {
        &self.settings
    }

    /// Returns whether ultrasound is encoded one for one, as if its rate was 48 kHz.
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Returns the file, whose findings are complete after the last packet.
    pub fn file(&self) -> &AudioFile {
        self.stream.source().file()
    }

    /// Returns what the recording loses of the file, one line each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl PacketSource for Transcoder {
    type Error = Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        self.next_packet()
    }
}

fn channels(format: &AudioFormat) -> Result<Channels, Error> {
    let found = format.channels;
    let channels = u8::try_from(found).ok().and_then(|count| Channels::new(count).ok());
    Ok(channels.ok_or(Reason::Channels { found })?)
}

fn is_kept(format: &AudioFormat, options: &TranscodeOptions) -> bool {
    format.rate > SAMPLE_RATE && options.ultrasound == Ultrasound::Keep
}

/// The smallest depth to tell libopus. With 8 bits, it saved so many bytes that one recording lost
/// 27 dB of SNR.
const LEAST_DEPTH: u32 = 16;

/// Returns what a recording of such a file would lose, one line each.
pub(crate) fn warnings(format: &AudioFormat, ultrasound: Ultrasound) -> Vec<String> {
    let mut warnings = Vec::new();
    let (rate, is_kept) = (format.rate, ultrasound == Ultrasound::Keep);
    let khz = |hz: u32| f64::from(hz) / 1000.0;
    if rate > SAMPLE_RATE && is_kept {
        warnings.push(format!(
            "kept ultrasound; Opus drops everything above {} of {} kHz",
            khz(rate / 48 * 20),
            khz(rate / 2)
        ));
    } else if rate > SAMPLE_RATE {
        warnings.push(format!(
            "resampled from {} kHz to 48 kHz, losing everything between 24 and {} kHz; keep ultrasound to encode all samples",
            khz(rate),
            khz(rate / 2)
        ));
    }
    let count = u8::try_from(format.channels).ok();
    let channels = count.and_then(|count| Channels::new(count).ok());
    if channels.is_some_and(|channels| !places_are_kept(format, channels)) {
        warnings.push(format!(
            "Opus has no layout for the loudspeakers of these {} channels (mask {:#x}); kept their order",
            format.channels,
            format.channel_mask.unwrap_or_default()
        ));
    }
    warnings
}

/// Returns whether Opus has a layout for the loudspeakers of the channels.
fn places_are_kept(format: &AudioFormat, channels: Channels) -> bool {
    let known: &[u32] = match channels.count() {
        1 => return true,
        2 => &[0x3],
        3 => &[0x7],
        4 => &[0x33, 0x603],
        5 => &[0x37, 0x607],
        6 => &[0x3f, 0x60f],
        7 => &[0x70f],
        8 => &[0x63f],
        _ => return true,
    };
    format.channel_mask.is_none_or(|mask| known.contains(&mask))
}
