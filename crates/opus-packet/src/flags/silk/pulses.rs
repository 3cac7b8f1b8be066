//! The excitation of a SILK frame (RFC 6716 section 4.2.7.8).

use super::{
    Layout,
    indices::{Side, SignalType, row},
    tables,
};
use crate::{Bandwidth, flags::range_decoder::RangeDecoder};

/// 16 samples.
#[derive(Clone, Copy, Default)]
struct Block {
    pulses: usize,
    /// Bits of each sample that follow its pulses.
    more_bits: u32,
    /// Which samples are not zero, one bit each.
    nonzero: u32,
}

/// 20 ms at 16 kHz.
const MAX_BLOCKS: usize = 20;
const BLOCK_LEN: u32 = 16;
/// The number of pulses that stands for more bits.
const ESCAPE: usize = 17;
const MAX_MORE_BITS: u32 = 10;

pub(super) fn skip(decoder: &mut RangeDecoder<'_>, layout: Layout, side: Side) {
    let mut blocks = [Block::default(); MAX_BLOCKS];
    let blocks = blocks.get_mut(..blocks_of(layout)).unwrap_or_default();
    let rate = decoder.symbol(row(&tables::RATE_LEVEL, side.signal.is_voiced()));
    for block in &mut *blocks {
        (block.pulses, block.more_bits) = pulses(decoder, row(&tables::PULSES, rate));
    }
    for block in &mut *blocks {
        block.nonzero = locations(decoder, block.pulses, &tables::SHELL);
    }
    for block in &mut *blocks {
        block.nonzero |= more_bits(decoder, block.more_bits);
    }
    for block in blocks {
        signs(decoder, *block, side);
    }
}

fn blocks_of(layout: Layout) -> usize {
    match (layout.bandwidth, layout.is_short) {
        (Bandwidth::Narrow, true) => 5,
        (Bandwidth::Narrow, false) => 10,
        // The last is only half used.
        (Bandwidth::Medium, true) => 8,
        (Bandwidth::Medium, false) => 15,
        (_, true) => 10,
        (_, false) => MAX_BLOCKS,
    }
}

/// The number of pulses of a block, and of the bits that follow.
fn pulses(decoder: &mut RangeDecoder<'_>, table: &[u8]) -> (usize, u32) {
    let mut pulses = decoder.symbol(table);
    let mut bits = 0;
    let [.., escaped] = &tables::PULSES;
    // The last time, it is not possible to ask for more.
    let [_, last @ ..] = escaped;
    while pulses == ESCAPE && bits < MAX_MORE_BITS {
        bits += 1;
        pulses = decoder.symbol(if bits == MAX_MORE_BITS { last } else { escaped });
    }
    (pulses, bits)
}

/// Which samples of a part have pulses: a part with pulses is split in two until it is a sample.
fn locations(decoder: &mut RangeDecoder<'_>, pulses: usize, tables: &[[u8; 152]]) -> u32 {
    if pulses == 0 {
        return 0;
    }
    let Some((table, smaller)) = tables.split_last() else { return 1 };
    let table = table.get(pulses * (pulses + 1) / 2 - 1..).unwrap_or_default();
    let left = decoder.symbol(table);
    let first = locations(decoder, left, smaller);
    let second = locations(decoder, pulses.saturating_sub(left), smaller);
    first | second << (1 << smaller.len())
}

/// The low bits of each sample. Returns which samples have a bit that is set.
fn more_bits(decoder: &mut RangeDecoder<'_>, bits: u32) -> u32 {
    let mut nonzero = 0;
    if bits > 0 {
        for sample in 0..BLOCK_LEN {
            for _ in 0..bits {
                nonzero |= u32::from(decoder.symbol(&tables::LSB) == 1) << sample;
            }
        }
    }
    nonzero
}

fn signs(decoder: &mut RangeDecoder<'_>, block: Block, side: Side) {
    let kind = match side.signal {
        SignalType::Inactive => 0,
        SignalType::Unvoiced => 2,
        SignalType::Voiced => 4,
    };
    let table = row(&tables::SIGN, kind + usize::from(side.has_high_offset));
    let negative = table.get(block.pulses.min(6)).copied().unwrap_or_default();
    for _ in 0..block.nonzero.count_ones() {
        decoder.symbol(&[negative, 0]);
    }
}
