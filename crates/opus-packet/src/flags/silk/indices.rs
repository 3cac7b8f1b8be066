//! The side information of a SILK frame (RFC 6716 sections 4.2.7.3 to 4.2.7.7).

use super::{Layout, tables};
use crate::{Bandwidth, flags::range_decoder::RangeDecoder};

/// How a frame refers to the one before it in its channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// Not at all.
    Independent,
    /// Not at all, but the side channel has been decoded before: libopus'
    /// `CODE_INDEPENDENTLY_NO_LTP_SCALING`.
    Resumed,
    /// To a frame of this type.
    After(SignalType),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SignalType {
    Inactive,
    Unvoiced,
    Voiced,
}

/// What the excitation depends on.
#[derive(Clone, Copy)]
pub(super) struct Side {
    pub(super) signal: SignalType,
    pub(super) has_high_offset: bool,
}

impl SignalType {
    pub(super) fn is_voiced(self) -> usize {
        usize::from(self == Self::Voiced)
    }
}

pub(super) fn skip(
    decoder: &mut RangeDecoder<'_>,
    layout: Layout,
    is_active: bool,
    coding: Coding,
) -> Side {
    let side = signal_type(decoder, is_active);
    let subframes = if layout.is_short { 2 } else { 4 };
    gains(decoder, side.signal, subframes, coding);
    spectrum(decoder, layout, side.signal);
    if side.signal == SignalType::Voiced {
        pitch(decoder, layout, coding);
        long_term_prediction(decoder, subframes, coding);
    }
    // The seed.
    decoder.symbol(&tables::UNIFORM_4);
    side
}

fn signal_type(decoder: &mut RangeDecoder<'_>, is_active: bool) -> Side {
    let symbol = if is_active {
        2 + decoder.symbol(&tables::TYPE_ACTIVE)
    } else {
        decoder.symbol(&tables::TYPE_INACTIVE)
    };
    let signal = match symbol / 2 {
        0 => SignalType::Inactive,
        1 => SignalType::Unvoiced,
        _ => SignalType::Voiced,
    };
    Side { signal, has_high_offset: symbol % 2 != 0 }
}

fn gains(decoder: &mut RangeDecoder<'_>, signal: SignalType, subframes: usize, coding: Coding) {
    if let Coding::After(_) = coding {
        decoder.symbol(&tables::GAIN_DELTA);
    } else {
        let [inactive, unvoiced, voiced] = &tables::GAIN;
        decoder.symbol(match signal {
            SignalType::Inactive => inactive,
            SignalType::Unvoiced => unvoiced,
            SignalType::Voiced => voiced,
        });
        decoder.symbol(&tables::UNIFORM_8);
    }
    for _ in 1..subframes {
        decoder.symbol(&tables::GAIN_DELTA);
    }
}

/// The line spectral frequencies in two stages, and their interpolation.
fn spectrum(decoder: &mut RangeDecoder<'_>, layout: Layout, signal: SignalType) {
    if layout.bandwidth == Bandwidth::Wide {
        let vector = decoder.symbol(row(&tables::LSF_1_WIDE, signal.is_voiced()));
        let selectors = row(&tables::LSF_SELECT_WIDE, vector);
        second_stage(decoder, selectors, &tables::LSF_2_WIDE);
    } else {
        let vector = decoder.symbol(row(&tables::LSF_1_NARROW, signal.is_voiced()));
        let selectors = row(&tables::LSF_SELECT_NARROW, vector);
        second_stage(decoder, selectors, &tables::LSF_2_NARROW);
    }
    if !layout.is_short {
        decoder.symbol(&tables::LSF_INTERPOLATION);
    }
}

fn second_stage(decoder: &mut RangeDecoder<'_>, selectors: &[u8], residuals: &[[u8; 9]; 8]) {
    for &pair in selectors {
        for table in [pair >> 1 & 7, pair >> 5 & 7] {
            let residual = decoder.symbol(row(residuals, usize::from(table)));
            if residual == 0 || residual == 8 {
                decoder.symbol(&tables::LSF_EXTENSION);
            }
        }
    }
}

fn pitch(decoder: &mut RangeDecoder<'_>, layout: Layout, coding: Coding) {
    let may_be_relative = coding == Coding::After(SignalType::Voiced);
    let is_relative = may_be_relative && decoder.symbol(&tables::LAG_DELTA) > 0;
    if !is_relative {
        decoder.symbol(&tables::LAG);
        decoder.symbol(match layout.bandwidth {
            Bandwidth::Narrow => &tables::UNIFORM_4[..],
            Bandwidth::Medium => &tables::UNIFORM_6,
            _ => &tables::UNIFORM_8,
        });
    }
    decoder.symbol(match (layout.bandwidth, layout.is_short) {
        (Bandwidth::Narrow, false) => &tables::CONTOUR_NARROW[..],
        (Bandwidth::Narrow, true) => &tables::CONTOUR_10_MS_NARROW,
        (_, false) => &tables::CONTOUR,
        (_, true) => &tables::CONTOUR_10_MS,
    });
}

fn long_term_prediction(decoder: &mut RangeDecoder<'_>, subframes: usize, coding: Coding) {
    let gains = match decoder.symbol(&tables::LTP_PERIODICITY) {
        0 => &tables::LTP_GAIN_0[..],
        1 => &tables::LTP_GAIN_1,
        _ => &tables::LTP_GAIN_2,
    };
    for _ in 0..subframes {
        decoder.symbol(gains);
    }
    if coding == Coding::Independent {
        decoder.symbol(&tables::LTP_SCALE);
    }
}

/// A row of a table. All indices come from symbols, of which no table has more than the tables
/// that they index have rows.
pub(super) fn row<const N: usize>(table: &[[u8; N]], index: usize) -> &[u8] {
    table.get(index).map_or(&[], |row| row)
}
