use opus_encode::{Channels, SampleSource};

/// A source that gives its samples in pieces of odd lengths.
pub(crate) struct Samples<'a> {
    left: &'a [f32],
    channels: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("the source has broken")]
pub(crate) struct Broken;

impl<'a> Samples<'a> {
    pub(crate) fn new(samples: &'a [f32], channels: Channels) -> Self {
        Self { left: samples, channels: usize::from(channels.count()) }
    }
}

impl SampleSource for Samples<'_> {
    type Error = Broken;

    fn read(&mut self, samples: &mut [f32]) -> Result<usize, Broken> {
        assert_eq!(samples.len() % self.channels, 0);
        let len = samples.len().min(self.left.len());
        samples[..len].copy_from_slice(&self.left[..len]);
        self.left = &self.left[len..];
        Ok(len / self.channels)
    }
}

/// Noise of half the bandwidth and a little more in the lows, which comes and goes: the same
/// in every run, another one in each channel.
pub(crate) fn noise(len: usize, channels: usize) -> Vec<f32> {
    let mut state = vec![(0f32, 0f32); channels];
    let mut random = 1u64;
    let mut samples = Vec::with_capacity(len * channels);
    for number in 0..len {
        let loudness = 0.25 + 0.2 * (number as f32 / 7000.0).sin();
        for (low, lower) in &mut state {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let white = ((random >> 40) as f32 / 8_388_608.0) - 1.0;
            *low += 0.3 * (white - *low);
            *lower += 0.3 * (*low - *lower);
            samples.push(*lower * loudness * 2.0);
        }
    }
    samples
}

/// Energy of the signal against that of the difference, in dB.
pub(crate) fn snr(signal: &[f32], other: &[f32]) -> f64 {
    let energy = |samples: &mut dyn Iterator<Item = f64>| samples.map(|x| x * x).sum::<f64>();
    let noise = energy(&mut signal.iter().zip(other).map(|(a, b)| f64::from(a - b)));
    10.0 * (energy(&mut signal.iter().map(|&a| f64::from(a))) / noise.max(1e-30)).log10()
}
