use std::fmt;

/// A sample type that libopus decodes to: `i16`, which it softly limits and rounds itself, or
/// `f32`, with a full scale of -1 to 1.
pub trait Sample: sealed::Sealed + Copy + Default + fmt::Debug + Send + 'static {}

impl Sample for i16 {}
impl Sample for f32 {}

pub(crate) mod sealed {
    use std::ops::AddAssign;

    use magnum_opus::{Decoder, Error};

    pub trait Sealed: Sized {
        /// The type of a sum of samples.
        type Sum: AddAssign + Copy + Default;

        fn decode(decoder: &mut Decoder, packet: &[u8], pcm: &mut [Self]) -> Result<usize, Error>;

        /// Returns the sample times a coefficient in Q15, rounded.
        fn scaled(self, coefficient: i16) -> Self::Sum;

        fn from_sum(sum: Self::Sum) -> Self;

        /// Returns the same product, to be rounded once the sum is known.
        fn product(self, coefficient: i16) -> Self::Sum;

        fn from_products(sum: Self::Sum) -> Self;

        fn scratch(both: &mut Scratches) -> &mut Scratch<Self>;
    }

    /// Buffers reused for every packet.
    #[derive(Debug, Default)]
    pub struct Scratches {
        of_i16: Scratch<i16>,
        of_f32: Scratch<f32>,
    }

    #[derive(Debug, Default)]
    pub struct Scratch<S: Sealed> {
        /// The output of each stream, in stream order.
        pub decoded: Vec<S>,
        /// One channel of the output.
        pub sums: Vec<S::Sum>,
    }

    impl Sealed for i16 {
        type Sum = i32;

        fn decode(decoder: &mut Decoder, packet: &[u8], pcm: &mut [i16]) -> Result<usize, Error> {
            decoder.decode(packet, pcm, false)
        }

        /// Rounds like the projection decoder of libopus.
        fn scaled(self, coefficient: i16) -> i32 {
            (i32::from(self) * i32::from(coefficient) + (1 << 14)) >> 15
        }

        fn from_sum(sum: i32) -> i16 {
            i16::try_from(sum).unwrap_or(if sum < 0 { i16::MIN } else { i16::MAX })
        }

        fn product(self, coefficient: i16) -> i32 {
            i32::from(self) * i32::from(coefficient)
        }

        fn from_products(sum: i32) -> i16 {
            Self::from_sum((sum + (1 << 14)) >> 15)
        }

        fn scratch(both: &mut Scratches) -> &mut Scratch<i16> {
            &mut both.of_i16
        }
    }

    /// Sets samples to 0 that are far below the last bit of any sound. In digital silence,
    /// the de-emphasis of CELT can settle at two values one bit apart, near 5.7e-30, depending on
    /// where decoding began.
    fn flush(pcm: &mut [f32]) {
        for sample in pcm {
            *sample = if sample.abs() < SMALLEST { 0.0 } else { *sample };
        }
    }

    const SMALLEST: f32 = 1e-30;

    impl Sealed for f32 {
        type Sum = f32;

        fn decode(decoder: &mut Decoder, packet: &[u8], pcm: &mut [f32]) -> Result<usize, Error> {
            let samples = decoder.decode_float(packet, pcm, false)?;
            flush(pcm);
            Ok(samples)
        }

        fn scaled(self, coefficient: i16) -> f32 {
            f32::from(coefficient) / 32_768.0 * self
        }

        fn from_sum(sum: f32) -> f32 {
            sum
        }

        fn product(self, coefficient: i16) -> f32 {
            self.scaled(coefficient)
        }

        fn from_products(sum: f32) -> f32 {
            sum
        }

        fn scratch(both: &mut Scratches) -> &mut Scratch<f32> {
            &mut both.of_f32
        }
    }
}
