use opus_packet::{ChannelMapping, MappingTable};

use crate::{
    ChannelSelection, Error, Sample,
    error::LibopusReason,
    multistream::Layout,
    sample::sealed::{Scratch, Sealed},
};

/// Maps the channels of the streams to those of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mix {
    /// For each output channel, the decoded channel or [`SILENCE`].
    Copy(Vec<u8>),
    /// For each output channel, the coefficients of the decoded channels in Q15. Each product
    /// is rounded.
    Matrix(Vec<Vec<i16>>),
    /// One output channel, from decoded channels with their shares in Q15. The sum is rounded.
    Mono(Vec<(usize, i16)>),
}

const SILENCE: u8 = 255;

impl Mix {
    /// Selects channels of a mapping.
    pub(crate) fn new(
        mapping: &ChannelMapping,
        selection: &ChannelSelection,
    ) -> Result<Self, Error> {
        let all = match mapping.table() {
            MappingTable::Indices(table) => Self::Copy(table.to_vec()),
            MappingTable::Matrix(bytes) => Self::Matrix(rows(bytes, mapping.channels())),
            _ => {
                let family = mapping.family();
                return Err(LibopusReason::UnsupportedFamily { family }.into());
            }
        };
        match (selection, all, mapping.family()) {
            (ChannelSelection::All, all, _) => Ok(all),
            (ChannelSelection::Only(channels), all, _) => all.only(channels),
            (ChannelSelection::Mono, all, 2 | 3) => all.only(&[0]),
            (ChannelSelection::Mono, Self::Copy(table), family) if table.len() > 1 => {
                Ok(Self::Mono(mono(&table, family)))
            }
            (ChannelSelection::Mono, all, _) => Ok(all),
        }
    }

    /// All channels of the streams, in stream order.
    pub(crate) fn unmixed(mapping: &ChannelMapping) -> Self {
        // At most 255, an invariant of the mapping.
        Self::Copy((0..mapping.streams().get().saturating_add(mapping.coupled())).collect())
    }

    /// Channels of the output.
    pub(crate) fn channels(&self) -> usize {
        match self {
            Self::Copy(table) => table.len(),
            Self::Matrix(rows) => rows.len(),
            Self::Mono(_) => 1,
        }
    }

    pub(crate) fn mix<S: Sample>(&self, layout: Layout, scratch: &mut Scratch<S>, out: &mut [S]) {
        let Scratch { decoded, sums } = scratch;
        match self {
            Self::Copy(table) => copy(table, layout, decoded, out),
            Self::Matrix(rows) => {
                for (channel, row) in rows.iter().enumerate() {
                    let row = row.iter().copied().enumerate();
                    add_up::<S>(row, layout, decoded, sums, S::scaled);
                    put(sums, S::from_sum, layout.output_channel(channel, out));
                }
            }
            Self::Mono(shares) => {
                add_up::<S>(shares.iter().copied(), layout, decoded, sums, S::product);
                put(sums, S::from_products, layout.output_channel(0, out));
            }
        }
    }

    fn only(self, channels: &[u8]) -> Result<Self, Error> {
        if channels.is_empty() {
            return Err(LibopusReason::NoChannels.into());
        }
        Ok(match self {
            Self::Copy(table) => Self::Copy(select(&table, channels)?),
            Self::Matrix(rows) => Self::Matrix(select(&rows, channels)?),
            Self::Mono(shares) => Self::Mono(shares),
        })
    }
}

fn select<T: Clone>(all: &[T], channels: &[u8]) -> Result<Vec<T>, LibopusReason> {
    let select = |&channel: &u8| {
        let found = all.get(usize::from(channel)).cloned();
        found.ok_or(LibopusReason::NoSuchChannel { channel, count: all.len() })
    };
    channels.iter().map(select).collect()
}

/// The decoded channel of each output channel with its share of the mono mix.
fn mono(table: &[u8], family: u8) -> Vec<(usize, i16)> {
    let surround = SURROUND_SHARES.iter().find(|shares| shares.len() == table.len());
    let equal = equal_shares(table.len());
    let shares = match surround {
        Some(shares) if family == 1 => shares,
        _ => equal.as_slice(),
    };
    let of_each = table.iter().zip(shares);
    let is_heard = of_each.filter(|&(&index, _)| index != SILENCE);
    is_heard.map(|(&index, &share)| (usize::from(index), share)).collect()
}

/// Equal shares in Q15 that add up to exactly 1.
fn equal_shares(channels: usize) -> Vec<i16> {
    let border = |channel: usize| (channel << 15) / channels;
    let share = |channel| i16::try_from(border(channel + 1) - border(channel));
    (0..channels).map(|channel| share(channel).unwrap_or(i16::MAX)).collect()
}

/// Half the sum of both rows of the stereo downmix matrices in RFC 7845 section 5.1.1.5, in
/// Q15. The shares add up to at most 2, so a sum of 16-bit samples fits in 32 bits.
const SURROUND_SHARES: [&[i16]; 6] = [
    &[9598, 13_573, 9598],
    &[6925, 6925, 9459, 9459],
    &[10_663, 15_078, 10_663, 14_566, 14_566],
    &[8668, 12_259, 8668, 11_841, 11_841, 12_259],
    &[7460, 10_550, 7460, 10_190, 10_190, 9136, 10_550],
    &[6367, 9005, 6367, 8698, 8698, 8698, 8698, 9005],
];

fn copy<S: Sample>(table: &[u8], layout: Layout, decoded: &[S], out: &mut [S]) {
    for (channel, &index) in table.iter().enumerate() {
        let places = layout.output_channel(channel, out);
        if index == SILENCE {
            places.for_each(|place| *place = S::default());
            continue;
        }
        let samples = layout.decoded_channel(usize::from(index), decoded);
        places.zip(samples).for_each(|(place, &sample)| *place = sample);
    }
}

fn add_up<S: Sample>(
    coefficients: impl Iterator<Item = (usize, i16)>,
    layout: Layout,
    decoded: &[S],
    sums: &mut Vec<S::Sum>,
    times: impl Fn(S, i16) -> S::Sum,
) {
    sums.clear();
    sums.resize(decoded.len() / layout.decoded, S::Sum::default());
    for (index, coefficient) in coefficients.filter(|&(_, coefficient)| coefficient != 0) {
        let samples = layout.decoded_channel(index, decoded);
        sums.iter_mut().zip(samples).for_each(|(sum, &x)| *sum += times(x, coefficient));
    }
}

fn put<'a, S: Sealed + 'a>(
    sums: &[S::Sum],
    round: impl Fn(S::Sum) -> S,
    places: impl Iterator<Item = &'a mut S>,
) {
    places.zip(sums).for_each(|(place, &sum)| *place = round(sum));
}

/// The rows of a matrix stored column by column.
fn rows(matrix: &[u8], channels: u8) -> Vec<Vec<i16>> {
    let coefficient = |pair: &[u8]| pair.first_chunk().map_or(0, |&pair| i16::from_le_bytes(pair));
    let cells: Vec<i16> = matrix.chunks_exact(2).map(coefficient).collect();
    let channels = usize::from(channels);
    (0..channels).map(|row| cells.iter().skip(row).step_by(channels).copied().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_shares_add_up_to_one() {
        for channels in 2..=255 {
            let shares = equal_shares(channels);
            assert_eq!(shares.iter().map(|&share| i32::from(share)).sum::<i32>(), 1 << 15);
        }
    }

    /// In RFC 7845 the coefficients of one side add up to 1, or to 2 from five channels on.
    #[test]
    fn surround_shares_match_the_rfc() {
        for shares in SURROUND_SHARES {
            let sum: i32 = shares.iter().map(|&share| i32::from(share)).sum();
            let expected = if shares.len() < 5 { 1 << 15 } else { 1 << 16 };
            assert!(
                (sum - expected).abs() <= 1 && sum <= 1 << 16,
                "{} channels: {sum}",
                shares.len()
            );
        }
    }
}
