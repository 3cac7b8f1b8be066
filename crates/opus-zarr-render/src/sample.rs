//! The bytes of samples.

use opus_zarr::Sample;

/// How samples are stored: little-endian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SampleFormat {
    /// 16-bit integers.
    #[default]
    Int16,
    /// 24-bit integers.
    Int24,
    /// 32-bit floating-point numbers; full scale is -1 to 1.
    Float32,
}

impl SampleFormat {
    /// How many bytes a sample takes.
    pub fn bytes(self) -> u8 {
        match self {
            Self::Int16 => 2,
            Self::Int24 => 3,
            Self::Float32 => 4,
        }
    }
}

/// A sample that can be stored. `i16` is stored as it is, whatever the format; `f32` is rounded for the
/// formats of integers.
pub trait PcmSample: Sample {
    /// Appends the sample.
    fn put(self, format: SampleFormat, bytes: &mut Vec<u8>);

    /// Returns whether the sample is as loud as its format allows. libopus limits every peak beyond
    /// full scale to that, and so does the conversion to integers here.
    fn is_limited(self, format: SampleFormat) -> bool;
}

impl PcmSample for i16 {
    fn put(self, _: SampleFormat, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }

    fn is_limited(self, _: SampleFormat) -> bool {
        matches!(self, Self::MIN | Self::MAX)
    }
}

impl PcmSample for f32 {
    fn put(self, format: SampleFormat, bytes: &mut Vec<u8>) {
        match format {
            SampleFormat::Float32 => bytes.extend(self.to_le_bytes()),
            SampleFormat::Int16 => {
                let [low, high, ..] = integer(self, 16).to_le_bytes();
                bytes.extend([low, high]);
            }
            SampleFormat::Int24 => {
                let [low, middle, high, _] = integer(self, 24).to_le_bytes();
                bytes.extend([low, middle, high]);
            }
        }
    }

    fn is_limited(self, format: SampleFormat) -> bool {
        format != SampleFormat::Float32 && self.abs() >= 1.0
    }
}

/// Rounds a sample to an integer of this many bits.
#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "within the limits")]
fn integer(sample: f32, bits: i32) -> i32 {
    let scale = 2_f64.powi(bits - 1);
    (f64::from(sample) * scale).round().clamp(-scale, scale - 1.0) as i32
}
