use opus_encode::{Channels, CodingRate, EncodedStream, StreamError};
use opus_packet::{OpusHead, Packet, PacketSource, SAMPLE_RATE, Timeline};

use crate::{AudioFile, AudioFormat, Error, TranscodeOptions, Ultrasound, prepared::Prepared};

/// The audio of a file as Opus packets, in constant memory.
///
/// It plays as long as the file: `n` samples at a rate `r` become `n * 48000 / r`, rounded up, and
/// each stands where it stood.
pub struct Transcoder {
    stream: EncodedStream<Prepared>,
    settings: opus_encode::Options,
    format: AudioFormat,
    is_kept: bool,
    warnings: Vec<String>,
}

impl Transcoder {
    /// Begins to transcode a file that stands at its beginning.
    ///
    /// # Errors
    ///
    /// More than 255 channels; ultrasound that is to be rejected; a sample rate from which there is
    /// no resampling; options that the encoder refuses.
    pub fn new(file: AudioFile, options: &TranscodeOptions) -> Result<Self, Error> {
        let format = file.format();
        let count = format.channels;
        let channels = u8::try_from(count).ok().and_then(|count| Channels::new(count).ok());
        let channels = channels.ok_or(Error::Channels { found: count })?;
        let is_ultrasound = format.rate > SAMPLE_RATE;
        if is_ultrasound && options.ultrasound == Ultrasound::Reject {
            return Err(Error::Ultrasound { rate: format.rate });
        }
        let is_kept = is_ultrasound && options.ultrasound == Ultrasound::Keep;
        let rate = if is_kept { None } else { CodingRate::from_hz(format.rate) };
        let rate = rate.unwrap_or(CodingRate::Hz48000);
        let settings = options.encoder(channels, rate);
        let taken_as = if is_kept { SAMPLE_RATE } else { format.rate };
        let order = channels.from_wav().filter(|_| places_are_kept(&format, channels));
        let source = Prepared::new(file, order, taken_as, rate)?;
        let stream = EncodedStream::new(source, &settings, options.threads)?;
        let warnings = warnings(&format, channels, is_kept);
        Ok(Self { stream, settings, format, is_kept, warnings })
    }

    /// The head of the stream. Its input sample rate is that of the file.
    pub fn head(&self) -> Result<OpusHead, Error> {
        Ok(self.stream.head(self.format.rate)?)
    }

    /// Which samples play; known after the last packet.
    pub fn timeline(&self) -> Option<Timeline> {
        self.stream.timeline()
    }

    /// How it is encoded.
    pub fn settings(&self) -> &opus_encode::Options {
        &self.settings
    }

    /// Whether the samples of ultrasound are encoded one for one, as if their rate was 48 kHz.
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// The file; what it says is complete after the last packet.
    pub fn file(&self) -> &AudioFile {
        self.stream.source().file()
    }

    /// What the recording will not have of the file; a line each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl PacketSource for Transcoder {
    type Error = Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        self.stream.next_packet().map_err(|error| match error {
            StreamError::Source(error) => error,
            StreamError::Encode(error) => error.into(),
        })
    }
}

fn warnings(format: &AudioFormat, channels: Channels, is_kept: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    let rate = format.rate;
    let khz = |hz: u32| f64::from(hz) / 1000.0;
    if rate > SAMPLE_RATE && is_kept {
        warnings.push(format!(
            "ultrasound is kept: Opus leaves out what is above {} of {} kHz",
            khz(rate / 48 * 20),
            khz(rate / 2)
        ));
    } else if rate > SAMPLE_RATE {
        warnings.push(format!(
            "sampled at {} kHz: what is between 24 and {} kHz is lost, since Opus has 48 kHz; keeping ultrasound would take the samples as they are",
            khz(rate),
            khz(rate / 2)
        ));
    }
    if !places_are_kept(format, channels) {
        warnings.push(format!(
            "the loudspeakers of its {} channels (mask {:#x}) are none that Opus has a layout for; they stay in their order",
            channels.count(),
            format.channel_mask.unwrap_or_default()
        ));
    }
    warnings
}

/// Whether Opus can say which loudspeaker each channel is for.
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
