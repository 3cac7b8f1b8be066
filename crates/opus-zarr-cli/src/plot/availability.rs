//! Availability: when something was recorded, as days over hours, or as a line per station.

use std::{collections::BTreeMap, fmt, ops::Range, path::Path};

use jiff::{
    Timestamp,
    civil::{Date, Time},
};
use opus_zarr::{Deployment, Segment, Selection, Zone};
use serde::Serialize;

use super::{
    axis::duration,
    canvas::{Align, Area, Canvas, Colour},
    figure::{Figure, x_of},
    number::{float, length, pixels, position, size},
};
use crate::{
    deployed::{self, Group},
    failure::Failure,
    matching::Selected,
    output::{Line, Messages, Output},
    path::PathField,
};

/// What to draw: a whole, or the recordings with each value of a note.
pub(crate) struct Availability {
    groups: Vec<Group>,
    zone: Zone,
    zone_name: String,
    range: Range<Timestamp>,
    store: PathField,
}

impl Availability {
    pub(crate) fn new(
        selected: &Selected,
        catalogue: Option<&Path>,
        by: Option<&str>,
        (zone, zone_name): (Zone, String),
        selection: &Selection,
        messages: &Messages,
    ) -> Result<Self, Failure> {
        let groups = match by {
            None => {
                let deployment = deployed::open(selected, catalogue, messages)?;
                vec![Group { value: None, deployment }]
            }
            Some(note) => deployed::open_by(note, selected, catalogue, messages)?,
        };
        let members = groups.iter().flat_map(|group| group.deployment.recordings());
        let whole = Deployment::of_members(&selected.store, members.cloned().collect());
        let mut range = whole.select(selection)?;
        if *selection == Selection::ALL {
            range = whole_days(&range, &zone);
        }
        if range.start >= range.end {
            let [start, end] = [range.start, range.end].map(|time| zone.rfc3339(time));
            return Err(Failure::usage(format!("time from {start} to {end} is empty or reversed")));
        }
        let store = selected.place.field("store");
        let it = Self { groups, zone, zone_name, range, store };
        let days = it.days(0).count();
        if days > MOST_DAYS {
            return Err(Failure::usage(format!("{days} days cannot be drawn, only {MOST_DAYS}"))
                .with_hint(
                    "select fewer with --utc; a clock that was not set is a frequent cause",
                ));
        }
        Ok(it)
    }

    pub(crate) fn range(&self) -> &Range<Timestamp> {
        &self.range
    }

    /// Writes how much was recorded on each day.
    pub(crate) fn tell(&self, output: &mut Output) -> Result<(), Failure> {
        for (number, group) in self.groups.iter().enumerate() {
            for (date, day) in self.days(number) {
                let length = day.time.start.duration_until(day.time.end).as_secs_f64();
                let seconds = day.recorded.as_secs_f64();
                output.data(&AvailableDay {
                    store: self.store.clone(),
                    value: group.value.clone(),
                    date: date.to_string(),
                    seconds,
                    share: seconds / length,
                })?;
            }
        }
        Ok(())
    }

    pub(crate) fn draw(&self, figure: &mut Figure) {
        let (first, last) = (self.clock(self.range.start), self.clock(self.range.end));
        let recorded = self
            .groups
            .iter()
            .map(|group| group.deployment.coverage(self.range.clone()).recorded.as_secs_f64());
        let title = format!("{first} to {last} ({})", self.zone_name);
        let subtitle = format!("recorded: {}", duration(recorded.sum()));
        match &self.groups[..] {
            [Group { value: None, deployment }] => self.draw_days(figure, deployment),
            groups => self.draw_lines(figure, groups),
        }
        figure.heading(&title, &subtitle, Vec::new());
        figure.frame(figure.area);
    }

    /// Draws a row per day, over the hours of the clock.
    fn draw_days(&self, figure: &mut Figure, deployment: &Deployment) {
        let dates: Vec<Date> = self.days(0).map(|(date, _)| date).collect();
        let labels: Vec<String> = dates.iter().map(Date::to_string).collect();
        let area = make_room(figure, &labels);
        let rows: BTreeMap<Date, usize> = dates.iter().copied().zip(0..).collect();
        let mut cells = Cells::new(dates.len(), area.width(), DAY);
        for time in recorded(deployment, &self.range) {
            for (start, seconds) in quarters(&time) {
                let clock = self.zone.time_zone().to_datetime(start);
                let midnight = clock.date().to_datetime(Time::midnight());
                let Some(row) = rows.get(&clock.date()) else { continue };
                cells.add(*row, clock.duration_since(midnight).as_secs_f64(), seconds);
            }
        }
        let bands = bands(area, dates.len(), 0);
        cells.draw(figure, &bands);
        row_labels(figure, &bands, &labels);
        let hours =
            (0..=8u32).map(|number| (f64::from(number) * 3.0, format!("{}:00", number * 3)));
        ticks(figure, &(0.0..24.0), hours);
        figure.time_label(&format!("hour of the day ({})", self.zone_name));
    }

    /// Draws a line per value of a note, over all the time.
    fn draw_lines(&self, figure: &mut Figure, groups: &[Group]) {
        let labels: Vec<String> = groups.iter().map(label).collect();
        let area = make_room(figure, &labels);
        let whole = self.range.start.duration_until(self.range.end).as_secs_f64();
        let mut cells = Cells::new(groups.len(), area.width(), whole);
        for (row, group) in groups.iter().enumerate() {
            for time in recorded(&group.deployment, &self.range) {
                let from = self.range.start.duration_until(time.start).as_secs_f64();
                cells.add(row, from, time.start.duration_until(time.end).as_secs_f64());
            }
        }
        let bands = bands(area, groups.len(), pixels(figure.font * 0.6));
        cells.draw(figure, &bands);
        row_labels(figure, &bands, &labels);
        self.time_ticks(figure, whole);
        figure.time_label(&format!("local time ({})", self.zone_name));
    }

    /// Marks round local times as close as they fit, or else midnights.
    fn time_ticks(&self, figure: &mut Figure, whole: f64) {
        let room = f64::from(position(figure.area.width()));
        let widest = f64::from(Canvas::text_width("05-12 03:00  ", figure.font));
        let fits = |step: &&u32| (whole / 60.0 / f64::from(**step) + 1.0) * widest <= room;
        let Some(&step) = STEPS.iter().find(fits) else { return self.date_ticks(figure, whole) };
        let step = i64::from(step);
        let seconds = 60 * step.min(QUARTER / 60);
        let first = self.range.start.as_second().div_euclid(seconds) * seconds;
        let marks = (0..).map(|number| first + number * seconds).map_while(|second| {
            Timestamp::from_second(second).ok().filter(|time| *time <= self.range.end)
        });
        let labels = marks.filter(|time| *time >= self.range.start).filter_map(|time| {
            let clock = self.zone.time_zone().to_datetime(time);
            let minutes = i64::from(clock.hour()) * 60 + i64::from(clock.minute());
            let at = self.range.start.duration_until(time).as_secs_f64();
            (minutes % step == 0).then(|| (at, clock.strftime("%m-%d %H:%M").to_string()))
        });
        ticks(figure, &(0.0..whole), labels);
    }

    /// Marks midnights, as many as fit.
    fn date_ticks(&self, figure: &mut Figure, whole: f64) {
        let starts: Vec<(f64, String)> = self
            .days(0)
            .map(|(date, day)| {
                let at = self.range.start.duration_until(day.time.start).as_secs_f64();
                (at, date.to_string())
            })
            .collect();
        let widest = Canvas::text_width("2026-05-12  ", figure.font).max(1);
        let fit = length(position(figure.area.width()) / widest).max(1);
        let step = starts.len().div_ceil(fit).max(1);
        ticks(figure, &(0.0..whole), starts.into_iter().step_by(step));
    }

    fn days(&self, group: usize) -> impl Iterator<Item = (Date, opus_zarr::Day)> {
        let group = self.groups.get(group);
        group.into_iter().flat_map(|group| {
            let days = group.deployment.days(self.range.clone(), &self.zone);
            days.take(MOST_DAYS + 1).map(|day| (day.date, day))
        })
    }

    /// Writes a time by the clock of the zone, to the minute.
    fn clock(&self, time: Timestamp) -> String {
        self.zone.time_zone().to_datetime(time).strftime("%Y-%m-%d %H:%M").to_string()
    }
}

fn label(group: &Group) -> String {
    group.value.clone().unwrap_or_else(|| "(none)".to_owned())
}

/// The times that were recorded.
fn recorded(deployment: &Deployment, range: &Range<Timestamp>) -> Vec<Range<Timestamp>> {
    let recorded =
        deployment.segments(range.clone()).into_iter().filter_map(|segment| match segment {
            Segment::Recorded { time, .. } => Some(time),
            _ => None,
        });
    recorded.collect()
}

/// Cuts a time at every quarter of an hour, since clocks are only ever set there. Returns starts and
/// lengths in seconds.
fn quarters(time: &Range<Timestamp>) -> Vec<(Timestamp, f64)> {
    let (mut at, mut cuts) = (time.start, Vec::new());
    while at < time.end {
        let left = QUARTER - at.as_second().rem_euclid(QUARTER);
        let next = at.as_second() + left;
        let next = Timestamp::from_second(next).unwrap_or(time.end).min(time.end);
        cuts.push((at, at.duration_until(next).as_secs_f64()));
        at = next;
    }
    cuts
}

/// How much of the time of each pixel was recorded.
struct Cells {
    rows: Vec<Vec<f64>>,
    /// Seconds of a pixel.
    pixel: f64,
}

impl Cells {
    fn new(rows: usize, columns: usize, seconds: f64) -> Self {
        let pixel = seconds / float(u64::try_from(columns.max(1)).unwrap_or(1));
        Self { rows: vec![vec![0.0; columns]; rows], pixel }
    }

    fn add(&mut self, row: usize, from: f64, seconds: f64) {
        let Some(cells) = self.rows.get_mut(row) else { return };
        let (first, end) = (from / self.pixel, (from + seconds) / self.pixel);
        for (number, cell) in cells.iter_mut().enumerate().skip(size(first)) {
            let number = float(u64::try_from(number).unwrap_or(u64::MAX));
            let share = end.min(number + 1.0) - first.max(number);
            if share <= 0.0 {
                return;
            }
            *cell = (*cell + share).min(1.0);
        }
    }

    /// Short recordings stay visible.
    fn draw(&self, figure: &mut Figure, bands: &[Area]) {
        for (cells, band) in self.rows.iter().zip(bands) {
            figure.canvas.fill(*band, EMPTY, 1.0);
            for (x, share) in (0..).zip(cells).filter(|(_, share)| **share > 0.0) {
                let (left, right) = (band.left + x, band.left + x + 1);
                let opacity = FAINTEST + (1.0 - FAINTEST) * share;
                figure.canvas.fill(Area { left, right, ..*band }, RECORDED, opacity);
            }
        }
    }
}

/// Divides an area into rows, with a gap between them if there is room.
fn bands(area: Area, count: usize, gap: i32) -> Vec<Area> {
    let height = float(u64::try_from(area.height()).unwrap_or(0));
    let row = height / float(u64::try_from(count.max(1)).unwrap_or(1));
    let gap = if row > 6.0 { gap.clamp(1, pixels(row / 3.0)) } else { 0 };
    let at =
        |number: usize| area.top + pixels(row * float(u64::try_from(number).unwrap_or(u64::MAX)));
    let band = |number| {
        let (top, bottom) = (at(number), at(number + 1));
        Area { top, bottom: (bottom - gap).max(top + 1), ..area }
    };
    (0..count).map(band).collect()
}

/// The local days that a range touches.
fn whole_days(range: &Range<Timestamp>, zone: &Zone) -> Range<Timestamp> {
    let midnight = |date: Date| {
        let midnight = date.to_datetime(Time::midnight());
        zone.time_zone().to_ambiguous_timestamp(midnight).compatible().ok()
    };
    let start = midnight(zone.time_zone().to_datetime(range.start).date());
    let end = zone.time_zone().to_datetime(range.end);
    let next = if end.time() == Time::midnight() { Ok(end.date()) } else { end.date().tomorrow() };
    let end = next.ok().and_then(midnight);
    start.unwrap_or(range.start)..end.unwrap_or(range.end)
}

/// Makes room for labels at the left; returns the area that is left.
fn make_room(figure: &mut Figure, labels: &[String]) -> Area {
    let widest = labels.iter().map(|label| Canvas::text_width(label, figure.font)).max();
    let wanted = widest.unwrap_or(0) + pixels(figure.font * 1.4);
    let most = figure.area.left + position(figure.area.width() / 4);
    figure.area.left = figure.area.left.max(wanted).min(most);
    figure.area
}

/// Labels as many rows as fit.
fn row_labels(figure: &mut Figure, bands: &[Area], labels: &[String]) {
    let most = size(figure.most(&figure.area) * 2.0).max(1);
    let step = labels.len().div_ceil(most).max(1);
    let font = figure.font;
    let room = figure.area.left - pixels(font * 0.8);
    for (band, label) in bands.iter().zip(labels).step_by(step) {
        let label = Canvas::cut_text(label, font, room);
        let middle = band.top + (band.bottom - band.top) / 2;
        figure.canvas.text(
            &label,
            font,
            (figure.area.left - pixels(font * 0.5), middle),
            Align::Right,
        );
    }
}

fn ticks(
    figure: &mut Figure,
    values: &Range<f64>,
    labels: impl IntoIterator<Item = (f64, String)>,
) {
    let area = figure.area;
    for (at, label) in labels {
        figure.time_tick(x_of(&area, values, at), &label);
    }
}

/// The line about a day.
#[derive(Serialize)]
struct AvailableDay {
    #[serde(flatten)]
    store: PathField,
    /// Of the note by which recordings are divided.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    date: String,
    /// Recorded.
    seconds: f64,
    share: f64,
}

impl Line for AvailableDay {
    const TYPE: &'static str = "available";
}

impl fmt::Display for AvailableDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, seconds, share, value, .. } = self;
        write!(f, "{date}  {:>8}  {:>6.2} %", duration(*seconds), share * 100.0)?;
        match value {
            Some(value) => write!(f, "  {value}"),
            None => Ok(()),
        }
    }
}

const DAY: f64 = 86_400.0;
const QUARTER: i64 = 900;
/// Minutes between marks.
const STEPS: [u32; 11] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720];
const MOST_DAYS: usize = 4000;
const RECORDED: Colour = Colour(31, 82, 145);
const EMPTY: Colour = Colour(238, 238, 238);
/// How visible the shortest recording is.
const FAINTEST: f64 = 0.4;
