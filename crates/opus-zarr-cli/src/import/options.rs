//! The options that decide how audio is stored.

use opus_zarr::{Bitrate, FrameDuration, ImportOptions, Ultrasound};

#[derive(clap::Args)]
pub(super) struct Encoding {
    /// Bits per second for encoding, all channels together, such as `64k` [default: 96k mono, 160k
    /// stereo, 80k per channel for more]
    #[arg(long, value_name = "RATE", value_parser = bitrate)]
    bitrate: Option<Bitrate>,
    /// Milliseconds per encoded packet: 2.5, 5, 10, 20, 40, 60, 80, 100 or 120
    #[arg(long, value_name = "MS", default_value = "20", value_parser = frame_duration)]
    frame: FrameDuration,
    /// How to handle sample rates above 48 kHz
    #[arg(long, value_name = "WHAT", default_value = "downsample")]
    ultrasonic: Ultrasonic,
    /// Build a sync map so that reads are exact [default: for encoded audio, and for Opus with SILK
    /// or hybrid packets, as most speech has]
    #[arg(long, conflicts_with = "approximate")]
    exact: bool,
    /// Build no sync map, which for Opus saves three to four decodes of the file; `opus-zarr sync`
    /// can build it later
    #[arg(long)]
    approximate: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Ultrasonic {
    /// Keep every sample and play it slower; frequencies up to 20/48 of the sample rate survive
    Keep,
    /// Resample to 48 kHz; frequencies above 20 kHz are lost
    Downsample,
    /// Refuse the file
    Reject,
}

impl Encoding {
    /// Adds these options to others.
    pub(super) fn add_to(&self, mut options: ImportOptions) -> ImportOptions {
        options.exact = (self.exact || self.approximate).then_some(self.exact);
        options.transcode.bitrate = self.bitrate;
        options.transcode.frame_duration = self.frame;
        options.transcode.ultrasound = match self.ultrasonic {
            Ultrasonic::Keep => Ultrasound::Keep,
            Ultrasonic::Downsample => Ultrasound::Downsample,
            Ultrasonic::Reject => Ultrasound::Reject,
        };
        options
    }
}

/// Parses `64k`, `64kb/s` or `64000`. Refuses numbers below 1000, which surely mean thousands, instead
/// of guessing.
fn bitrate(text: &str) -> Result<Bitrate, String> {
    let expected = || "expected bits per second, such as 64k or 64000".to_owned();
    let lower = text.trim().to_ascii_lowercase();
    let number = lower.trim_end_matches("b/s").trim_end_matches("bps").trim_end();
    let (number, unit) = match number.strip_suffix('k') {
        Some(number) => (number.trim_end(), 1000),
        None => (number, 1),
    };
    let bits = number.parse::<u32>().ok().and_then(|number| number.checked_mul(unit));
    match bits.ok_or_else(expected)? {
        few @ ..1000 => Err(format!("{few} bits per second is too low; did you mean {few}k?")),
        bits => Ok(Bitrate::bits_per_second(bits)),
    }
}

fn frame_duration(text: &str) -> Result<FrameDuration, String> {
    let number = text.trim().trim_end_matches("ms").trim_end();
    let micros = number.parse::<f64>().ok().map(|millis| millis * 48.0);
    let found = FrameDuration::ALL
        .into_iter()
        .find(|duration| micros == Some(f64::from(duration.samples())));
    found.ok_or_else(|| "expected 2.5, 5, 10, 20, 40, 60, 80, 100 or 120 milliseconds".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitrates_have_several_forms() {
        for text in ["64k", "64000", "64 kb/s", "64kbps", "64K"] {
            assert_eq!(bitrate(text), Ok(Bitrate::bits_per_second(64_000)), "{text}");
        }
        for text in ["64", "", "k", "-1", "5000000k", "64m"] {
            assert!(bitrate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn frame_durations_are_those_of_opus() {
        assert_eq!(frame_duration("2.5"), Ok(FrameDuration::Ms2_5));
        assert_eq!(frame_duration("120ms"), Ok(FrameDuration::Ms120));
        for text in ["30", "0", "NaN", "", "20s"] {
            assert!(frame_duration(text).is_err(), "{text}");
        }
    }
}
