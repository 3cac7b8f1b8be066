//! Reads SILK's symbols only to find their end (RFC 6716 section 4.2).

mod indices;
mod pulses;
mod tables;

use super::range_decoder::RangeDecoder;
use crate::{Bandwidth, Mode, Toc};
use indices::{Coding, SignalType};

/// What the TOC says about the SILK layer of a frame.
#[derive(Clone, Copy)]
struct Layout {
    bandwidth: Bandwidth,
    is_stereo: bool,
    /// SILK frames in the Opus frame, 1 to 3.
    frames: usize,
    /// Whether they last 10 ms. Otherwise they last 20 ms.
    is_short: bool,
}

/// What the header of the layer says about a channel.
#[derive(Clone, Copy, Default)]
struct Channel {
    /// Of each frame.
    is_active: [bool; MAX_FRAMES],
    /// Whether each frame is preceded by a copy of an earlier one, for use after a loss.
    has_copy: [bool; MAX_FRAMES],
}

const MAX_FRAMES: usize = 3;

/// Reads the whole SILK layer of a frame.
pub(super) fn skip(decoder: &mut RangeDecoder<'_>, toc: Toc) {
    let layout = Layout::of(toc);
    let channels = header(decoder, layout);
    copies(decoder, layout, channels);
    frames(decoder, layout, channels);
}

impl Layout {
    fn of(toc: Toc) -> Self {
        let (frames, is_short) = match toc.frame_duration() {
            480 => (1, true),
            960 => (1, false),
            1920 => (2, false),
            _ => (3, false),
        };
        let is_hybrid = toc.mode() == Mode::Hybrid;
        let bandwidth = if is_hybrid { Bandwidth::Wide } else { toc.bandwidth() };
        Self { bandwidth, is_stereo: toc.is_stereo(), frames, is_short }
    }
}

/// The activity of each frame and which copies there are (RFC 6716 sections 4.2.3 and 4.2.4).
fn header(decoder: &mut RangeDecoder<'_>, layout: Layout) -> [Channel; 2] {
    let mut channels = [Channel::default(); 2];
    let coded = if layout.is_stereo { 2 } else { 1 };
    let mut has_copies = [false; 2];
    for (channel, has_copies) in channels.iter_mut().zip(&mut has_copies).take(coded) {
        for is_active in channel.is_active.iter_mut().take(layout.frames) {
            *is_active = decoder.bit(1);
        }
        *has_copies = decoder.bit(1);
    }
    for (channel, has_copies) in channels.iter_mut().zip(has_copies) {
        if has_copies {
            channel.has_copy = which_have_copies(decoder, layout);
        }
    }
    channels
}

fn which_have_copies(decoder: &mut RangeDecoder<'_>, layout: Layout) -> [bool; MAX_FRAMES] {
    let set = 1 + match layout.frames {
        1 => 0,
        2 => decoder.symbol(&tables::LBRR_OF_2),
        _ => decoder.symbol(&tables::LBRR_OF_3),
    };
    [set & 1 != 0, set & 2 != 0, set & 4 != 0]
}

/// The copies of earlier frames, which decoders without a loss skip.
fn copies(decoder: &mut RangeDecoder<'_>, layout: Layout, channels: [Channel; 2]) {
    let [mid, side] = channels.map(|channel| channel.has_copy);
    let mut before = [None; 2];
    for (mid, side) in mid.into_iter().zip(side).take(layout.frames) {
        if mid && layout.is_stereo {
            decoder.stereo_prediction(!side);
        }
        for (has_copy, before) in [mid, side].into_iter().zip(&mut before) {
            let coding = before.map_or(Coding::Independent, Coding::After);
            *before = has_copy.then(|| frame(decoder, layout, true, coding));
        }
    }
}

/// The frames themselves (RFC 6716 sections 4.2.7 and 4.2.8).
fn frames(decoder: &mut RangeDecoder<'_>, layout: Layout, channels: [Channel; 2]) {
    let [mid, side] = channels.map(|channel| channel.is_active);
    let (mut mid_before, mut side_before) = (None, None);
    for (index, (mid, side)) in mid.into_iter().zip(side).take(layout.frames).enumerate() {
        let has_side = layout.is_stereo && !decoder.stereo_prediction(!side);
        let coding = mid_before.map_or(Coding::Independent, Coding::After);
        mid_before = Some(frame(decoder, layout, mid, coding));
        let coding = match side_before {
            None if index > 0 => Coding::Resumed,
            None => Coding::Independent,
            Some(before) => Coding::After(before),
        };
        side_before = has_side.then(|| frame(decoder, layout, side, coding));
    }
}

fn frame(
    decoder: &mut RangeDecoder<'_>,
    layout: Layout,
    is_active: bool,
    coding: Coding,
) -> SignalType {
    let side = indices::skip(decoder, layout, is_active, coding);
    pulses::skip(decoder, layout, side);
    side.signal
}

impl RangeDecoder<'_> {
    /// The weights of the prediction of the side channel (RFC 6716 section 4.2.7.1). Returns
    /// whether there is only a mid channel, if `may_lack_side`.
    fn stereo_prediction(&mut self, may_lack_side: bool) -> bool {
        self.symbol(&tables::STEREO_PREDICTION);
        for _ in 0..2 {
            self.symbol(&tables::UNIFORM_3);
            self.symbol(&tables::UNIFORM_5);
        }
        may_lack_side && self.symbol(&tables::MID_ONLY) == 1
    }
}
