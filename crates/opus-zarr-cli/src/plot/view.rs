//! What a spectrogram shows: frequencies, levels, and windows.

use std::ops::Range;

use crate::failure::Failure;

#[derive(clap::Args)]
pub(crate) struct View {
    /// Frequencies of a spectrogram in Hz, such as 500..8000 [default: all that can hold sound]
    #[arg(long, value_name = "F0..F1", value_parser = frequencies)]
    frequencies: Option<Range<f64>>,
    /// Levels of the first and the last colour of a spectrogram in dB of full scale, such as -90..-20
    /// [default: from the background to the loudest sounds]
    #[arg(long, value_name = "L0..L1", value_parser = range, allow_hyphen_values = true)]
    levels: Option<Range<f64>>,
    /// Window of a spectrogram in samples, 16 to 65536 [default: about as wide as high in the picture]
    #[arg(long, value_name = "SAMPLES", value_parser = clap::value_parser!(u32).range(16..=65_536))]
    window: Option<u32>,
}

impl View {
    pub(crate) fn is_any(&self) -> bool {
        self.frequencies.is_some() || self.levels.is_some() || self.window.is_some()
    }

    /// The shares of half the sample rate between which frequencies lie.
    pub(crate) fn band(&self, rate: f64, default: f64) -> Result<Range<f64>, Failure> {
        let Some(frequencies) = &self.frequencies else { return Ok(0.0..default) };
        let nyquist = rate / 2.0;
        if frequencies.start >= nyquist {
            let message = format!(
                "frequencies from {} Hz on cannot be drawn, only up to {nyquist} Hz",
                frequencies.start
            );
            return Err(Failure::usage(message));
        }
        Ok(frequencies.start / nyquist..(frequencies.end / nyquist).min(1.0))
    }

    pub(crate) fn levels(&self) -> Option<Range<f64>> {
        self.levels.clone()
    }

    pub(crate) fn window(&self) -> Option<usize> {
        self.window.and_then(|window| usize::try_from(window).ok())
    }
}

fn frequencies(text: &str) -> Result<Range<f64>, String> {
    range(text).and_then(|range| match range.start {
        0.0.. => Ok(range),
        _ => Err("frequencies are not negative".to_owned()),
    })
}

fn range(text: &str) -> Result<Range<f64>, String> {
    let number = |text: &str| text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    text.split_once("..")
        .and_then(|(start, end)| Some(number(start)?..number(end)?))
        .filter(|range| range.end - range.start >= 1.0)
        .ok_or_else(|| "expected two numbers at least 1 apart, such as 500..8000".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_two_numbers() {
        assert_eq!(range("-90..-20.5"), Ok(-90.0..-20.5));
        assert_eq!(frequencies("0..8000"), Ok(0.0..8000.0));
        for text in ["", "5", "5..", "..5", "8000..500", "5..5", "a..b", "0..inf", "nan..5"] {
            assert!(range(text).is_err(), "{text}");
        }
        assert!(frequencies("-5..5").is_err());
    }

    #[test]
    fn bands_end_at_half_the_rate() {
        let view = |frequencies| View { frequencies, levels: None, window: None };
        let band = |frequencies| view(frequencies).band(48_000.0, 0.5);
        assert_eq!(band(None).unwrap(), 0.0..0.5);
        assert_eq!(band(Some(6000.0..12_000.0)).unwrap(), 0.25..0.5);
        assert_eq!(band(Some(0.0..90_000.0)).unwrap(), 0.0..1.0);
        assert!(band(Some(24_000.0..30_000.0)).is_err());
    }
}
