//! Float samples that no encoder can take as they are.

/// Replaces what is not a number or not finite, and counts it.
#[derive(Debug, Default)]
pub(crate) struct Level {
    nan: Odd,
    infinite: Odd,
    loud: Odd,
    peak: f32,
}

/// How many samples, and the frame of the first.
#[derive(Debug, Default)]
struct Odd {
    count: u64,
    first: u64,
}

impl Odd {
    fn add(&mut self, frame: u64) {
        if self.count == 0 {
            self.first = frame;
        }
        self.count += 1;
    }
}

/// Louder samples are garbage, and would drown the audio around them.
const ABSURD: f32 = 16_777_216.0;

impl Level {
    /// Checks interleaved samples, the first of which is in `frame`.
    pub(crate) fn check(&mut self, samples: &mut [f32], channels: usize, frame: u64) {
        for (index, sample) in samples.iter_mut().enumerate() {
            if sample.abs() <= 1.0 {
                continue;
            }
            let frame = frame.saturating_add(u64::try_from(index / channels.max(1)).unwrap_or(0));
            if sample.is_nan() {
                *sample = 0.0;
                self.nan.add(frame);
            } else if sample.abs() >= ABSURD {
                *sample = sample.signum();
                self.infinite.add(frame);
            } else {
                self.peak = self.peak.max(sample.abs());
                self.loud.add(frame);
            }
        }
    }

    /// Returns one line for each kind. Lossy codecs overshoot, so `is_float` says whether audio
    /// beyond full scale was recorded.
    pub(crate) fn findings(&self, is_float: bool) -> Vec<String> {
        let Self { nan, infinite, loud, peak } = self;
        let mut lines = Vec::new();
        if nan.count > 0 {
            let Odd { count, first } = nan;
            lines.push(format!("frame {first}: {count} samples are not numbers; replaced by 0"));
        }
        if infinite.count > 0 {
            let Odd { count, first } = infinite;
            lines.push(format!(
                "frame {first}: {count} samples are infinite; replaced by full scale"
            ));
        }
        if loud.count > 0 && is_float {
            let Odd { count, first } = loud;
            let decibels = 20.0 * peak.log10();
            lines.push(format!(
                "frame {first}: {count} samples exceed full scale by up to {decibels:.1} dB; 16-bit output clips them"
            ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_samples_are_replaced_and_counted() {
        let mut level = Level::default();
        let mut samples = [0.5, f32::NAN, -1.0, 4.0, f32::NEG_INFINITY, 1e30, -2.0, 1.0];
        level.check(&mut samples, 2, 10);
        assert_eq!(samples, [0.5, 0.0, -1.0, 4.0, -1.0, 1.0, -2.0, 1.0]);
        let lines = level.findings(true);
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0], "frame 10: 1 samples are not numbers; replaced by 0");
        assert_eq!(lines[1], "frame 12: 2 samples are infinite; replaced by full scale");
        assert!(lines[2].starts_with("frame 11: 2 samples exceed full scale by up to 12.0 dB"));
        assert_eq!(level.findings(false).len(), 2);
    }
}
