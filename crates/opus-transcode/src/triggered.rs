//! Silence in triggered recordings of AudioMoth (firmware 1.4 and later, `...T.WAV`).
//!
//! Instead of silent blocks of 512 bytes the recorder writes one block whose first 32 samples spell
//! their number, the lowest bit first, as 1 and -1. Its other 224 samples are 0.

use std::collections::VecDeque;

/// Turns counts into the silence that they stand for.
#[derive(Debug, Default)]
pub(crate) struct Triggered {
    /// Samples that were read but not returned yet.
    ahead: VecDeque<f32>,
    /// Silence to return first.
    silence: u64,
    /// All silence so far, beyond the blocks themselves.
    filled: u64,
    /// The most samples that a block may stand for.
    most: u64,
}

const BLOCK: usize = 256;
/// Samples to read at a time.
const AHEAD: usize = 8192;
const DIGITS: usize = 32;
/// Steps of a 16-bit sample.
const STEP: f32 = 1.0 / 32_768.0;

impl Triggered {
    pub(crate) fn new(rate: u32) -> Self {
        Self { most: u64::from(rate) * MAX_SECONDS, ..Self::default() }
    }

    /// Fills `buffer` from the front and returns the number of samples. `read` fills all that it is
    /// given, except at the end of the file.
    pub(crate) fn fill<E>(
        &mut self,
        buffer: &mut [f32],
        mut read: impl for<'a> FnMut(&'a mut [f32]) -> Result<&'a [f32], E>,
    ) -> Result<usize, E> {
        let mut more = [0.0; AHEAD];
        for (count, target) in buffer.iter_mut().enumerate() {
            if self.silence == 0 && self.ahead.len() < BLOCK {
                self.ahead.extend(read(&mut more)?);
            }
            let Some(sample) = self.take() else { return Ok(count) };
            *target = sample;
        }
        Ok(buffer.len())
    }

    pub(crate) fn finding(&self) -> Option<String> {
        (self.filled > 0).then(|| {
            format!(
                "triggered recording; filled in {} frames of silence that it only counts",
                self.filled
            )
        })
    }

    /// Returns the next sample; `None` at the end.
    fn take(&mut self) -> Option<f32> {
        if let Some(blocks) = self.blocks().filter(|_| self.silence == 0) {
            self.ahead.drain(..BLOCK);
            self.silence = blocks * wide(BLOCK);
            self.filled += self.silence.saturating_sub(wide(BLOCK));
        }
        if self.silence > 0 {
            self.silence -= 1;
            return Some(0.0);
        }
        self.ahead.pop_front()
    }

    /// Returns the number that the next block spells; `None` if it holds audio.
    fn blocks(&self) -> Option<u64> {
        let is_digit = |sample: &f32| sample.abs() == STEP;
        if self.ahead.len() < BLOCK || !self.ahead.front().is_some_and(is_digit) {
            return None;
        }
        let is_count = self.ahead.iter().take(DIGITS).all(is_digit)
            && self.ahead.iter().take(BLOCK).skip(DIGITS).all(|sample| *sample == 0.0);
        let digits = self.ahead.iter().take(DIGITS).rev();
        let count = digits.fold(0, |count, digit| count << 1 | u64::from(*digit > 0.0));
        let is_possible = count > 0 && count.saturating_mul(wide(BLOCK)) <= self.most;
        (is_count && is_possible).then_some(count)
    }
}

fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// No recording is longer.
const MAX_SECONDS: u64 = 24 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn block(count: u32) -> Vec<f32> {
        let mut block: Vec<f32> =
            (0..32).map(|bit| if count >> bit & 1 == 1 { STEP } else { -STEP }).collect();
        block.resize(BLOCK, 0.0);
        block
    }

    fn expand(samples: &[f32]) -> (Vec<f32>, u64) {
        let (mut triggered, mut rest) = (Triggered::new(8000), samples);
        let (mut all, mut buffer) = (Vec::new(), [9.0; 999]);
        loop {
            let count = triggered.fill(&mut buffer, |more| {
                let now;
                (now, rest) = rest.split_at(more.len().min(rest.len()));
                more[..now.len()].copy_from_slice(now);
                Ok::<_, ()>(&more[..now.len()])
            });
            all.extend(&buffer[..count.unwrap()]);
            if count.unwrap() < buffer.len() {
                return (all, triggered.filled);
            }
        }
    }

    #[test]
    fn counts_become_silence_wherever_they_are() {
        let noise: Vec<f32> = (0..=255).map(|at: u8| f32::from(at) * STEP).collect::<Vec<_>>();
        for before in [0, 1, 200, 255] {
            let head = &noise[..before];
            let file = [head, &block(3), &block(1), &noise[..50], &block(70_000)].concat();
            let (all, filled) = expand(&file);
            assert_eq!(all.len(), before + 4 * 256 + 50 + 70_000 * 256);
            assert_eq!(filled, 2 * 256 + 69_999 * 256);
            assert_eq!(all[..before], *head);
            assert!(all[before..before + 1024].iter().all(|sample| *sample == 0.0));
            assert_eq!(all[before + 1024..before + 1074], noise[..50]);
        }
    }

    #[test]
    fn other_blocks_stay() {
        let (mut late, mut early, mut wrong) = (block(3), block(3), block(3));
        late[255] = STEP;
        early[31] = 0.0;
        wrong[7] = 2.0 * STEP;
        for file in [late, early, wrong, block(0), block(u32::MAX), block(3)[..255].to_vec()] {
            assert_eq!(expand(&file), (file.clone(), 0));
        }
    }
}
