//! The recordings of a store on one clock.

mod divided;

use std::{
    ops::{ControlFlow, Range},
    path::Path,
    slice,
};

use opus_zarr::{Deployment, Error, NameGlob, Recording, RecordingName, Timestamp, Zone};

use self::divided::Divided;
use crate::{
    catalogue::read_catalogue,
    failure::{Exit, Failure},
    matching::{self, Notes, Selected},
    output::Messages,
    place::{Found, StorePlace},
    range::RangeArgs,
    several::while_waiting,
    text::count,
};

/// Returns the recordings of a store or those that match a pattern. None if one recording is named.
pub(crate) fn select(
    place: &StorePlace,
    notes: &Notes,
    catalogue: Option<&Path>,
) -> Result<Option<Selected>, Failure> {
    let is_pattern = place.split_last().is_some_and(|(_, name)| NameGlob::is_glob(&name));
    match place.find() {
        Ok(Found::Recording(one)) if !is_pattern || one.store.contains(&one.place.name)? => {
            return Ok(None);
        }
        Err(_) if !is_pattern => return Ok(None),
        _ => {}
    }
    let selected = match catalogue {
        Some(_) => matching::select_unlisted(place),
        None => matching::select(slice::from_ref(place)).pop(),
    };
    let Some(selected) = selected else { return Ok(None) };
    let mut selected = selected?;
    selected.filter = notes.add_to(selected.filter);
    Ok(Some(selected))
}

/// What to do about a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Gaps {
    /// Refuse a range in which something was not recorded
    Error,
    /// Fill gaps with silence
    Silence,
    /// Write a file for each part without gaps, into a directory
    Split,
}

impl From<Gaps> for opus_zarr::Gaps {
    fn from(gaps: Gaps) -> Self {
        match gaps {
            Gaps::Error => Self::Error,
            Gaps::Silence => Self::Silence,
            Gaps::Split => Self::Split,
        }
    }
}

/// Arranges the selected recordings, and says which are left out. With a catalogue, opens none.
pub(crate) fn open(
    selected: &Selected,
    catalogue: Option<&Path>,
    messages: &Messages,
) -> Result<Deployment, Failure> {
    let Selected { store, filter, place, .. } = selected;
    let deployment = match catalogue {
        Some(file) => Deployment::of_catalogue(store, &read_catalogue(file)?, filter),
        None => while_waiting(messages, reading(place), || Deployment::open(store, filter))?,
    };
    tell_left_out(deployment.unopened(), deployment.undated(), messages);
    if deployment.recordings().is_empty() {
        return Err(none_of(place));
    }
    Ok(deployment)
}

/// The recordings with one value of a note, or those without it.
pub(crate) struct Group {
    pub(crate) value: Option<String>,
    pub(crate) deployment: Deployment,
}

/// Arranges the selected recordings like [`open`], divided by the value of a note. Those without it come
/// last. What the recorder says about itself stands for a missing note `device`.
pub(crate) fn open_by(
    note: &str,
    selected: &Selected,
    catalogue: Option<&Path>,
    messages: &Messages,
) -> Result<Vec<Group>, Failure> {
    let Selected { store, filter, place, .. } = selected;
    let mut divided = Divided::default();
    match catalogue {
        Some(file) => divided.add_rows(note, &read_catalogue(file)?, filter),
        None => while_waiting(messages, reading(place), || {
            Recording::open_matching(store, filter, |name, opened| {
                divided.add_opened(note, name, opened);
                ControlFlow::Continue(())
            })
        })?,
    }
    tell_left_out(&divided.unopened, &divided.undated, messages);
    if divided.is_empty() {
        return Err(none_of(place));
    }
    Ok(divided.groups(store))
}

/// The range of time that the options select.
pub(crate) fn range(
    args: &RangeArgs,
    deployment: &Deployment,
    messages: &Messages,
) -> Result<Range<Timestamp>, Failure> {
    let selected = deployment.select(&args.selection(messages)?);
    selected.map_err(|error| args.failure(error))
}

/// A range so short that it lies between two samples.
pub(crate) fn no_sample(range: &Range<Timestamp>, zone: &Zone) -> Failure {
    let [start, end] = [range.start, range.end].map(|time| zone.rfc3339(time));
    Failure::usage(format!("no sample was recorded from {start} to {end}"))
}

/// Warns of recordings that are not used because others of the same time are.
pub(crate) fn warn_of_overlaps(
    deployment: &Deployment,
    range: &Range<Timestamp>,
    zone: &Zone,
    messages: &Messages,
) {
    let is_in_range = |time: &Range<Timestamp>| time.start < range.end && time.end > range.start;
    let overlaps: Vec<_> =
        deployment.overlaps().iter().filter(|overlap| is_in_range(&overlap.time)).collect();
    for overlap in overlaps.iter().take(SHOWN) {
        let (used, ignored, time) = (&overlap.used, &overlap.ignored, &overlap.time);
        messages.warn(format!(
            "recordings \"{used}\" and \"{ignored}\" overlap by {:.3} s from {}; used \"{used}\"",
            time.start.duration_until(time.end).as_secs_f64(),
            zone.rfc3339(time.start),
        ));
    }
    if let Some(more) = overlaps.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        messages.warn(format!(
            "{more} more overlaps; select the recordings of one recorder with a pattern for names or --where"
        ));
    }
}

fn reading(place: &StorePlace) -> String {
    format!("reading the times of {place}")
}

fn tell_left_out(
    unopened: &[(RecordingName, Error)],
    undated: &[RecordingName],
    messages: &Messages,
) {
    for (_, error) in unopened {
        messages.warn(format!("left out: {error}"));
    }
    if let Some(first) = undated.first() {
        let number = undated.len();
        let undated = count(u64::try_from(number).unwrap_or(u64::MAX), "recording");
        messages.warn(format!(
            "left out {undated} whose start time is unknown, such as \"{first}\"; import with --tz or --time-from, or set it with `opus-zarr meta --start`"
        ));
    }
}

fn none_of(place: &StorePlace) -> Failure {
    let message = format!("no recording of known start time in \"{place}\" is selected");
    Failure::new(Exit::Missing, message)
        .with_hint(format!("`opus-zarr list {place}` shows names and times"))
}

const SHOWN: usize = 5;
