//! Which recordings are meant.

use std::{ops::ControlFlow, slice};

use opus_zarr::{NameGlob, Recording, RecordingFilter};

use crate::{
    failure::{Exit, Failure},
    matching::{Notes, Selected, select},
    place::{Found, InStore, StorePlace},
    several::Named,
};

#[derive(clap::Args)]
pub(super) struct Places {
    /// Recordings, patterns such as 'STORE/weiher_*', or stores with --where
    #[arg(required = true, value_name = "STORE/NAME")]
    places: Vec<StorePlace>,
    #[command(flatten)]
    notes: Notes,
}

/// A recording that is meant, or why it is not found.
pub(super) type Meant = Result<InStore, Failure>;

impl Places {
    /// The recordings that are meant, each once.
    pub(super) fn recordings(&self) -> Result<Vec<Meant>, Failure> {
        let mut all = Vec::new();
        // A shell that expands STORE/* finds the document of the store too.
        for place in self.places.iter().filter(|place| !place.is_document()) {
            match self.find(place) {
                Ok(found) => all.extend(found),
                Err(failure) if failure.exit == Exit::Usage => return Err(failure),
                Err(failure) => all.push(Err(failure)),
            }
        }
        Ok(Named::once(all))
    }

    fn find(&self, place: &StorePlace) -> Result<Vec<Meant>, Failure> {
        let is_pattern = place.split_last().is_some_and(|(_, name)| NameGlob::is_glob(&name));
        match place.find() {
            // Brackets may also be part of a name.
            Ok(Found::Recording(one)) if !is_pattern || one.store.contains(&one.place.name)? => {
                self.with_notes(one).map(|one| vec![Ok(one)])
            }
            Ok(Found::Store(_)) if !self.notes.is_any() => {
                let message = format!("{place} is a store, expected recordings in it");
                let names = format!("list the names with `opus-zarr list {place}`");
                Err(Failure::new(Exit::Missing, message)
                    .with_hint(format!("write {place}/NAME, or '{place}/*' for all; {names}")))
            }
            Err(failure) if !is_pattern => Err(failure),
            _ => {
                let selected = select(slice::from_ref(place));
                Ok(selected.into_iter().flat_map(|found| self.matching(found)).collect())
            }
        }
    }

    /// Checks that a recording has the notes, if any are asked for.
    fn with_notes(&self, one: InStore) -> Result<InStore, Failure> {
        let name = one.place.name.as_str();
        let filter = self.notes.add_to(RecordingFilter::default());
        if self.notes.is_any() && !filter.matches(name, Recording::open(&one.store, name)?.info()) {
            return Err(Failure::new(Exit::Missing, format!("{} has other notes", one.place)));
        }
        Ok(one)
    }

    /// The recordings that match.
    fn matching(&self, selected: Result<Selected, Failure>) -> Vec<Meant> {
        let Selected { place, store, filter, .. } = match selected {
            Ok(selected) => selected,
            Err(failure) => return vec![Err(failure)],
        };
        let mut found = Vec::new();
        let listed =
            Recording::open_matching(&store, &self.notes.add_to(filter), |name, opened| {
                found.push(opened.map(|_| place.with(&store, name)).map_err(Failure::from));
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
