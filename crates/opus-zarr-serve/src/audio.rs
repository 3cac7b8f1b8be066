//! Recordings as files.

use std::{ops::Range, sync::Arc};

use opus_zarr::{ReadMode, Recording, Sample};
use opus_zarr_render::{PcmSample, SampleFormat, Wav, info_chunk, speakers, wav_order};

use crate::{
    Cut, Problem,
    reply::{A_WHILE, Representation},
};

/// The Ogg Opus stream as it is stored.
pub(crate) fn opus(recording: &Recording) -> Representation {
    let info = recording.info();
    Representation {
        media_type: "audio/ogg; codecs=opus",
        tag: format!("\"{}\"", info.blob_sha256),
        length: info.blob_bytes,
        cache: A_WHILE,
        file: Some(format!("{}.opus", recording.name())),
    }
}

/// A part of a recording as a WAV file.
#[derive(Debug)]
pub(crate) struct WavFile {
    recording: Arc<Recording>,
    /// In play samples.
    part: Range<u64>,
    header: Vec<u8>,
    wav: Wav,
}

impl WavFile {
    pub(crate) fn new(recording: Arc<Recording>, cut: &Cut) -> Result<Self, Problem> {
        let part = recording.select(&cut.selection)?;
        let info = recording.info();
        let format = match cut.bits {
            24 => SampleFormat::Int24,
            32 => SampleFormat::Float32,
            _ => SampleFormat::Int16,
        };
        let rate = rate(info.real_rate.get(), cut.speed)?;
        let mut wav = Wav::new(format, rate, info.channels, part.end - part.start);
        if info.mapping_family == 1 && wav_order(info.channels).is_some() {
            wav.speakers = speakers(info.channels);
        }
        let start = recording.utc_of(part.start).map(|time| time.to_string());
        let mut texts: Vec<(&[u8; 4], &str)> = vec![(b"INAM", recording.name())];
        texts.extend(start.as_deref().map(|start| (b"ICRD", start)));
        wav.chunks = info_chunk(&[], &texts);
        Ok(Self { header: wav.header(), recording, part, wav })
    }

    pub(crate) fn representation(&self) -> Representation {
        let header = u64::try_from(self.header.len()).unwrap_or(u64::MAX);
        Representation {
            media_type: "audio/wav",
            tag: tag(&self.recording),
            length: header.saturating_add(self.wav.data_bytes()),
            cache: A_WHILE,
            file: Some(format!("{}.wav", self.recording.name())),
        }
    }

    /// Returns some bytes of the file, which need not begin or end with a sample.
    pub(crate) fn bytes(&self, range: &Range<u64>) -> Result<Vec<u8>, Problem> {
        let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        let header = u64::try_from(self.header.len()).unwrap_or(u64::MAX);
        let of_header = size(range.start.min(header))..size(range.end.min(header));
        let mut bytes = self.header.get(of_header).unwrap_or_default().to_vec();
        let data = range.start.saturating_sub(header)..range.end.saturating_sub(header);
        if data.is_empty() {
            return Ok(bytes);
        }
        let frame = u64::from(self.wav.format.bytes()) * u64::from(self.wav.channels);
        let (first, end) = (data.start / frame, data.end.div_ceil(frame));
        let samples = self.part.start + first..self.part.start + end;
        let decoded = match self.wav.format {
            SampleFormat::Int16 => decode::<i16>(&self.recording, samples, self.wav.format)?,
            _ => decode::<f32>(&self.recording, samples, self.wav.format)?,
        };
        let at = first * frame;
        let wanted = size(data.start - at)..size(data.end - at);
        bytes.extend(decoded.get(wanted).unwrap_or_default());
        Ok(bytes)
    }
}

/// Decodes samples into their bytes.
pub(crate) fn decode<S: PcmSample + Sample>(
    recording: &Recording,
    range: Range<u64>,
    format: SampleFormat,
) -> Result<Vec<u8>, Problem> {
    let samples: Vec<S> = recording.read(range)?;
    let mut bytes = Vec::with_capacity(samples.len() * usize::from(format.bytes()));
    samples.iter().for_each(|sample| sample.put(format, &mut bytes));
    Ok(bytes)
}

/// An entity tag of what is made of the samples and the attributes of a recording. The URL says the rest.
pub(crate) fn tag(recording: &Recording) -> String {
    let info = recording.info();
    let mode = match recording.read_mode() {
        ReadMode::Exact => "exact",
        _ => "agreed",
    };
    format!("\"{}-{}-{mode}\"", info.blob_sha256, info.generation)
}

/// The sample rate of a file that plays at another speed.
#[allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and 2^32"
)]
fn rate(real_rate: u32, speed: f64) -> Result<u32, Problem> {
    let rate = (f64::from(real_rate) * speed).round();
    if !(1.0..=f64::from(u32::MAX)).contains(&rate) {
        return Err(Problem::bad(format!("invalid speed {speed}: the rate would be {rate} Hz")));
    }
    Ok(rate as u32)
}
