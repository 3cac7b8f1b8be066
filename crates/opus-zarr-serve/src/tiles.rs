//! Pictures of a recording, in tiles of 256 columns. At zoom `z`, a column stands for `2^z` play samples.
//!
//! A column of up to [`WHOLE`] samples shows all of them. Of a longer one, only its middle is decoded, so that
//! an overview of a day costs as much as one of a minute. Pictures are decoded with a pre-roll, which is exact
//! to the eye.

use std::ops::Range;

use opus_zarr::{APPROXIMATE_PRE_ROLL, ReadMode, Recording};
use opus_zarr_render::{Pixels, Stft, decibels, encode_png, rows};

use crate::{
    Problem,
    number::{float, level, pixel, size},
    route::{Picture, Tile},
};

/// Draws a tile of a recording that is read as one channel.
pub(crate) fn draw(recording: &Recording, tile: &Tile) -> Result<Vec<u8>, Problem> {
    let columns = columns(recording, tile)?;
    let width = u32::try_from(columns.len()).unwrap_or(0);
    let encoded = match &tile.picture {
        Picture::Spectrogram { colours, .. } => {
            let levels = spectrogram(recording, tile, &columns)?;
            let colours = colours.colours();
            encode_png((width, tile.height), Pixels::Indexed(&colours, &levels))
        }
        Picture::Waveform => {
            let pixels = waveform(recording, tile, &columns)?;
            encode_png((width, tile.height), Pixels::Rgba(&pixels))
        }
    };
    encoded.map_err(|error| {
        tracing::error!(%error, "cannot draw");
        Problem::new(hyper::StatusCode::INTERNAL_SERVER_ERROR, "an internal error")
    })
}

/// The play samples of each column, as many as there are.
pub(crate) fn columns(recording: &Recording, tile: &Tile) -> Result<Vec<Range<u64>>, Problem> {
    let length = recording.info().play_length;
    let column = 1_u64 << tile.zoom.min(MOST_ZOOM);
    let first = tile.number.checked_mul(WIDTH * column).filter(|first| *first < length);
    let first = first.ok_or_else(|| Problem::missing("the recording ends before this tile"))?;
    let starts = (0..WIDTH).map(|number| first + number * column);
    let columns = starts.take_while(|start| *start < length);
    Ok(columns.map(|start| start..start.saturating_add(column).min(length)).collect())
}

/// Decoded samples of one channel, from a play sample on.
struct Heard {
    start: u64,
    samples: Vec<f32>,
}

impl Heard {
    /// Decodes samples, as far as there are any.
    fn new(recording: &Recording, range: &Range<u64>) -> Result<Self, Problem> {
        let range = range.start..range.end.min(recording.info().play_length);
        let mode = ReadMode::Approximate { pre_roll: APPROXIMATE_PRE_ROLL };
        let samples: Vec<f32> = recording.read_as(mode, range.clone())?;
        Ok(Self { start: range.start, samples })
    }

    fn get(&self, range: &Range<u64>) -> &[f32] {
        let at = |sample: u64| {
            let index = usize::try_from(sample.saturating_sub(self.start)).unwrap_or(usize::MAX);
            index.min(self.samples.len())
        };
        self.samples.get(at(range.start)..at(range.end)).unwrap_or_default()
    }
}

/// Calls a function with each column, the part of it that is to be shown, and its samples with some more on
/// both sides.
fn each_column(
    recording: &Recording,
    tile: &Tile,
    columns: &[Range<u64>],
    margin: u64,
    mut show: impl FnMut(&Range<u64>, &Heard),
) -> Result<(), Problem> {
    let around =
        |part: &Range<u64>| part.start.saturating_sub(margin)..part.end.saturating_add(margin);
    let is_whole = 1_u64 << tile.zoom.min(MOST_ZOOM) <= WHOLE;
    let all = match (is_whole, columns) {
        (true, [first, .., last]) => Some(first.start..last.end),
        (true, [only]) => Some(only.clone()),
        _ => None,
    };
    let all = all.map(|all| Heard::new(recording, &around(&all))).transpose()?;
    for column in columns {
        match &all {
            Some(heard) => show(column, heard),
            None => {
                let middle = column.start + (column.end - column.start) / 2;
                let part = middle.saturating_sub(PIECE / 2).max(column.start)
                    ..middle.saturating_add(PIECE / 2).min(column.end);
                show(&part, &Heard::new(recording, &around(&part))?);
            }
        }
    }
    Ok(())
}

/// The level of each pixel as the number of a colour.
fn spectrogram(
    recording: &Recording,
    tile: &Tile,
    columns: &[Range<u64>],
) -> Result<Vec<u8>, Problem> {
    let Picture::Spectrogram { low, high, levels, window, .. } = &tile.picture else {
        return Ok(Vec::new());
    };
    let nyquist = f64::from(recording.info().real_rate.get()) / 2.0;
    let (low, high) = (low.unwrap_or(0.0), high.unwrap_or(nyquist));
    if !(0.0 <= low && low < high && high <= nyquist) {
        return Err(Problem::bad(format!(
            "invalid frequencies {low} to {high} Hz: expected two between 0 and {nyquist}"
        )));
    }
    let height = size(f64::from(tile.height));
    let wanted = f64::from(tile.height) * 2.0 * nyquist / (high - low);
    let stft = Stft::new(*window, size(wanted).min(MOST_BINS).next_power_of_two());
    let bins = float(u64::try_from(stft.bins() - 1).unwrap_or(0));
    let band = low / nyquist * bins..high / nyquist * bins;
    let half = u64::try_from(window / 2).unwrap_or(u64::MAX);
    let mut work = stft.work();
    let mut found: Vec<Vec<f32>> = Vec::with_capacity(columns.len());
    each_column(recording, tile, columns, half, |part, heard| {
        let mut power = vec![0.0; stft.bins()];
        let mut count = 0.0_f32;
        for centre in centres(part, half) {
            let samples = heard.get(&(centre.saturating_sub(half)..centre + half));
            stft.add(&mut work, samples, &mut power);
            count += 1.0;
        }
        let rows = rows(&power, height, &band);
        found.push(rows.iter().map(|power| decibels(power / count)).collect());
    })?;
    let scale = |decibels: f32| {
        level((f64::from(decibels) - levels.start) / (levels.end - levels.start) * 255.0)
    };
    let of_row = |row: usize| found.iter().map(move |column| column.get(row).copied());
    let rows = (0..height).rev().flat_map(of_row);
    Ok(rows.map(|decibels| decibels.map_or(0, scale)).collect())
}

/// The middles of windows that far apart, at least one.
fn centres(part: &Range<u64>, apart: u64) -> impl Iterator<Item = u64> + use<> {
    let (start, length) = (part.start, part.end - part.start);
    let count = (length / apart.max(1)).max(1);
    (0..count).map(move |number| start + (2 * number + 1) * length / (2 * count))
}

/// The lowest to highest sample of each column, and within that the root mean square.
fn waveform(
    recording: &Recording,
    tile: &Tile,
    columns: &[Range<u64>],
) -> Result<Vec<u8>, Problem> {
    let mut found = Vec::with_capacity(columns.len());
    each_column(recording, tile, columns, 0, |part, heard| {
        let samples = heard.get(part);
        let (low, high) = samples
            .iter()
            .fold((0.0_f32, 0.0_f32), |(low, high), it| (low.min(*it), high.max(*it)));
        let squares: f64 = samples.iter().map(|it| f64::from(*it) * f64::from(*it)).sum();
        let count = float(u64::try_from(samples.len()).unwrap_or(0)).max(1.0);
        found.push((f64::from(low), f64::from(high), (squares / count).sqrt()));
    })?;
    let middle = f64::from(tile.height) / 2.0;
    let mut pixels = Vec::new();
    for row in 0..tile.height {
        for (low, high, rms) in &found {
            let row = f64::from(row);
            let y = |value: f64| pixel(middle - value * middle);
            let is_in = |top: f64, bottom: f64| y(top) <= row && row <= y(bottom);
            pixels.extend(match (is_in(*rms, -rms), is_in(*high, *low)) {
                (true, _) => RMS,
                (_, true) => RANGE,
                _ => [0; 4],
            });
        }
    }
    Ok(pixels)
}

const WIDTH: u64 = 256;
/// 24 days a column.
pub(crate) const MOST_ZOOM: u32 = 36;
/// Samples of the longest column that is decoded completely: 85 ms.
const WHOLE: u64 = 4096;
/// Samples that are decoded of a longer one.
const PIECE: u64 = 2048;
const MOST_BINS: usize = 1 << 15;
const RANGE: [u8; 4] = [127, 174, 222, 255];
const RMS: [u8; 4] = [31, 82, 145, 255];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_spread_over_a_part() {
        assert_eq!(centres(&(100..101), 64).collect::<Vec<_>>(), [100]);
        assert_eq!(centres(&(0..128), 64).collect::<Vec<_>>(), [32, 96]);
        assert_eq!(centres(&(0..0), 64).count(), 1);
    }
}
