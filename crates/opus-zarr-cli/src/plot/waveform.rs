//! Waveform: the lowest and highest sample of each column, and the root mean square.

use std::ops::Range;

use indicatif::MultiProgress;
use opus_zarr::ChannelSelection;

use super::{
    axis::{duration, round_up},
    canvas::{Align, Area, Canvas, Colour},
    columns::Columns,
    figure::{Figure, Key, y_of},
    number::{float, pixels, position, size},
    parts::on_threads,
    scene::Scene,
};
use crate::failure::Failure;

/// Number of channels that fit.
pub(crate) const LANES: u8 = 8;

/// Draws the waveform; returns the number of columns.
pub(crate) fn draw(
    scene: &Scene,
    figure: &mut Figure,
    bars: &MultiProgress,
) -> Result<usize, Failure> {
    let columns = Columns::new(scene.range.clone(), figure.area.width());
    let lanes = envelopes(scene, &columns, bars)?;
    let limit = limit(&lanes);
    let column = duration(float(columns.longest()) / scene.rate());
    let subtitle = format!("{}a column is {column}", channels(scene, lanes.len()));
    let keys = match columns.longest() {
        1 => vec![Key { colour: RMS, meaning: "samples" }],
        _ => vec![
            Key { colour: RANGE, meaning: "lowest to highest sample" },
            Key { colour: RMS, meaning: "RMS" },
        ],
    };
    figure.head(scene, &subtitle, keys);
    let gap = pixels(figure.font * 1.3);
    for (number, (lane, area)) in
        lanes.iter().zip(Canvas::lanes(figure.area, lanes.len(), gap)).enumerate()
    {
        lane.draw(figure, area, &(-limit..limit));
        figure.close(area, scene);
        if lanes.len() > 1 {
            let at = (area.right + pixels(figure.font * 0.7), area.top + area_middle(&area));
            figure.canvas.text(&(number + 1).to_string(), figure.font, at, Align::Left);
        }
    }
    figure.value_label("amplitude (full scale is 1)");
    figure.time_axis(scene);
    Ok(columns.count())
}

fn area_middle(area: &Area) -> i32 {
    position(area.height()) / 2
}

/// Names the drawn channels if they are not all.
fn channels(scene: &Scene, lanes: usize) -> String {
    let (all, selected) = scene.channels();
    match selected {
        ChannelSelection::Only(only) if only.len() == 1 && all > 1 => {
            let number = only.first().map_or(0, |index| u32::from(*index) + 1);
            format!("channel {number} of {all}, ")
        }
        _ if usize::from(all) > lanes => format!("channels 1 to {lanes} of {all}, "),
        _ => String::new(),
    }
}

/// The columns of a channel.
#[derive(Clone, Debug, PartialEq)]
struct Lane(Vec<Envelope>);

/// The samples of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Envelope {
    lowest: f32,
    highest: f32,
    squares: f64,
    count: f64,
}

impl Envelope {
    const EMPTY: Self =
        Self { lowest: f32::INFINITY, highest: f32::NEG_INFINITY, squares: 0.0, count: 0.0 };

    fn add(&mut self, sample: f32) {
        self.lowest = self.lowest.min(sample);
        self.highest = self.highest.max(sample);
        self.squares += f64::from(sample) * f64::from(sample);
        self.count += 1.0;
    }

    fn merge(&mut self, other: &Self) {
        self.lowest = self.lowest.min(other.lowest);
        self.highest = self.highest.max(other.highest);
        self.squares += other.squares;
        self.count += other.count;
    }

    fn rms(&self) -> f64 {
        (self.squares / self.count.max(1.0)).sqrt()
    }
}

/// Decodes the range in parts of constant size.
fn envelopes(scene: &Scene, columns: &Columns, bars: &MultiProgress) -> Result<Vec<Lane>, Failure> {
    let channels = channel_count(scene);
    let length = scene.range.end - scene.range.start;
    let parts = Columns::new(
        scene.range.clone(),
        usize::try_from(length.div_ceil(PART)).unwrap_or(usize::MAX),
    );
    let read = on_threads(parts.count(), scene.threads, bars, |number| {
        let part = parts.share(number);
        let samples: Vec<f32> = scene.read(part.clone())?;
        Ok((columns.column(part.start), part_envelopes(&samples, &part, channels, columns)))
    })?;
    let mut lanes = vec![Lane(vec![Envelope::EMPTY; columns.count()]); channels];
    for (first, envelopes) in &read {
        for (lane, found) in lanes.iter_mut().zip(envelopes) {
            let here = lane.0.iter_mut().skip(*first);
            here.zip(found).for_each(|(envelope, found)| envelope.merge(found));
        }
    }
    Ok(lanes)
}

/// Returns, for each channel, the columns of a part, starting with that of its first sample.
fn part_envelopes(
    samples: &[f32],
    part: &Range<u64>,
    channels: usize,
    columns: &Columns,
) -> Vec<Vec<Envelope>> {
    let (first, last) = (columns.column(part.start), columns.column(part.end - 1));
    let mut lanes = vec![Vec::with_capacity(last - first + 1); channels];
    let mut rest = samples;
    for column in first..=last {
        let share = columns.share(column);
        let count = share.end.min(part.end) - share.start.max(part.start);
        let count = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(channels);
        let (here, after) = rest.split_at(count.min(rest.len()));
        rest = after;
        let mut envelopes = vec![Envelope::EMPTY; channels];
        for frame in here.chunks_exact(channels.max(1)) {
            envelopes.iter_mut().zip(frame).for_each(|(envelope, sample)| envelope.add(*sample));
        }
        lanes.iter_mut().zip(envelopes).for_each(|(lane, envelope)| lane.push(envelope));
    }
    lanes
}

fn channel_count(scene: &Scene) -> usize {
    let (all, selected) = scene.channels();
    selected.count(all)
}

/// Returns the end of the axis: a little above the loudest sample, since many field recordings are far
/// from full scale.
fn limit(lanes: &[Lane]) -> f64 {
    let all = lanes.iter().flat_map(|lane| &lane.0);
    let peak = all.map(|it| it.highest.max(-it.lowest)).fold(0.0, f32::max);
    if peak > 0.0 { round_up(f64::from(peak).max(0.0001)) } else { 1.0 }
}

impl Lane {
    fn draw(&self, figure: &mut Figure, area: Area, values: &Range<f64>) {
        figure.grid(area, values);
        figure.value_axis(area, values);
        let y = |value: f64| y_of(&area, values, value);
        let mut bar = |x: i32, high: f64, low: f64, colour: Colour| {
            let (left, right) = (area.left + x, area.left + x + 1);
            figure.canvas.fill(Area { left, right, top: y(high), bottom: y(low) + 1 }, colour, 1.0);
        };
        if self.0.len() < area.width() {
            // With more pixels than samples, draw lines from one sample to the next.
            let mut before = None;
            for x in 0..position(area.width()) {
                let here = self.between(f64::from(x) + 0.5, area.width());
                let from = before.replace(here).unwrap_or(here);
                bar(x, from.max(here), from.min(here), RMS);
            }
            return;
        }
        let mut before: Option<&Envelope> = None;
        for (x, envelope) in (0..).zip(&self.0) {
            // Overlap with the column before, so that no gap remains between them.
            let (low, high) = before.map_or((envelope.lowest, envelope.highest), |before| {
                (envelope.lowest.min(before.highest), envelope.highest.max(before.lowest))
            });
            bar(x, high.into(), low.into(), RANGE);
            bar(x, envelope.rms(), -envelope.rms(), RMS);
            before = Some(envelope);
        }
    }

    /// Interpolates the value at a pixel, where each column is a single sample.
    fn between(&self, x: f64, width: usize) -> f64 {
        let number = |count: usize| float(u64::try_from(count).unwrap_or(u64::MAX));
        let at = (x * number(self.0.len()) / number(width) - 0.5).max(0.0);
        let sample = |index: usize| {
            let index = index.min(self.0.len().saturating_sub(1));
            self.0.get(index).map_or(0.0, |sample| f64::from(sample.highest))
        };
        let (left, right) = (sample(size(at)), sample(size(at) + 1));
        left + (right - left) * at.fract()
    }
}

/// Samples that a thread reads in one go: ten seconds.
const PART: u64 = 10 * 48_000;
const RANGE: Colour = Colour(127, 174, 222);
const RMS: Colour = Colour(31, 82, 145);

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels: a ramp from -1 to 1, and half of it.
    fn ramp(part: Range<u64>) -> Vec<f32> {
        let at = |sample: u64| u16::try_from(sample).map(f32::from).unwrap() / 500.0 - 1.0;
        part.flat_map(|sample| [at(sample), at(sample) / 2.0]).collect()
    }

    #[test]
    fn the_envelope_of_a_ramp_is_its_ends_per_column() {
        let columns = Columns::new(0..1000, 10);
        let lanes = part_envelopes(&ramp(0..1000), &(0..1000), 2, &columns);
        assert_eq!((lanes.len(), lanes[0].len()), (2, 10));
        for (column, envelope) in (0_u8..).zip(&lanes[0]) {
            let first = f32::from(column) / 5.0 - 1.0;
            assert!((envelope.lowest - first).abs() < 1e-6);
            assert!((envelope.highest - first - 0.198).abs() < 1e-6);
            assert_eq!(envelope.count, 100.0);
        }
        assert!((lanes[1][9].highest - 0.499).abs() < 1e-6);
        // From -0.5 to -0.401: mean square 0.2038.
        assert!((lanes[1][0].rms() - 0.451_4).abs() < 0.001, "{}", lanes[1][0].rms());
    }

    #[test]
    fn parts_merge_within_a_column() {
        let columns = Columns::new(0..1000, 7);
        let whole = part_envelopes(&ramp(0..1000), &(0..1000), 2, &columns);
        let mut merged = vec![vec![Envelope::EMPTY; 7]; 2];
        for part in [0..333, 333..334, 334..1000] {
            let first = columns.column(part.start);
            let found = part_envelopes(&ramp(part.clone()), &part, 2, &columns);
            for (lane, found) in merged.iter_mut().zip(found) {
                lane.iter_mut().skip(first).zip(&found).for_each(|(it, found)| it.merge(found));
            }
        }
        for (merged, whole) in merged.iter().flatten().zip(whole.iter().flatten()) {
            assert_eq!((merged.lowest, merged.highest), (whole.lowest, whole.highest));
            assert!((merged.rms() - whole.rms()).abs() < 1e-9 && merged.count == whole.count);
        }
    }

    #[test]
    fn pixels_between_samples_lie_on_lines() {
        let sample = |value| {
            let mut envelope = Envelope::EMPTY;
            envelope.add(value);
            envelope
        };
        let lane = Lane(vec![sample(0.0), sample(1.0), sample(-1.0)]);
        // Each sample is in the middle of its four pixels.
        assert_eq!([2.0, 4.0, 6.0, 10.0].map(|x| lane.between(x, 12)), [0.0, 0.5, 1.0, -1.0]);
        assert_eq!([0.0, 12.0].map(|x| lane.between(x, 12)), [0.0, -1.0]);
    }

    #[test]
    fn the_axis_ends_above_the_loudest_sample() {
        let mut quiet = Envelope::EMPTY;
        assert_eq!(limit(&[Lane(vec![quiet])]), 1.0);
        quiet.add(-0.03);
        assert_eq!(limit(&[Lane(vec![quiet])]), 0.05);
        quiet.add(0.7);
        assert_eq!(limit(&[Lane(vec![quiet])]), 1.0);
    }
}
