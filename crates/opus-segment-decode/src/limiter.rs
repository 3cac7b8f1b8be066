//! The soft limiter and the rounding of libopus for 16-bit output, a port of
//! `opus_pcm_soft_clip` in libopus 1.3.1.
//!
//! Copyright (c) 2011 Xiph.Org Foundation, Skype Limited. Written by Jean-Marc Valin and Koen Vos.
//!
//! Redistribution and use in source and binary forms, with or without modification, are
//! permitted provided that the following conditions are met:
//! - Redistributions of source code must retain the above copyright notice, this list of
//!   conditions and the following disclaimer.
//! - Redistributions in binary form must reproduce the above copyright notice, this list of
//!   conditions and the following disclaimer in the documentation and/or other materials
//!   provided with the distribution.
//!
//! THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR
//! IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY
//! AND FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT OWNER OR
//! CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR
//! CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
//! SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY
//! THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR
//! OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE
//! POSSIBILITY OF SUCH DAMAGE.

use std::num::NonZeroUsize;

/// Turns the `f32` output of libopus into its `i16` output, bit for bit: decoding to `i16` is
/// decoding to `f32`, then this, once for each packet of each stream before channels are mapped.
/// Packets that are lost (not those with empty frames) are not limited. A libopus whose compiler
/// fuses multiplications and additions, as some do for aarch64, may round samples beyond full scale
/// differently.
///
/// Where the signal exceeds full scale, the limiter bends the curve from one zero crossing to the
/// next. It remembers from one packet to the next only how it was bent at the end of a packet.
///
/// ```
/// use std::num::NonZeroUsize;
///
/// use opus_segment_decode::{Limiter, to_i16};
///
/// let mut limiter = Limiter::new(NonZeroUsize::MIN);
/// let mut pcm = [0.5, 1.5, 0.5, -0.5];
/// limiter.limit(&mut pcm);
/// assert!(pcm[1] <= 1.0);
/// assert_eq!((to_i16(pcm[1]), to_i16(pcm[3])), (32_767, -16_384));
/// ```
#[derive(Clone, Debug)]
pub struct Limiter {
    /// The factor of the square at the end of the last packet, for each channel. Zero unless the
    /// packet ended beyond full scale or before the next zero crossing.
    memory: Vec<f32>,
    /// One channel of a packet.
    channel: Vec<f32>,
}

/// The level at which the curve is flat.
const HIGHEST: f32 = 2.0;
/// Just enough that rounding cannot lead beyond full scale.
const BOOST: f32 = 2.4e-7;

impl Limiter {
    /// A limiter as it is at the start of a stream and after every packet within full scale.
    pub fn new(channels: NonZeroUsize) -> Self {
        Self { memory: vec![0.0; channels.get()], channel: Vec::new() }
    }

    /// Makes it as if new.
    #[cfg(feature = "libopus")]
    pub(crate) fn clear(&mut self) {
        self.memory.fill(0.0);
    }

    /// Limits the interleaved samples of one packet.
    pub fn limit(&mut self, pcm: &mut [f32]) {
        let is_loud = pcm.iter().fold(false, |is_loud, sample| is_loud | is_beyond(*sample));
        // Almost every packet.
        if !is_loud && self.memory.iter().all(|&a| a == 0.0) {
            return;
        }
        let channels = self.memory.len();
        for (number, memory) in self.memory.iter_mut().enumerate() {
            self.channel.clear();
            self.channel.extend(pcm.iter().skip(number).step_by(channels));
            if !self.channel.is_empty() {
                *memory = limit_channel(&mut self.channel, *memory);
            }
            let samples = pcm.iter_mut().skip(number).step_by(channels);
            samples.zip(&self.channel).for_each(|(sample, limited)| *sample = *limited);
        }
    }

    /// Returns whether the memory after a packet is the same whatever it was before: the next
    /// packet is limited as in the whole stream even if `limit` began with this one.
    ///
    /// The memory before can bend only the samples up to the first that is zero or has another
    /// sign, and keeps their signs. So it changes nothing after the first sample of the other
    /// sign. Without such a sample, the curve of the last peak holds until the end, and depends
    /// on the memory only if one of the bent samples is a peak.
    pub fn forgets(pcm: &[f32], channels: NonZeroUsize) -> bool {
        let samples = |channel| pcm.iter().copied().skip(channel).step_by(channels.get());
        (0..channels.get()).all(|channel| {
            let Some(first) = samples(channel).next() else { return false };
            let mut bent = samples(channel).take_while(|sample| same_sign(*sample, first));
            !bent.any(is_beyond) || samples(channel).any(|sample| same_sign(sample, -first))
        })
    }
}

/// Rounds a limited sample as libopus does: to the nearest, and halves to even.
#[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "it is in range")]
#[inline]
pub fn to_i16(sample: f32) -> i16 {
    let scaled = sample * 32_768.0;
    // Like the comparisons of libopus if it is not a number.
    let scaled = if scaled > -32_768.0 { scaled } else { -32_768.0 };
    let scaled = if scaled < 32_767.0 { scaled } else { 32_767.0 };
    // The addition rounds, since the last bit of the sum stands for 1. Unlike a call to round, this
    // compiles to vector instructions.
    (scaled + ROUNDING).to_bits() as i16
}

/// 1.5 times 2 to the power of 23.
const ROUNDING: f32 = 12_582_912.0;

/// Limits the samples of one channel and returns its memory.
fn limit_channel(samples: &mut [f32], memory: f32) -> f32 {
    for sample in &mut *samples {
        *sample = sample.clamp(-HIGHEST, HIGHEST);
    }
    finish_curve(samples, memory);
    let first = samples.first().copied().unwrap_or_default();
    let mut done = 0;
    while let Some(bend) = Bend::next(samples, done) {
        bend.apply(samples, first);
        done = bend.end;
        if done == samples.len() {
            return bend.factor;
        }
    }
    0.0
}

/// Goes on with the curve of the packet before, up to the first zero crossing.
fn finish_curve(samples: &mut [f32], factor: f32) {
    for sample in samples.iter_mut().take_while(|sample| **sample * factor < 0.0) {
        *sample = bent(*sample, factor);
    }
}

/// The samples between two zero crossings, of which some are beyond full scale.
struct Bend {
    start: usize,
    end: usize,
    /// The first of the highest samples.
    peak: usize,
    factor: f32,
}

impl Bend {
    /// The next one after `done` samples.
    fn next(samples: &[f32], done: usize) -> Option<Self> {
        let rest = samples.get(done..)?;
        let first = done + rest.iter().position(|sample| is_beyond(*sample))?;
        let (before, after) = samples.split_at_checked(first)?;
        let beyond = *after.first()?;
        let is_inside = |sample: &&f32| beyond * **sample >= 0.0;
        let start = first - before.iter().rev().take_while(is_inside).count();
        let (mut end, mut peak, mut highest) = (first, first, beyond.abs());
        for sample in after.iter().take_while(is_inside) {
            if sample.abs() > highest {
                (peak, highest) = (end, sample.abs());
            }
            end += 1;
        }
        let mut factor = (highest - 1.0) / (highest * highest);
        factor += factor * BOOST;
        Some(Self { start, end, peak, factor: if beyond > 0.0 { -factor } else { factor } })
    }

    /// `first` is the first sample of the packet.
    fn apply(&self, samples: &mut [f32], first: f32) {
        for sample in samples.iter_mut().take(self.end).skip(self.start) {
            *sample = bent(*sample, self.factor);
        }
        // No zero crossing precedes it in this packet.
        if self.start == 0 && self.peak >= 2 {
            self.ramp(samples, first);
        }
    }

    /// Begins at the level of the packet before: adds a ramp up to the peak.
    fn ramp(&self, samples: &mut [f32], first: f32) {
        let mut offset = first - samples.first().copied().unwrap_or_default();
        // A packet has at most 5760 samples of each channel.
        let step = offset / f32::from(u16::try_from(self.peak).unwrap_or(u16::MAX));
        for sample in samples.iter_mut().take(self.peak) {
            offset -= step;
            *sample = (*sample + offset).clamp(-1.0, 1.0);
        }
    }
}

fn bent(sample: f32, factor: f32) -> f32 {
    sample + factor * sample * sample
}

fn is_beyond(sample: f32) -> bool {
    sample.abs() > 1.0
}

/// Whether both are positive or both are negative.
fn same_sign(a: f32, b: f32) -> bool {
    a > 0.0 && b > 0.0 || a < 0.0 && b < 0.0
}

#[cfg(test)]
mod tests;
