//! Something like speech, with a delayed right channel.

use super::*;

/// A linear congruential generator.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.0.to_be_bytes()[0]
    }

    /// A number less than `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::from(u16::from_be_bytes([self.byte(), self.byte()])) % end.max(1)
    }

    /// -1 to 1.
    fn noise(&mut self) -> f32 {
        f32::from(i8::from_be_bytes([self.byte()])) / 128.0
    }
}

const SECONDS: usize = 12;
const RATE: usize = 48_000;
const DELAY: usize = RATE / 5;

/// Interleaved samples: vowels of changing pitch, hisses, clicks and pauses.
pub(super) fn sound(channels: usize) -> Vec<i16> {
    let mut random = Random::new(7);
    let mut left = vec![];
    while left.len() < SECONDS * RATE {
        let len = 2000 + random.below(12_000);
        match random.below(8) {
            0 => left.extend((0..len).map(|_| 0.0)),
            1..=2 => left.extend((0..len).map(|_| random.noise() * 0.2)),
            3 => left.extend((0..len).map(|at| if at % 3000 == 0 { 0.9 } else { 0.0 })),
            _ => vowel(len, &mut random, &mut left),
        }
    }
    let right = |at: usize| at.checked_sub(DELAY).map_or(0.0, |at| left[at]);
    let samples =
        (0..SECONDS * RATE).flat_map(|at| [left[at], right(at)].into_iter().take(channels));
    samples.map(to_i16).collect()
}

/// Pulses through two resonances.
fn vowel(len: usize, random: &mut Random, out: &mut Vec<f32>) {
    let period = 160 + random.below(400);
    let poles = [2 + random.below(6), 8 + random.below(20)].map(|hundreds| {
        let angle = core::f32::consts::TAU * f32::from(u16::try_from(hundreds).unwrap()) / 480.0;
        (2.0 * 0.99 * angle.cos(), -0.99 * 0.99)
    });
    let mut memory = [[0.0_f32; 2]; 2];
    for at in 0..len {
        let mut sample = if at % period == 0 { 0.3 } else { random.noise() * 0.002 };
        for (memory, (first, second)) in memory.iter_mut().zip(poles) {
            let [last, before] = *memory;
            sample += first * last + second * before;
            *memory = [sample, last];
            sample *= 0.3;
        }
        out.push(sample.clamp(-0.9, 0.9));
    }
}

#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it saturates")]
fn to_i16(sample: f32) -> i16 {
    (sample * 32_767.0) as i16
}
