//! Bit rate over time, from the index; nothing is decoded.

use std::ops::Range;

use opus_zarr::{CodedPos, IndexRead, IndexRow, RecordingReader};

use super::{
    canvas::{Area, Colour},
    columns::Columns,
    figure::{Figure, Key, x_of, y_of},
    number::{float, pixels},
    scene::Scene,
};
use crate::{failure::Failure, interrupt};

/// Draws the bit rate; returns the number of columns.
pub(crate) fn draw(
    scene: &Scene,
    reader: &RecordingReader,
    figure: &mut Figure,
) -> Result<usize, Failure> {
    let columns = Columns::new(scene.range.clone(), figure.area.width());
    let rates = Rates::read(scene, reader, columns)?;
    let (lowest, highest) = rates.extremes();
    let subtitle =
        format!("mean {:.1} kb/s, packets {lowest:.1} to {highest:.1} kb/s", rates.mean());
    let keys = [(PACKETS, "lowest to highest packet"), (MEAN, "mean"), (ALL, "mean of all")];
    let keys = keys.map(|(colour, meaning)| Key { colour, meaning });
    figure.head(scene, &subtitle, keys.into());
    let values = 0.0..highest * 1.05;
    let area = figure.area;
    figure.grid(area, &values);
    rates.draw(figure, area, &values);
    figure.value_axis(area, &values);
    figure.value_label("bit rate (kb/s)");
    figure.time_axis(scene);
    figure.close(area, scene);
    Ok(rates.found.len())
}

struct Rates {
    columns: Columns,
    /// Samples per second of real time.
    rate: f64,
    found: Vec<Found>,
}

/// The packets of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Found {
    bits: f64,
    /// Lowest and highest rate of its packets, in kb/s.
    lowest: f64,
    highest: f64,
}

impl Rates {
    fn new(columns: Columns, rate: f64) -> Self {
        let nothing = Found { bits: 0.0, lowest: f64::INFINITY, highest: 0.0 };
        let found = vec![nothing; columns.count()];
        Self { columns, rate, found }
    }

    fn read(scene: &Scene, reader: &RecordingReader, columns: Columns) -> Result<Self, Failure> {
        let pre_skip = u64::from(reader.info().pre_skip);
        let mut rates = Self::new(columns, scene.rate());
        let mut start = scene.range.start;
        while start < scene.range.end {
            let end = scene.range.end.min(start.saturating_add(STEP));
            let coded = |sample: u64| CodedPos::new(sample.saturating_add(pre_skip));
            let span = reader.span(coded(start)..coded(end))?;
            span.rows().iter().for_each(|row| rates.add(row, &(start..end), pre_skip));
            interrupt::check()?;
            start = end;
        }
        Ok(rates)
    }

    /// Adds the part of a packet that lies in a part of the range.
    fn add(&mut self, row: &IndexRow, part: &Range<u64>, pre_skip: u64) {
        let play = |coded: u64| coded.saturating_sub(pre_skip).clamp(part.start, part.end);
        let packet = play(row.first)..play(row.last.saturating_add(1));
        if packet.is_empty() {
            return;
        }
        let bits = float(row.length) * 8.0 / float(row.duration);
        let rate = bits * self.rate / 1000.0;
        for column in self.columns.column(packet.start)..=self.columns.column(packet.end - 1) {
            let share = self.columns.share(column);
            let here = share.end.min(packet.end) - share.start.max(packet.start);
            if let Some(found) = self.found.get_mut(column) {
                found.bits += bits * float(here);
                found.lowest = found.lowest.min(rate);
                found.highest = found.highest.max(rate);
            }
        }
    }

    /// Returns the mean of all columns, in kb/s.
    fn mean(&self) -> f64 {
        let range = self.columns.range();
        let bits: f64 = self.found.iter().map(|found| found.bits).sum();
        bits * self.rate / float(range.end - range.start) / 1000.0
    }

    fn mean_of(&self, column: usize) -> f64 {
        let share = self.columns.share(column);
        let bits = self.found.get(column).map_or(0.0, |found| found.bits);
        bits * self.rate / float(share.end - share.start) / 1000.0
    }

    fn extremes(&self) -> (f64, f64) {
        let lowest = self.found.iter().map(|found| found.lowest).fold(f64::INFINITY, f64::min);
        let highest = self.found.iter().map(|found| found.highest).fold(0.0, f64::max);
        (lowest, highest)
    }

    fn draw(&self, figure: &mut Figure, area: Area, values: &Range<f64>) {
        let count = float(u64::try_from(self.found.len()).unwrap_or(u64::MAX));
        let x = |column: u64| x_of(&area, &(0.0..count), float(column));
        let y = |rate: f64| y_of(&area, values, rate);
        for (number, found) in (0..).zip(&self.found) {
            let (top, bottom) = (y(found.highest), y(found.lowest) + 1);
            let bar = Area { left: x(number), right: x(number + 1), top, bottom };
            figure.canvas.fill(bar, PACKETS, 1.0);
        }
        let mut before = None;
        for (number, column) in (0..).zip(0..self.found.len()) {
            let here = y(self.mean_of(column));
            let from = before.replace(here).unwrap_or(here);
            let (left, right) = (x(number), x(number + 1));
            // Draw the step from the column before, then the column.
            let step = Area { left, right: left + 1, top: from.min(here), bottom: from.max(here) };
            figure.canvas.fill(step, MEAN, 1.0);
            let bottom = here + thickness(figure);
            figure.canvas.fill(Area { left, right, top: here, bottom }, MEAN, 1.0);
        }
        let all = y(self.mean());
        let line = Area { top: all, bottom: all + thickness(figure), ..area };
        figure.canvas.fill(line, ALL, 1.0);
    }
}

fn thickness(figure: &Figure) -> i32 {
    pixels(figure.font / 12.0).max(1)
}

/// Samples whose packets are looked up together: a few chunks of the index.
const STEP: u64 = 600 * 48_000;
const PACKETS: Colour = Colour(190, 212, 236);
const MEAN: Colour = Colour(31, 82, 145);
const ALL: Colour = Colour(217, 95, 2);

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of 20 ms.
    fn packet(number: u64, length: u64) -> IndexRow {
        let first = number * 960;
        IndexRow { offset: 0, length, duration: 960, first, last: first + 959 }
    }

    #[test]
    fn bits_are_counted_where_their_samples_play() {
        // Four packets from sample 312 on, in columns of one and a half.
        let mut rates = Rates::new(Columns::new(0..2880, 2), 48_000.0);
        for (number, length) in [100, 200, 50, 400].into_iter().zip(0..).map(|(l, n)| (n, l)) {
            rates.add(&packet(number, length), &(0..2880), 312);
        }
        let parts = |all: [f64; 3]| all.iter().sum::<f64>() * 8.0;
        let first = parts([100.0 * 648.0 / 960.0, 200.0 * 792.0 / 960.0, 0.0]);
        let second = parts([200.0 * 168.0 / 960.0, 50.0, 400.0 * 312.0 / 960.0]);
        assert!((rates.found[0].bits - first).abs() < 1e-6, "{:?}", rates.found);
        assert!((rates.found[1].bits - second).abs() < 1e-6, "{:?}", rates.found);
        assert_eq!((rates.found[0].lowest, rates.found[0].highest), (40.0, 80.0));
        assert_eq!((rates.found[1].lowest, rates.found[1].highest), (20.0, 160.0));
        assert_eq!(rates.extremes(), (20.0, 160.0));
        assert!((rates.mean() - (first + second) / 0.06 / 1000.0).abs() < 1e-6);
    }

    #[test]
    fn seconds_are_real_time() {
        let mut rates = Rates::new(Columns::new(0..960, 1), 384_000.0);
        rates.add(&packet(0, 120), &(0..960), 0);
        assert_eq!((rates.mean(), rates.mean_of(0)), (384.0, 384.0));
    }
}
