//! Sounds that are hard to code, or that keep what a decoder remembers out of its output.

use std::f32::consts::TAU;

/// A sample at a time in seconds.
pub(super) type Sound = fn(f32, &mut Noise) -> f32;

/// Sounds with long runs of transient frames.
pub(super) const SOUNDS: [(&str, Sound); 5] = [
    ("voices", voices),
    ("clicks", clicks),
    ("castanets", castanets),
    ("rain", rain),
    ("crickets", crickets),
];

/// Left and right, where the right channel follows 0.2 s later.
pub(super) fn stereo(sound: Sound, seconds: u16) -> Vec<f32> {
    let delay = 9_600;
    let left = mono(sound, seconds);
    let right = std::iter::repeat_n(0.0, delay).chain(left.iter().copied());
    left.iter().copied().zip(right).flat_map(|(left, right)| [left, right]).collect()
}

pub(super) fn mono(sound: Sound, seconds: u16) -> Vec<f32> {
    let mut noise = Noise(1);
    (0..seconds)
        .flat_map(|second| (0..48_000u16).map(move |n| (second, n)))
        .map(|(second, n)| sound(f32::from(second) + f32::from(n) / 48_000.0, &mut noise))
        .collect()
}

/// Glottal pulses with formants, in syllables.
pub(super) fn voices(time: f32, noise: &mut Noise) -> f32 {
    let syllable = (time * 4.1).fract();
    let is_voiced = syllable < 0.6 && (time * 0.37).fract() < 0.8;
    let pitch = 95.0 + 25.0 * (time * 2.3).sin();
    let phase = (time * pitch).fract() / pitch;
    let formants = [(700.0, 90.0), (1220.0, 120.0), (2600.0, 200.0)]
        .map(|(hz, decay): (f32, f32)| (phase * hz * TAU).sin() * (-phase * decay * 6.0).exp());
    let voiced = if is_voiced { formants.iter().sum::<f32>() * 0.2 } else { 0.0 };
    let is_fricative = (0.6..0.75).contains(&syllable);
    voiced + noise.next() * if is_fricative { 0.08 } else { 0.0003 }
}

pub(super) fn clicks(time: f32, noise: &mut Noise) -> f32 {
    let since = (time * 61.0).fract() / 61.0;
    0.5 * (-since * 4_000.0).exp() * noise.next() + 0.0002 * noise.next()
}

pub(super) fn castanets(time: f32, noise: &mut Noise) -> f32 {
    let since = (time * 7.3).fract() / 7.3;
    0.6 * (-since * 90.0).exp() * (noise.next() + (since * 2_300.0 * TAU).sin()) * 0.5
}

pub(super) fn rain(_: f32, noise: &mut Noise) -> f32 {
    let drop = noise.next();
    if drop > 0.995 { 0.8 * noise.next() } else { 0.004 * drop }
}

fn crickets(time: f32, noise: &mut Noise) -> f32 {
    let chirp = (time * 31.0).fract();
    let gate = if chirp < 0.4 && (time * 1.7).fract() < 0.7 { 0.3 } else { 0.0 };
    gate * (time * 4_700.0 * TAU).sin() + 0.001 * noise.next()
}

pub(super) struct Noise(u32);

impl Noise {
    /// From -1 to 1.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from(u16::try_from(self.0 >> 16).unwrap()) / 32_768.0 - 1.0
    }
}
