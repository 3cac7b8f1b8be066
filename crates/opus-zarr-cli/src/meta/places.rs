//! Which recordings are meant.

use std::{collections::HashSet, ops::ControlFlow};

use opus_zarr::{NameGlob, Recording, RecordingFilter, Store};

use crate::{
    failure::{Exit, Failure},
    place::{Found, InStore, StorePlace},
};

#[derive(clap::Args)]
pub(super) struct Places {
    /// Recordings, patterns such as 'STORE/weiher_*', or stores with --where
    #[arg(required = true, value_name = "STORE/NAME")]
    places: Vec<StorePlace>,
    /// Only recordings with this note, such as site=weiher; several must all match
    #[arg(long = "where", value_name = "KEY=VALUE", value_parser = note)]
    notes: Vec<(String, String)>,
}

impl Places {
    /// The recordings that are meant, each once, or why some are not found.
    pub(super) fn recordings(&self) -> Result<Vec<Result<InStore, Failure>>, Failure> {
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        // A shell that expands STORE/* finds the document of the store too.
        for place in self.places.iter().filter(|place| !place.is_document()) {
            let found = match self.find(place) {
                Ok(found) => found,
                Err(failure) if failure.exit == Exit::Usage => return Err(failure),
                Err(failure) => vec![Err(failure)],
            };
            for one in found {
                if one.as_ref().map_or(true, |one| seen.insert(one.place.to_string())) {
                    all.push(one);
                }
            }
        }
        Ok(all)
    }

    fn find(&self, place: &StorePlace) -> Result<Vec<Result<InStore, Failure>>, Failure> {
        let glob = place.split_last().filter(|(_, name)| NameGlob::is_glob(name));
        match (place.find(), glob) {
            (Ok(Found::Store(store)), _) if !self.notes.is_empty() => {
                Ok(self.matching(place, &store, RecordingFilter::default()))
            }
            (Ok(Found::Store(_)), _) => {
                let message = format!("{place} is a store, expected recordings in it");
                let names = format!("list the names with `opus-zarr list {place}`");
                Err(Failure::new(Exit::Missing, message)
                    .with_hint(format!("write {place}/NAME, or '{place}/*' for all; {names}")))
            }
            // Brackets may also be part of a name.
            (Ok(Found::Recording(one)), Some(_)) if one.store.contains(&one.place.name)? => {
                Ok(vec![Ok(one)])
            }
            (_, Some((place, name))) => {
                let glob = name.parse::<NameGlob>();
                let glob = glob.map_err(|error| Failure::usage(error.to_string()))?;
                let filter = RecordingFilter::default().names(glob);
                Ok(self.matching(&place, &place.open()?, filter))
            }
            (Ok(Found::Recording(one)), None) => match self.has_notes(&one)? {
                true => Ok(vec![Ok(one)]),
                false => Err(Failure::new(Exit::Missing, format!("{place} has other notes"))),
            },
            (Err(failure), None) => Err(failure),
        }
    }

    fn has_notes(&self, one: &InStore) -> Result<bool, Failure> {
        let name = one.place.name.as_str();
        let filter = self.filter(RecordingFilter::default());
        // Which is not opened yet if nobody asks for notes.
        Ok(self.notes.is_empty() || filter.matches(name, Recording::open(&one.store, name)?.info()))
    }

    fn filter(&self, filter: RecordingFilter) -> RecordingFilter {
        let add = |filter: RecordingFilter, (key, value): &(String, String)| {
            filter.note(key.as_str(), value.as_str())
        };
        self.notes.iter().fold(filter, add)
    }

    /// The recordings of a store that match.
    fn matching(
        &self,
        place: &StorePlace,
        store: &Store,
        filter: RecordingFilter,
    ) -> Vec<Result<InStore, Failure>> {
        let filter = self.filter(filter);
        let mut found = Vec::new();
        let listed = Recording::open_matching(store, &filter, |name, opened| {
            found.push(opened.map(|_| place.with(store, name)).map_err(Failure::from));
            ControlFlow::Continue(())
        });
        if let Err(error) = listed {
            found.push(Err(error.into()));
        }
        if found.is_empty() {
            let message = format!("no recording in \"{place}\" matches");
            found.push(Err(Failure::new(Exit::Missing, message)));
        }
        found
    }
}

fn note(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(key, _)| !key.is_empty());
    parts
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected KEY=VALUE".to_owned())
}
