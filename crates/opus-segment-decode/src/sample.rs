use std::fmt;

/// A sample type that is decoded to: `f32`, with a full scale of -1 to 1, or `i16`, softly limited and
/// rounded as by libopus.
pub trait Sample: sealed::Sealed + Copy + Default + fmt::Debug + Send + 'static {}

impl Sample for i16 {}
impl Sample for f32 {}

pub(crate) mod sealed {
    use std::ops::AddAssign;

    use magnum_opus::Error;

    use crate::limited::LimitedDecoder;

    pub trait Sealed: Sized {
        /// The type of a sum of samples.
        type Sum: AddAssign + Copy + Default;

        /// Whether the limiter bends it.
        const IS_LIMITED: bool;

        /// Decodes one packet of one stream. `raw` is room for samples.
        fn decode(
            decoder: &mut LimitedDecoder,
            packet: &[u8],
            raw: &mut Vec<f32>,
            pcm: &mut [Self],
        ) -> Result<usize, Error>;

        /// Returns the sample times a coefficient in Q15, rounded.
        fn scaled(self, coefficient: i16) -> Self::Sum;

        fn from_sum(sum: Self::Sum) -> Self;

        /// Returns the same product, to be rounded once the sum is known.
        fn product(self, coefficient: i16) -> Self::Sum;

        fn from_products(sum: Self::Sum) -> Self;

        fn scratch(all: &mut Scratches) -> (&mut Vec<f32>, &mut Scratch<Self>);
    }

    /// Buffers reused for every packet.
    #[derive(Debug, Default)]
    pub struct Scratches {
        raw: Vec<f32>,
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

        const IS_LIMITED: bool = true;

        fn decode(
            decoder: &mut LimitedDecoder,
            packet: &[u8],
            raw: &mut Vec<f32>,
            pcm: &mut [i16],
        ) -> Result<usize, Error> {
            decoder.decode_limited(packet, raw, pcm)
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

        fn scratch(all: &mut Scratches) -> (&mut Vec<f32>, &mut Scratch<i16>) {
            (&mut all.raw, &mut all.of_i16)
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

        const IS_LIMITED: bool = false;

        fn decode(
            decoder: &mut LimitedDecoder,
            packet: &[u8],
            _: &mut Vec<f32>,
            pcm: &mut [f32],
        ) -> Result<usize, Error> {
            let samples = decoder.decode(packet, pcm)?;
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

        fn scratch(all: &mut Scratches) -> (&mut Vec<f32>, &mut Scratch<f32>) {
            (&mut all.raw, &mut all.of_f32)
        }
    }
}
