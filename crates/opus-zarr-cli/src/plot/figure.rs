use std::ops::Range;

use super::{
    axis::{self, Tick, TimeUnit},
    canvas::{Align, Area, Canvas, Colour},
    number::pixels,
    scene::Scene,
};

/// A picture with a title, axes, and the area between them.
pub(crate) struct Figure {
    pub(crate) canvas: Canvas,
    pub(crate) area: Area,
    /// Height of a line of text.
    pub(crate) font: f64,
    width: i32,
    height: i32,
}

/// The meaning of a colour.
pub(crate) struct Key {
    pub(crate) colour: Colour,
    pub(crate) meaning: &'static str,
}

impl Figure {
    /// Creates an empty picture, with room for a colour scale at the right if it has one.
    pub(crate) fn new(width: u32, height: u32, has_scale: bool) -> Self {
        let canvas = Canvas::new(width, height);
        let (width, height) = (i32::try_from(width), i32::try_from(height));
        let (width, height) = (width.unwrap_or(i32::MAX), height.unwrap_or(i32::MAX));
        let font = (f64::from(width).min(f64::from(height) * 2.0) / 75.0).clamp(11.0, 48.0);
        let right = if has_scale { 6.4 } else { 2.0 };
        let area = Area {
            left: pixels(font * 5.5),
            top: pixels(font * 3.6),
            right: width - pixels(font * right),
            bottom: height - pixels(font * 3.8),
        };
        Self { canvas, area, font, width, height }
    }

    /// Writes the name of the recording, its start, a subtitle, and the meaning of the colours.
    pub(crate) fn head(&mut self, scene: &Scene, subtitle: &str, keys: Vec<Key>) {
        let (colour, opacity, meaning) = gap(scene);
        let colour = Colour(u8::MAX, u8::MAX, u8::MAX).towards(colour, opacity);
        let lost = scene.gaps().next().map(|_| Key { colour, meaning });
        self.heading(&scene.title(), subtitle, keys.into_iter().chain(lost).collect());
    }

    /// Writes a title, a subtitle, and the meaning of the colours.
    pub(crate) fn heading(&mut self, title: &str, subtitle: &str, keys: Vec<Key>) {
        let (big, small) = (self.font * 1.3, self.font);
        let end = self.keys(&keys, pixels(self.font * 2.65)) - pixels(self.font);
        let left = self.area.left;
        let title = Canvas::cut_text(title, big, self.width - left - pixels(self.font));
        self.canvas.text(&title, big, (left, pixels(self.font * 1.2)), Align::Left);
        let subtitle = Canvas::cut_text(subtitle, small, end - left);
        self.canvas.text(&subtitle, small, (left, pixels(self.font * 2.65)), Align::Left);
    }

    /// Draws the keys to the right edge of the area; returns where they begin.
    fn keys(&mut self, keys: &[Key], middle: i32) -> i32 {
        let mut right = self.area.right;
        for Key { colour, meaning } in keys.iter().rev() {
            self.canvas.text(meaning, self.font, (right, middle), Align::Right);
            right -= Canvas::text_width(meaning, self.font) + pixels(self.font * 0.4);
            let half = pixels(self.font * 0.4);
            let (left, top, bottom) = (right - 2 * half, middle - half, middle + half);
            self.canvas.fill(Area { left, top, right, bottom }, *colour, 1.0);
            right = left - pixels(self.font * 1.2);
        }
        right
    }

    /// Draws the time axis below the area.
    pub(crate) fn time_axis(&mut self, scene: &Scene) {
        let (area, font) = (self.area, self.font);
        let time = scene.time();
        let room = area.right - area.left;
        let (local, unit) = (scene.local_time(), TimeUnit::of(time.end));
        let width = |label: &str| Canvas::text_width(label, font);
        let ticks = match local {
            Some(_) => axis::local_times(&time, &scene.clock_changes(), room, width),
            None => axis::times(&time, unit, room, width),
        };
        for Tick { at, label } in &ticks {
            self.time_tick(x_of(&area, &time, *at), label);
        }
        if let Some(local) = local {
            return self.time_label(&local);
        }
        let unit = unit.name();
        let room = self.width - pixels(font);
        let label = match scene.began() {
            Some(began) => format!("time from {began} ({unit})"),
            None => format!("time ({unit})"),
        };
        let fits = Canvas::text_width(&label, font) <= room;
        let label = if fits { label } else { format!("time ({unit})") };
        self.time_label(&label);
    }

    /// Marks a time below the area.
    pub(crate) fn time_tick(&mut self, x: i32, label: &str) {
        let bottom = self.area.bottom;
        let mark = Area { left: x, right: x + 1, top: bottom, bottom: bottom + self.tick() };
        self.canvas.fill(mark, AXIS, 1.0);
        let middle = bottom + pixels(self.font * 1.1);
        // The whole label stays in the picture.
        let half = Canvas::text_width(label, self.font) / 2 + 1;
        let x = x.min(self.width - half).max(half);
        self.canvas.text(label, self.font, (x, middle), Align::Centre);
    }

    /// Writes what the time axis means.
    pub(crate) fn time_label(&mut self, label: &str) {
        let (area, font) = (self.area, self.font);
        // Centre the label below the area, as far as the picture is wide enough.
        let half = Canvas::text_width(label, font) / 2 + pixels(font / 2.0);
        let middle = (area.left + (area.right - area.left) / 2).min(self.width - half).max(half);
        let bottom = self.height - pixels(font * 1.1);
        self.canvas.text(label, font, (middle, bottom), Align::Centre);
    }

    /// Draws the values to the left of a lane.
    pub(crate) fn value_axis(&mut self, lane: Area, values: &Range<f64>) {
        let font = self.font;
        for Tick { at, label } in axis::numbers(values, self.most(&lane)) {
            let y = y_of(&lane, values, at);
            let mark =
                Area { left: lane.left - self.tick(), right: lane.left, top: y, bottom: y + 1 };
            self.canvas.fill(mark, AXIS, 1.0);
            let right = lane.left - pixels(font * 0.7);
            self.canvas.text(&label, font, (right, y), Align::Right);
        }
    }

    /// Draws lines across a lane at the ticks of its values.
    pub(crate) fn grid(&mut self, lane: Area, values: &Range<f64>) {
        for Tick { at, .. } in axis::numbers(values, self.most(&lane)) {
            let y = y_of(&lane, values, at).min(lane.bottom - 1);
            self.canvas.fill(Area { top: y, bottom: y + 1, ..lane }, GRID, 1.0);
        }
    }

    /// Labels the values at the left.
    pub(crate) fn value_label(&mut self, label: &str) {
        let middle = self.area.top + (self.area.bottom - self.area.top) / 2;
        let at = (pixels(self.font * 1.1), middle);
        let label = Canvas::cut_text(label, self.font, self.height);
        self.canvas.text(&label, self.font, at, Align::Upwards);
    }

    /// Shades lost audio, or blanks what was not recorded, and draws a frame around the lane.
    pub(crate) fn close(&mut self, lane: Area, scene: &Scene) {
        let (range, (colour, opacity, _)) = (&scene.range, gap(scene));
        for gap in scene.gaps() {
            let x = |sample: u64| {
                x_of(&lane, &scene.time(), scene.seconds(sample.clamp(range.start, range.end)))
            };
            let left = x(gap.start).min(lane.right - 2);
            let right = x(gap.end).max(left + 2);
            self.canvas.fill(Area { left, right, ..lane }, colour, opacity);
        }
        self.frame(lane);
    }

    /// Draws a line around an area.
    pub(crate) fn frame(&mut self, area: Area) {
        let Area { left, top, right, bottom } = area;
        for side in [
            Area { left: left - 1, right: left, top: top - 1, bottom: bottom + 1 },
            Area { left: right, right: right + 1, top: top - 1, bottom: bottom + 1 },
            Area { top: top - 1, bottom: top, ..area },
            Area { top: bottom, bottom: bottom + 1, ..area },
        ] {
            self.canvas.fill(side, AXIS, 1.0);
        }
    }

    /// Returns how many numbers fit beside an area.
    pub(crate) fn most(&self, area: &Area) -> f64 {
        (f64::from(area.bottom - area.top) / (self.font * 2.2)).clamp(2.0, 12.0)
    }

    /// Returns the length of a tick on an axis.
    fn tick(&self) -> i32 {
        pixels(self.font * 0.4)
    }
}

pub(crate) fn x_of(area: &Area, values: &Range<f64>, at: f64) -> i32 {
    let share = (at - values.start) / (values.end - values.start);
    area.left + pixels(share * f64::from(area.right - area.left))
}

pub(crate) fn y_of(area: &Area, values: &Range<f64>, at: f64) -> i32 {
    let share = (at - values.start) / (values.end - values.start);
    area.bottom - pixels(share * f64::from(area.bottom - area.top))
}

/// How gaps are drawn, and what they mean.
fn gap(scene: &Scene) -> (Colour, f64, &'static str) {
    match scene.local_time() {
        Some(_) => (UNRECORDED, 1.0, "not recorded"),
        None => (LOST, 0.5, "lost in the source"),
    }
}

const AXIS: Colour = Colour(96, 96, 96);
const GRID: Colour = Colour(224, 224, 224);
/// Visible on white and on all colours of a spectrogram.
const LOST: Colour = Colour(230, 60, 60);
const UNRECORDED: Colour = Colour(238, 238, 238);
