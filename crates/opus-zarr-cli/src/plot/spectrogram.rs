//! Spectrogram: frequencies over time.
//!
//! Every column of the picture is the mean power of Hann windows spread over its time. If decoding
//! all of that would take long, only [`PIECES`] pieces per column are read, and the subtitle says so.
//! The pieces are as exact as a full decode.

use std::ops::Range;

use indicatif::MultiProgress;
use opus_zarr_render::{Palette, Stft, Work, decibels, rows};

use super::{
    axis::{duration, numbers},
    canvas::{Align, Area, Colour},
    columns::Columns,
    figure::{Figure, y_of},
    number::{float, pixels, position, single, size},
    parts::on_threads,
    scene::Scene,
    view::View,
};
use crate::failure::Failure;

/// Draws the spectrogram; returns the number of columns.
pub(crate) fn draw(
    scene: &Scene,
    view: &View,
    figure: &mut Figure,
    bars: &MultiProgress,
) -> Result<usize, Failure> {
    let analysis = Analysis::new(scene, view, figure.area)?;
    let groups = analysis.columns.groups(GROUP);
    let group = |number| groups.get(number).map_or(Ok(Vec::new()), |group| analysis.group(group));
    let columns = on_threads(groups.len(), scene.threads, bars, group)?.concat();
    let levels = view.levels().unwrap_or_else(|| levels(&columns));
    let area = figure.area;
    figure.head(scene, &analysis.subtitle(), Vec::new());
    figure.canvas.paint(area, &colours(area, &columns, &levels));
    let half = scene.rate() / 2000.0;
    let kilohertz = half * analysis.band.start..half * analysis.band.end;
    figure.value_axis(area, &kilohertz);
    figure.value_label("frequency (kHz)");
    figure.time_axis(scene);
    figure.close(area, scene);
    scale(figure, &levels);
    Ok(columns.len())
}

/// The computation that turns samples into columns.
struct Analysis<'a> {
    scene: &'a Scene,
    columns: Columns,
    stft: Stft,
    /// Rows of a column, from the lowest frequency up.
    rows: usize,
    /// Shares of half the sample rate between which frequencies are shown.
    band: Range<f64>,
    is_sampled: bool,
}

/// Decoded samples.
struct Heard {
    start: u64,
    samples: Vec<f32>,
}

impl<'a> Analysis<'a> {
    fn new(scene: &'a Scene, view: &View, area: Area) -> Result<Self, Failure> {
        let columns = Columns::new(scene.range.clone(), area.width());
        let band = view.band(scene.rate(), band(scene))?;
        // Rows if all frequencies were shown.
        let rows = f64::from(area.bottom - area.top).max(1.0) / (band.end - band.start);
        let window = view.window().unwrap_or_else(|| window(float(columns.longest()), rows));
        let stft = Stft::new(window, size(rows * 2.0).min(MOST_BINS).next_power_of_two());
        let is_sampled = columns.longest() > WHOLE;
        Ok(Self { scene, columns, stft, rows: area.height(), band, is_sampled })
    }

    /// Returns the columns of a group, in decibels from the lowest frequency up.
    fn group(&self, group: &Range<usize>) -> Result<Vec<Vec<f32>>, Failure> {
        let all = if self.is_sampled {
            None
        } else {
            let last = group.end.saturating_sub(1);
            let samples = self.columns.share(group.start).start..self.columns.share(last).end;
            Some(self.hear(&samples)?)
        };
        let mut work = self.stft.work();
        group.clone().map(|column| self.column(column, all.as_ref(), &mut work)).collect()
    }

    fn column(
        &self,
        column: usize,
        all: Option<&Heard>,
        work: &mut Work,
    ) -> Result<Vec<f32>, Failure> {
        let mut power = vec![0.0; self.stft.bins()];
        let mut count = 0.0;
        for piece in pieces(self.columns.share(column)) {
            let read = if all.is_none() { Some(self.hear(&piece)?) } else { None };
            let Some(heard) = all.or(read.as_ref()) else { continue };
            for centre in centres(&piece, self.half()) {
                self.stft.add(work, &heard.around(centre, self.half()), &mut power);
                count += 1.0;
            }
        }
        let bins = float(u64::try_from(self.stft.bins() - 1).unwrap_or(u64::MAX));
        let band = self.band.start * bins..self.band.end * bins;
        Ok(rows(&power, self.rows, &band).iter().map(|power| decibels(power / count)).collect())
    }

    /// Reads samples with half a window more on both sides.
    fn hear(&self, samples: &Range<u64>) -> Result<Heard, Failure> {
        let end = self.scene.length();
        let start = samples.start.saturating_sub(self.half());
        let range = start..samples.end.saturating_add(self.half()).min(end);
        Ok(Heard { start, samples: self.scene.read(range)? })
    }

    /// Returns half a window, the distance between windows.
    fn half(&self) -> u64 {
        u64::try_from(self.stft.window() / 2).unwrap_or(u64::MAX)
    }

    fn subtitle(&self) -> String {
        let (window, rate) = (self.stft.window(), self.scene.rate());
        let seconds = |samples: u64| duration(float(samples) / rate);
        let length = seconds(self.half() * 2);
        let windows = format!("Hann window of {window} samples ({length})");
        let share = self.columns.longest();
        if self.is_sampled {
            let read = seconds(PIECE * PIECES);
            format!("{windows}; sampled: {read} of the {} per column", seconds(share))
        } else if share > self.half() {
            format!("{windows}; a column is the mean of {}", seconds(share))
        } else {
            windows
        }
    }
}

impl Heard {
    /// Returns the samples of a window, with silence before the recording.
    fn around(&self, centre: u64, half: u64) -> Vec<f32> {
        let silent = usize::try_from(half.saturating_sub(centre)).unwrap_or(0);
        let index = |sample: u64| {
            let index = usize::try_from(sample.saturating_sub(self.start)).unwrap_or(usize::MAX);
            index.min(self.samples.len())
        };
        let heard = index(centre.saturating_sub(half))..index(centre + half);
        let mut window = vec![0.0; silent];
        window.extend_from_slice(self.samples.get(heard).unwrap_or_default());
        window
    }
}

/// Returns the share of the frequencies that can hold sound, which is less than 1 for audio that was
/// resampled from a lower rate.
fn band(scene: &Scene) -> f64 {
    scene.resampled_from().map_or(1.0, |rate| (f64::from(rate) / 48_000.0).clamp(0.1, 1.0))
}

/// Returns the power of two for which a window is about as wide as high in the picture.
fn window(column: f64, rows: f64) -> usize {
    let balanced = 2.0 * (2.0 * column * rows).sqrt();
    size(balanced.log2().round().exp2()).clamp(128, 4096)
}

/// Returns the samples to read of a column: all of it, or pieces spread over it.
fn pieces(share: Range<u64>) -> Vec<Range<u64>> {
    if share.end - share.start <= WHOLE {
        return vec![share];
    }
    let quarters = Columns::new(share, size(float(PIECES)));
    (0..quarters.count())
        .map(|number| {
            let middle = middle(&quarters.share(number));
            middle - PIECE / 2..middle + PIECE / 2
        })
        .collect()
}

/// Returns the middles of windows this far apart, at least one.
fn centres(piece: &Range<u64>, apart: u64) -> impl Iterator<Item = u64> + use<> {
    let count = ((piece.end - piece.start) / apart.max(1)).max(1);
    let windows = Columns::new(piece.clone(), usize::try_from(count).unwrap_or(usize::MAX));
    (0..windows.count()).map(move |number| middle(&windows.share(number)))
}

fn middle(range: &Range<u64>) -> u64 {
    range.start + (range.end - range.start) / 2
}

/// Returns the levels of the first and the last colour: from the background to the loudest sounds.
fn levels(columns: &[Vec<f32>]) -> Range<f64> {
    // A sample of a large picture is enough.
    let every = columns.iter().map(Vec::len).sum::<usize>() / 1_000_000 + 1;
    let mut sorted: Vec<f32> = columns.iter().flatten().copied().step_by(every).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let count = float(u64::try_from(sorted.len()).unwrap_or(u64::MAX));
    let at = |share: f64| sorted.get(size(count * share)).copied().map_or(0.0, f64::from);
    let top = ((at(0.9998) / 5.0).ceil() * 5.0).clamp(-100.0, 20.0);
    let bottom = ((at(0.25) / 5.0).floor() * 5.0).clamp(top - 80.0, top - 40.0);
    bottom..top
}

/// Returns the pixels of an area, row by row from the top.
fn colours(area: Area, columns: &[Vec<f32>], levels: &Range<f64>) -> Vec<Colour> {
    let palette = palette();
    let (width, height) = (area.width(), area.height());
    let range = single(levels.start)..single(levels.end);
    let colour = |column: usize, row: usize| {
        let decibels = columns.get(column).and_then(|column| column.get(row)).copied();
        let share = decibels.map_or(0.0, |it| (it - range.start) / (range.end - range.start));
        let index = size(f64::from(share.clamp(0.0, 1.0)) * 255.0);
        palette.get(index).copied().unwrap_or(SILENT)
    };
    (0..height)
        .rev()
        .flat_map(|row| (0..width).map(move |x| (x, row)))
        .map(|(x, row)| colour(x * columns.len() / width, row))
        .collect()
}

fn palette() -> Vec<Colour> {
    let colours = Palette::Viridis.colours();
    colours.iter().map(|[red, green, blue]| Colour(*red, *green, *blue)).collect()
}

/// Draws the colour scale at the right of the picture.
fn scale(figure: &mut Figure, levels: &Range<f64>) {
    let font = figure.font;
    let left = figure.area.right + pixels(font);
    let bar = Area { left, right: left + pixels(font), ..figure.area };
    let palette = palette();
    let height = bar.height();
    let shade = |row: usize| palette.get(palette.len() * row / height.max(1)).copied();
    let colours: Vec<Colour> = (0..height)
        .rev()
        .flat_map(|row| std::iter::repeat_n(shade(row).unwrap_or(SILENT), bar.width()))
        .collect();
    figure.canvas.paint(bar, &colours);
    figure.frame(bar);
    for tick in numbers(levels, figure.most(&bar)) {
        let y = y_of(&bar, levels, tick.at);
        figure.canvas.text(&tick.label, font, (bar.right + pixels(font * 0.4), y), Align::Left);
    }
    let middle = bar.top + position(height / 2);
    let at = (bar.right + pixels(font * 3.6), middle);
    figure.canvas.text("dB of full scale", font, at, Align::Upwards);
}

/// Samples of the longest column that is decoded completely: eight seconds. Reading a piece decodes
/// up to a second before it.
const WHOLE: u64 = 8 * 48_000;
/// Pieces that are read of a longer column.
const PIECES: u64 = 4;
/// Samples of a piece: half a second.
const PIECE: u64 = 24_000;
/// Samples that a thread reads in one go, unless a single column is longer.
const GROUP: u64 = 10 * 48_000;
/// Frequencies of a narrow band, at most.
const MOST_BINS: usize = 1 << 17;
/// The first colour of viridis.
const SILENT: Colour = Colour(0x44, 0x01, 0x54);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_as_wide_as_high_within_limits() {
        assert_eq!(window(1.0, 480.0), 128);
        assert_eq!(window(320.0, 480.0), 1024);
        assert_eq!(window(1e9, 480.0), 4096);
    }

    #[test]
    fn pieces_cover_a_short_column_and_sample_a_long_one() {
        assert_eq!(pieces(7..WHOLE + 7), vec![7..WHOLE + 7]);
        let day = pieces(1_000_000..5_000_000);
        let starts: Vec<u64> = day.iter().map(|piece| piece.start).collect();
        assert_eq!(starts, [1_488_000, 2_488_000, 3_488_000, 4_488_000]);
        assert!(day.iter().all(|piece| piece.end - piece.start == PIECE));
    }

    #[test]
    fn centres_are_spread_over_a_piece() {
        assert_eq!(centres(&(100..101), 64).collect::<Vec<_>>(), [100]);
        assert_eq!(centres(&(0..128), 64).collect::<Vec<_>>(), [32, 96]);
        assert_eq!(centres(&(0..150), 50).collect::<Vec<_>>(), [25, 75, 125]);
    }

    #[test]
    fn windows_before_the_start_begin_with_silence() {
        let heard = Heard { start: 0, samples: vec![1.0, 2.0, 3.0, 4.0] };
        assert_eq!(heard.around(1, 2), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(heard.around(3, 2), [2.0, 3.0, 4.0]);
        let later = Heard { start: 100, samples: vec![1.0, 2.0, 3.0, 4.0] };
        assert_eq!(later.around(102, 1), [2.0, 3.0]);
    }

    #[test]
    fn colours_span_background_to_loudest() {
        let mut decibels = vec![-87.0; 9000];
        decibels.extend([-12.0; 1000]);
        assert_eq!(levels(&[decibels]), -90.0..-10.0);
        // At least forty and at most eighty decibels.
        assert_eq!(levels(&[vec![-200.0, -30.0]]), -110.0..-30.0);
        assert_eq!(levels(&[vec![-200.0; 5]]), -180.0..-100.0);
    }
}
