use crate::{FrameDuration, Options};

/// Finds onsets, which are sudden rises in loudness. Unless a CELT frame is transient, its noise is
/// audible before them (pre-echo).
#[derive(Debug)]
pub(crate) struct Onsets {
    /// For each channel, the energies of the last blocks of 2.5 ms, oldest first.
    recent: Vec<Vec<f32>>,
    /// Samples of a block, all channels together.
    block: usize,
}

impl Onsets {
    pub(crate) fn new(options: &Options) -> Self {
        let channels = usize::from(options.channels.count());
        let block = options.clone().frame_duration(FrameDuration::Ms2_5).frame_len() * channels;
        Self { recent: vec![vec![0.0; KEPT]; channels], block }
    }

    /// Takes the next frame, interleaved, and returns whether its packet codes an onset.
    pub(crate) fn take(&mut self, frame: &[f32]) -> bool {
        let channels = self.recent.len();
        let mut has_onset = false;
        for (channel, energies) in self.recent.iter_mut().enumerate() {
            let blocks = frame.chunks_exact(self.block);
            energies.extend(blocks.map(|block| {
                let samples = block.iter().skip(channel).step_by(channels);
                samples.map(|sample| sample * sample).sum::<f32>()
            }));
            has_onset |= energies.windows(3).any(is_onset);
            energies.drain(..energies.len() - KEPT);
        }
        has_onset
    }
}

/// A packet also codes the 6.5 ms before its frame, since CELT looks ahead and its frames overlap:
/// three blocks, and two with which the first of them is compared.
const KEPT: usize = 5;
/// 10 dB, relative to the mean of two blocks.
const RISE: f32 = 10.0;
/// The energy of a block below which nothing is an onset: -91 dB of full scale at 48 kHz.
const SOFT: f32 = 1e-7;

fn is_onset(energies: &[f32]) -> bool {
    matches!(energies, &[older, last, now] if now > SOFT && now > RISE * (older + last) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, CodingRate};

    /// Returns which frames of 20 ms have an onset if the channel becomes `after` at this block.
    fn frames(
        options: &Options,
        channel: usize,
        at: usize,
        [before, after]: [f32; 2],
    ) -> Vec<usize> {
        let (mut onsets, channels) = (Onsets::new(options), usize::from(options.channels.count()));
        let loud = |number: usize| number / onsets.block >= at && number % channels == channel;
        let len = options.frame_len() * channels;
        let samples: Vec<f32> =
            (0..len * 5).map(|number| if loud(number) { after } else { before }).collect();
        // The first frames follow silence.
        onsets.take(&samples[..len]);
        let frames = samples.chunks_exact(len).enumerate();
        frames.filter(|(_, frame)| onsets.take(frame)).map(|(number, _)| number).collect()
    }

    #[test]
    fn an_onset_lies_in_the_packet_of_its_frame_and_at_the_end_of_one_in_the_next_too() {
        for (at, expected) in
            [(8, vec![1]), (12, vec![1]), (13, vec![1, 2]), (15, vec![1, 2]), (16, vec![2])]
        {
            for rate in CodingRate::ALL {
                let options = Options::new(Channels::STEREO).rate(rate);
                for channel in 0..2 {
                    let found = frames(&options, channel, at, [0.01, 0.04]);
                    assert_eq!(found, expected, "block {at}, {rate:?}, channel {channel}");
                }
            }
        }
    }

    #[test]
    fn only_a_rise_by_10_db_is_an_onset() {
        for (levels, expected) in [
            ([0.01, 0.031], 0),
            ([0.01, 0.032], 1),
            ([0.04, 0.01], 0),
            ([0.0, 2e-5], 0),
            ([0.0, 1e-4], 1),
            ([f32::NAN, 1.0], 0),
        ] {
            let found = frames(&Options::new(Channels::MONO), 0, 10, levels);
            assert_eq!(found.len(), expected, "{levels:?}");
        }
    }
}
