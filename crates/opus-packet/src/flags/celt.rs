//! The first symbols of a CELT frame (RFC 6716 section 4.3, table 56).

use super::{CeltFlags, PostFilter, range_decoder::RangeDecoder};
use crate::{Mode, Toc};

/// What decides which flags a CELT frame can have.
#[derive(Clone, Copy)]
pub(super) struct Layer {
    /// Whether it codes the lowest band: only such frames have a post-filter.
    from_lowest_band: bool,
    /// Whether it is long enough to be divided into short blocks.
    divisible: bool,
}

impl Layer {
    /// A redundant frame: 5 ms, all bands.
    pub(super) const REDUNDANT: Self = Self { from_lowest_band: true, divisible: true };

    pub(super) fn of(toc: Toc) -> Self {
        Self { from_lowest_band: toc.mode() == Mode::Celt, divisible: toc.frame_duration() > 120 }
    }
}

/// Reads the flags of a frame of `len` bytes. A flag is absent where bits run out.
pub(super) fn flags(decoder: &mut RangeDecoder<'_>, len: usize, layer: Layer) -> CeltFlags {
    let bits = 8 * len;
    let has = |decoder: &RangeDecoder<'_>, more| decoder.tell() + more <= bits;
    // The flag for silence exists only where nothing precedes it.
    let is_silence = !has(decoder, 1) || decoder.tell() == 1 && decoder.bit(15);
    if is_silence {
        return CeltFlags { is_silence, ..CeltFlags::default() };
    }
    let has_filter = layer.from_lowest_band && has(decoder, 16) && decoder.bit(1);
    let post_filter = has_filter.then(|| post_filter(decoder, bits));
    let is_transient = layer.divisible && has(decoder, 3) && decoder.bit(3);
    let is_intra = has(decoder, 3) && decoder.bit(3);
    CeltFlags { is_silence, is_transient, is_intra, post_filter }
}

fn post_filter(decoder: &mut RangeDecoder<'_>, bits: usize) -> PostFilter {
    let octave = decoder.uniform(6);
    let period = (16 << octave) + decoder.raw(4 + u32::from(octave)) - 1;
    let [_, gain] = (decoder.raw(3) + 1).to_be_bytes();
    let has_tapset = decoder.tell() + 2 <= bits;
    let tapset = if has_tapset { decoder.symbol_of(&TAPSET, 2) } else { 0 };
    PostFilter { period, gain, tapset: u8::try_from(tapset).unwrap_or_default() }
}

/// In units of 1/4.
const TAPSET: [u8; 3] = [2, 1, 0];
