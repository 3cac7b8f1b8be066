//! Made-up audio: a minute each, mono, at 48 kHz.

use std::f32::consts::TAU;

use opus_zarr_testkit::Random;

use crate::SECOND;

const SECONDS: u64 = 60;

/// A voice with pauses: harmonics of a wandering pitch, between bursts of noise.
pub(crate) fn voice() -> Vec<f32> {
    let (mut noise, mut phase) = (Noise(Random(1)), 0.0);
    each(|time| {
        phase = (phase + (120.0 + 40.0 * (time * 1.3).sin()) / 48_000.0).fract();
        let loudness = ((time * 2.7).sin() + 0.3).max(0.0) * (1.2 + (time * 19.0).sin());
        let bright = 1.5 + (time * 5.1).sin();
        let harmonics = (1..24u8).map(f32::from);
        let tone: f32 = harmonics.map(|n| (TAU * phase * n).sin() / n.powf(bright)).sum();
        let hiss = if (time * 3.7).sin() > 0.8 { 0.05 } else { 0.002 };
        0.15 * loudness * tone + hiss * noise.next()
    })
}

/// Sweeps of a pure tone, each from another pitch to another.
pub(crate) fn chirps() -> Vec<f32> {
    let (mut random, mut phase) = (Random(2), 0.0);
    let (mut from, mut to, mut left, mut all) = (0.0, 0.0, 0, 1);
    each(|_| {
        if left == 0 {
            all = 4_800 + random.below(SECOND);
            left = all;
            [from, to] = [(); 2].map(|()| 200.0 * 60f32.powf(fraction(&mut random)));
        }
        left -= 1;
        let done = 1.0 - left as f32 / all as f32;
        phase = (phase + (from + (to - from) * done) / 48_000.0).fract();
        0.4 * (TAU * phase).sin() * (TAU / 2.0 * done).sin().max(0.0).sqrt()
    })
}

/// Plucked strings, several at a time, that fade.
pub(crate) fn strings() -> Vec<f32> {
    let mut random = Random(3);
    // Phase, pitch and loudness.
    let mut strings = [[0f32; 3]; 8];
    let (mut left, mut next) = (0, 0);
    each(|_| {
        if left == 0 {
            left = 4_800 + random.below(14_400);
            strings[next] = [0.0, 80.0 * 12f32.powf(fraction(&mut random)), 0.3];
            next = (next + 1) % strings.len();
        }
        left -= 1;
        let mut sum = 0.0;
        for [phase, pitch, loudness] in &mut strings {
            *phase = (*phase + *pitch / 48_000.0).fract();
            *loudness *= 0.999_97;
            for n in (1..9u8).map(f32::from) {
                sum += (TAU * *phase * n).sin() * *loudness / (n * n);
            }
        }
        0.5 * sum
    })
}

/// Short notes between 2 and 8 kHz that tremble, in quiet noise.
pub(crate) fn birds() -> Vec<f32> {
    let (mut random, mut noise) = (Random(4), Noise(Random(5)));
    let (mut left, mut pitch, mut phase, mut low) = (0, 0.0, 0.0, 0.0);
    each(|time| {
        if left == 0 {
            left = 2_400 + random.below(24_000);
            pitch = 2000.0 + 6000.0 * fraction(&mut random);
        }
        left -= 1;
        low += 0.2 * (noise.next() - low);
        phase = (phase + pitch * (1.0 + 0.05 * (time * 190.0).sin()) / 48_000.0).fract();
        let note = (left as f32 - 3_600.0).clamp(0.0, 2_400.0) / 2_400.0;
        0.02 * low + 0.25 * note * (TAU * phase).sin()
    })
}

fn each(mut sample: impl FnMut(f32) -> f32) -> Vec<f32> {
    (0..SECONDS * SECOND).map(|n| sample(n as f32 / 48_000.0)).collect()
}

struct Noise(Random);

impl Noise {
    fn next(&mut self) -> f32 {
        2.0 * fraction(&mut self.0) - 1.0
    }
}

fn fraction(random: &mut Random) -> f32 {
    random.below(1 << 24) as f32 / 16_777_216.0
}
