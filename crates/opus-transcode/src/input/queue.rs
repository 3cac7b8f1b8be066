//! Decoded frames on their way out, some of which are trimmed or held back.

use std::collections::VecDeque;

/// Which decoded frames play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trim {
    /// Frames to drop at the start.
    pub(crate) start: u64,
    /// Frames to drop at the end.
    pub(crate) end: u64,
    /// The most frames that play, counted from the start.
    pub(crate) length: Option<u64>,
}

/// Frames that were decoded but not yet taken.
pub(crate) struct Queue {
    channels: usize,
    samples: VecDeque<f32>,
    /// Runs of silence or of frames in `samples`.
    runs: VecDeque<(Kind, u64)>,
    skip: u64,
    left: Option<u64>,
    held: u64,
    ready: u64,
    taken: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Silence,
    Samples,
}

impl Queue {
    pub(crate) fn new(channels: usize, trim: Trim) -> Self {
        Self {
            channels,
            samples: VecDeque::new(),
            runs: VecDeque::new(),
            skip: trim.start,
            left: trim.length,
            held: trim.end,
            ready: 0,
            taken: 0,
        }
    }

    /// Returns the number of the next frame to be pushed.
    pub(crate) fn position(&self) -> u64 {
        self.taken.saturating_add(self.ready)
    }

    /// Returns whether all frames that play were pushed.
    pub(crate) fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    pub(crate) fn push(&mut self, samples: &[f32]) {
        let frames = u64::try_from(samples.len() / self.channels).unwrap_or(u64::MAX);
        let (drop, keep) = self.admit(frames);
        let at = |frame: u64| usize::try_from(frame).unwrap_or(usize::MAX) * self.channels;
        // `admit` returns no more than there are.
        self.samples.extend(samples.iter().skip(at(drop)).take(at(keep)));
        self.append(Kind::Samples, keep);
    }

    pub(crate) fn push_silence(&mut self, frames: u64) {
        let (_, keep) = self.admit(frames);
        self.append(Kind::Silence, keep);
    }

    /// Returns how many of the next frames to drop, and how many to keep after those.
    fn admit(&mut self, frames: u64) -> (u64, u64) {
        let drop = self.skip.min(frames);
        self.skip -= drop;
        let keep = self.left.map_or(frames - drop, |left| left.min(frames - drop));
        self.left = self.left.map(|left| left - keep);
        (drop, keep)
    }

    fn append(&mut self, kind: Kind, frames: u64) {
        self.ready = self.ready.saturating_add(frames);
        match self.runs.back_mut() {
            Some((last, count)) if *last == kind => *count = count.saturating_add(frames),
            _ => self.runs.push_back((kind, frames)),
        }
    }

    /// Holds back this many frames instead of the previous number.
    pub(crate) fn hold(&mut self, frames: u64) {
        self.held = frames.min(self.ready);
    }

    /// Drops the frames held back, so that later frames follow the ones before them.
    pub(crate) fn drop_held(&mut self) {
        while self.held > 0 {
            let Some((kind, run)) = self.runs.back_mut() else { break };
            let frames = self.held.min(*run);
            *run -= frames;
            self.held -= frames;
            self.ready -= frames;
            if *kind == Kind::Samples {
                let samples = usize::try_from(frames).unwrap_or(usize::MAX) * self.channels;
                self.samples.truncate(self.samples.len() - samples);
            }
            if *run == 0 {
                self.runs.pop_back();
            }
        }
        self.held = 0;
    }

    /// Lets the frames held back play.
    pub(crate) fn release_held(&mut self) {
        self.held = 0;
    }

    /// Returns the length if the queue ended now without the frames held back.
    pub(crate) fn length(&self) -> u64 {
        self.position().saturating_sub(self.held)
    }

    /// Returns whether frames can be taken.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready > self.held
    }

    /// Fills the front of `out` and returns the number of frames.
    pub(crate) fn take(&mut self, out: &mut [f32]) -> usize {
        let wanted = out.len() / self.channels;
        let mut taken = 0;
        while taken < wanted && self.is_ready() {
            let Some((kind, run)) = self.runs.front_mut() else { break };
            let most = (*run).min(self.ready - self.held);
            let frames = usize::try_from(most).unwrap_or(usize::MAX).min(wanted - taken);
            let count = u64::try_from(frames).unwrap_or(u64::MAX);
            *run -= count;
            self.ready -= count;
            self.taken = self.taken.saturating_add(count);
            let target = out.iter_mut().skip(taken * self.channels).take(frames * self.channels);
            match kind {
                Kind::Silence => target.for_each(|sample| *sample = 0.0),
                Kind::Samples => {
                    let from = self.samples.drain(..frames * self.channels);
                    target.zip(from).for_each(|(to, from)| *to = from);
                }
            }
            if *run == 0 {
                self.runs.pop_front();
            }
            taken += frames;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(queue: &mut Queue, chunk: usize) -> Vec<f32> {
        let mut all = Vec::new();
        let mut buffer = vec![9.0; chunk];
        loop {
            let frames = queue.take(&mut buffer);
            all.extend_from_slice(&buffer[..frames * queue.channels]);
            if frames == 0 {
                return all;
            }
        }
    }

    #[test]
    fn start_end_and_silence_are_at_their_place() {
        for chunk in [2, 4, 6, 100] {
            let mut queue = Queue::new(2, Trim { start: 1, end: 2, length: None });
            queue.push(&[1.0, -1.0, 2.0, -2.0]);
            queue.push_silence(1);
            queue.push(&[3.0, -3.0, 4.0, -4.0, 5.0, -5.0]);
            let before = all(&mut queue, chunk);
            assert_eq!(before, [2.0, -2.0, 0.0, 0.0, 3.0, -3.0]);
            queue.push(&[6.0, -6.0]);
            assert_eq!(all(&mut queue, chunk), [4.0, -4.0]);
            assert_eq!((queue.position(), queue.length()), (6, 4));
            queue.release_held();
            assert_eq!(all(&mut queue, chunk), [5.0, -5.0, 6.0, -6.0]);
        }
    }

    #[test]
    fn frames_held_back_can_be_dropped_and_followed() {
        let mut queue = Queue::new(2, Trim { start: 0, end: 3, length: None });
        queue.push(&[1.0, -1.0]);
        queue.push_silence(1);
        queue.push(&[2.0, -2.0, 3.0, -3.0]);
        queue.drop_held();
        queue.push(&[4.0, -4.0]);
        assert_eq!(all(&mut queue, 4), [1.0, -1.0, 4.0, -4.0]);
        queue.push(&[5.0, -5.0]);
        queue.hold(9);
        assert!(!queue.is_ready());
        queue.drop_held();
        assert_eq!(queue.position(), 2);
    }

    #[test]
    fn a_length_limits_the_frames_and_may_end_in_silence() {
        let mut queue = Queue::new(1, Trim { start: 2, end: 0, length: Some(4) });
        queue.push(&[1.0, 2.0, 3.0]);
        assert!(!queue.is_full());
        queue.push_silence(u64::MAX);
        assert!(queue.is_full());
        queue.push(&[4.0]);
        assert_eq!(all(&mut queue, 3), [3.0, 0.0, 0.0, 0.0]);
    }
}
