use opus_encode::{Options, SampleBuffer, SampleSource};

/// A source that appends its samples in pieces of many lengths, which may end within a frame.
pub(crate) struct Samples<'a> {
    rest: &'a [f32],
    channels: usize,
    rate: u32,
    piece: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("the source has broken")]
pub(crate) struct Broken;

impl<'a> Samples<'a> {
    pub(crate) fn new(samples: &'a [f32], options: &Options) -> Self {
        let channels = usize::from(options.channels.count());
        Self { rest: samples, channels, rate: options.rate.hz(), piece: 1 }
    }
}

impl SampleSource for Samples<'_> {
    type Error = Broken;

    fn channels(&self) -> usize {
        self.channels
    }

    fn rate(&self) -> u32 {
        self.rate
    }

    fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Broken> {
        let (piece, rest) = self.rest.split_at(self.piece.min(self.rest.len()));
        let left = buffer.write(piece).len();
        self.rest = &self.rest[piece.len() - left..];
        assert_eq!(self.rest.len(), rest.len() + left);
        self.piece = self.piece * 7 % 10_007;
        Ok(())
    }
}

/// Returns noise of half the bandwidth with slightly stronger lows and varying loudness. It is the
/// same in every run and differs between channels.
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

/// Returns audio of the kinds that make a decoder remember: a buzz of 49 Hz, whose period the
/// post-filter uses, with a click every 0.1 s in one half, and silence in between. All channels but
/// the first lag behind.
pub(crate) fn buzz_and_clicks(len: usize, channels: usize) -> Vec<f32> {
    let noise = noise(len, 1);
    let mono = |at: usize| {
        let (second, buzz) = (at / 48_000, (at % 980) as f32 / 980.0 - 0.5);
        let since_click = at % 4800;
        let click = if since_click < 300 { noise[at] * 3.0 } else { noise[at] * 0.02 };
        match second % 4 {
            0 => buzz * 0.3 + noise[at] * 0.001,
            1 => click,
            2 => 0.0,
            _ => buzz * 0.1 + click,
        }
    };
    let lagging = |at: usize, channel: usize| at.checked_sub(9_600 * channel).map_or(0.0, mono);
    (0..len)
        .flat_map(|at| (0..channels).map(move |channel| (at, channel)))
        .map(|(at, channel)| lagging(at, channel))
        .collect()
}

/// Returns the energy of the signal relative to that of the difference, in dB.
pub(crate) fn snr(signal: &[f32], other: &[f32]) -> f64 {
    let energy = |samples: &mut dyn Iterator<Item = f64>| samples.map(|x| x * x).sum::<f64>();
    let noise = energy(&mut signal.iter().zip(other).map(|(a, b)| f64::from(a - b)));
    10.0 * (energy(&mut signal.iter().map(|&a| f64::from(a))) / noise.max(1e-30)).log10()
}
