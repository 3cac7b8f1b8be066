//! Which recordings a verb works on.

use std::{slice, str::FromStr};

use opus_zarr::{NameGlob, RecordingFilter, RecordingName, Store, Zone};

use crate::{
    failure::{Exit, Failure},
    moment::Moment,
    nearest::{or_nearest, with_nearest},
    place::{Found, InStore, StorePlace, names_in},
    text::key_and_value,
};

/// Conditions that recordings must meet.
#[derive(clap::Args)]
pub(crate) struct Conditions {
    #[command(flatten)]
    notes: Notes,
    /// Only recordings that end after this time or date, in UTC unless --tz is given
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only recordings that begin before this time, or on this date or before
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// Time zone of --since and --until, such as `Europe/Zurich` or `+02:00`
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    tz: Option<Zone>,
}

/// Notes that recordings must have.
#[derive(clap::Args)]
pub(crate) struct Notes {
    /// Only recordings with this note; repeat for several, all of which they must have
    #[arg(long = "where", value_name = "KEY=VALUE")]
    notes: Vec<HasNote>,
}

impl Notes {
    pub(crate) fn is_any(&self) -> bool {
        !self.notes.is_empty()
    }

    /// Adds the notes to a filter.
    pub(crate) fn add_to(&self, filter: RecordingFilter) -> RecordingFilter {
        let add = |filter: RecordingFilter, note: &HasNote| {
            filter.note(note.key.as_str(), note.value.as_str())
        };
        self.notes.iter().fold(filter, add)
    }
}

/// A note that recordings must have.
#[derive(Clone, Debug)]
struct HasNote {
    key: String,
    value: String,
}

impl FromStr for HasNote {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = key_and_value(text)?;
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl Conditions {
    /// Adds the conditions to a filter.
    pub(crate) fn add_to(&self, filter: RecordingFilter) -> RecordingFilter {
        let utc = || "UTC".parse().ok();
        let mut filter = self.notes.add_to(filter);
        let Some(zone) = self.tz.clone().or_else(utc) else { return filter };
        if let Some(since) = &self.since {
            filter = filter.since(since.start(&zone));
        }
        if let Some(until) = &self.until {
            filter = filter.until(until.end(&zone));
        }
        filter
    }
}

/// A store, and what selects recordings in it.
pub(crate) struct Selected {
    pub(crate) place: StorePlace,
    pub(crate) store: Store,
    pub(crate) filter: RecordingFilter,
    /// Whether the store was named as a whole, so that names select nothing.
    is_whole: bool,
}

/// Finds the stores of several places, which may be stores, recordings, or patterns for names. Places
/// in the same store become one, since a shell may have expanded a pattern.
pub(crate) fn select(places: &[StorePlace]) -> Vec<Result<Selected, Failure>> {
    select_by(places, listed)
}

/// Like [`select`], but does not list the store, which a catalogue does: a pattern may match nothing.
pub(crate) fn select_unlisted(place: &StorePlace) -> Option<Result<Selected, Failure>> {
    select_by(slice::from_ref(place), |_, _, glob| Ok(Names::Like(glob))).pop()
}

/// Turns a pattern for names in a store into names.
type ToNames = fn(&StorePlace, &Store, NameGlob) -> Result<Names, Failure>;

fn select_by(places: &[StorePlace], to_names: ToNames) -> Vec<Result<Selected, Failure>> {
    let mut all: Vec<Result<Selected, Failure>> = Vec::new();
    for place in places.iter().filter(|place| !place.is_document()) {
        let (place, store, names) = match resolve(place, to_names) {
            Ok(resolved) => resolved,
            Err(failure) => {
                all.push(Err(failure));
                continue;
            }
        };
        let identity = place.identity();
        match all.iter_mut().flatten().find(|other| other.place.identity() == identity) {
            Some(known) => known.add(names),
            None => {
                let filter = RecordingFilter::default();
                let mut new = Selected { place, store, filter, is_whole: false };
                new.add(names);
                all.push(Ok(new));
            }
        }
    }
    all
}

impl Selected {
    fn add(&mut self, names: Names) {
        let filter = std::mem::take(&mut self.filter);
        self.filter = match names {
            _ if self.is_whole => filter,
            Names::All => {
                self.is_whole = true;
                RecordingFilter::default()
            }
            Names::One(name) => filter.name(&name),
            Names::Some(names) => names.iter().fold(filter, RecordingFilter::name),
            Names::Like(glob) => filter.names(glob),
        };
    }
}

/// A store, and what is meant of it.
type Resolved = (StorePlace, Store, Names);

enum Names {
    All,
    One(RecordingName),
    Some(Vec<RecordingName>),
    Like(NameGlob),
}

fn resolve(place: &StorePlace, to_names: ToNames) -> Result<Resolved, Failure> {
    let pattern = place.split_last().filter(|(_, name)| NameGlob::is_glob(name));
    let matching = |place: StorePlace, store: Store, glob: &str| {
        let names = to_names(&place, &store, glob.parse().map_err(invalid)?)?;
        Ok((place, store, names))
    };
    match (place.find(), pattern) {
        (Ok(Found::Store(store)), _) => Ok((place.clone(), store, Names::All)),
        (Ok(Found::Recording(one)), Some((_, glob))) if !one.store.contains(&one.place.name)? => {
            matching(one.place.store, one.store, &glob)
        }
        (Ok(Found::Recording(one)), _) => exactly(one),
        (Err(failure), None) => Err(failure),
        (Err(failure), Some((store_place, glob))) => match store_place.open() {
            Ok(store) => matching(store_place, store, &glob),
            Err(_) => Err(failure),
        },
    }
}

/// Selects one recording, which must exist.
fn exactly(InStore { store, place }: InStore) -> Result<Resolved, Failure> {
    if !store.contains(&place.name)? {
        or_nearest(store.open_recording(&place.name), &store, &place.name)?;
    }
    Ok((place.store, store, Names::One(place.name)))
}

/// Lists the names that match a pattern, and refuses one that none matches.
fn listed(place: &StorePlace, store: &Store, glob: NameGlob) -> Result<Names, Failure> {
    let mut names = names_in(store)?;
    names.retain(|name| glob.matches(name.as_str()));
    if !names.is_empty() {
        return Ok(Names::Some(names));
    }
    let glob = glob.to_string();
    let message = format!("no recording in \"{place}\" matches {glob:?}");
    Err(with_nearest(Failure::new(Exit::Missing, message), store, &glob))
}

/// The pattern in a place, if it has one. Opens nothing.
pub(crate) fn pattern(place: &StorePlace) -> Result<Option<NameGlob>, Failure> {
    let last = place.split_last().filter(|(_, name)| NameGlob::is_glob(name));
    last.map(|(_, name)| name.parse().map_err(invalid)).transpose()
}

fn invalid(error: opus_zarr::InvalidGlob) -> Failure {
    Failure::usage(error.to_string())
}
