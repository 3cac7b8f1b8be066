//! Stores and recordings as named on the command line.

use std::{fmt, path::Path, str::FromStr, sync::Arc};

use opus_zarr::{
    LocalStorage, Recording, RecordingName, Storage, Store, StoreError, StoreErrorKind,
};

use crate::failure::{Exit, Failure};

/// A store: a path or a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StorePlace(String);

/// A recording in a store, such as `archive.zarr/station-4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordingPlace {
    pub(crate) store: StorePlace,
    pub(crate) name: RecordingName,
}

impl StorePlace {
    pub(crate) fn storage(&self) -> Result<Arc<dyn Storage>, Failure> {
        if self.is_url() {
            Ok(opus_zarr_object_store::open_url(&self.0)?)
        } else {
            Ok(Arc::new(LocalStorage::new(&self.0)))
        }
    }

    pub(crate) fn open(&self) -> Result<Store, Failure> {
        Store::open_in(self.storage()?).map_err(|error| self.explain(error))
    }

    /// Explains why no store was found here.
    fn explain(&self, error: StoreError) -> Failure {
        match error {
            _ if self.is_absent() => {
                Failure::new(Exit::Missing, format!("{:?} does not exist", self.0))
            }
            error if error.kind() == StoreErrorKind::IsARecording => Failure::from(error)
                .with_hint(format!("describe it with `opus-zarr info {self}`, or name its store")),
            error => error.into(),
        }
    }

    /// Whether nothing exists at this path; unknown for a URL, so false.
    fn is_absent(&self) -> bool {
        !self.is_url() && !Path::new(&self.0).exists()
    }

    fn is_url(&self) -> bool {
        self.0.contains("://")
    }

    /// Opens or creates the store. Refuses to create one inside another, which STORE/NAME would.
    pub(crate) fn open_or_create(&self) -> Result<Store, Failure> {
        match self.open() {
            Err(failure) if failure.exit == Exit::Missing => {}
            opened => return opened,
        }
        if let Ok(within) = self.to_string().parse::<RecordingPlace>()
            && within.store.open().is_ok()
        {
            let RecordingPlace { store, name } = within;
            return Err(Failure::usage(format!("{store} is a store and cannot contain another"))
                .with_hint(format!("write {store}, and name the recording with --name {name}")));
        }
        Ok(Store::open_or_create_in(self.storage()?)?)
    }
}

/// A recording in an open store.
pub(crate) struct InStore {
    pub(crate) store: Store,
    pub(crate) place: RecordingPlace,
}

/// What a place turned out to be.
pub(crate) enum Found {
    Store(Store),
    Recording(InStore),
}

impl StorePlace {
    /// Finds the store of this name, or else the recording.
    pub(crate) fn find(&self) -> Result<Found, Failure> {
        let (no_store, is_recording) = match Store::open_in(self.storage()?) {
            Ok(store) => return Ok(Found::Store(store)),
            Err(error) => {
                let is_recording = error.kind() == StoreErrorKind::IsARecording;
                (self.explain(error), is_recording)
            }
        };
        match self.to_string().parse::<RecordingPlace>() {
            Ok(place) if no_store.exit == Exit::Missing => match place.store.open() {
                Ok(store) => Ok(Found::Recording(InStore { store, place })),
                // The recording exists, but its store is not a store any more.
                Err(failure) if is_recording => Err(failure),
                Err(_) => Err(no_store),
            },
            _ => Err(no_store),
        }
    }

    /// Returns all recordings of the store at this place, by name.
    pub(crate) fn recordings_of(&self, store: &Store) -> Result<Vec<InStore>, Failure> {
        Ok(names_in(store)?.into_iter().map(|name| self.with(store, name)).collect())
    }

    pub(crate) fn with(&self, store: &Store, name: RecordingName) -> InStore {
        InStore { store: store.clone(), place: RecordingPlace { store: self.clone(), name } }
    }
}

/// Returns the names of all recordings of a store, sorted.
pub(crate) fn names_in(store: &Store) -> Result<Vec<RecordingName>, Failure> {
    let mut names = store.recordings()?.collect::<Result<Vec<_>, _>>()?;
    names.sort();
    Ok(names)
}

impl RecordingPlace {
    /// Opens the recording, in its store.
    pub(crate) fn open(&self) -> Result<Recording, Failure> {
        let store = self.open_store()?;
        Ok(Recording::open(&store, self.name.as_str())?)
    }

    /// Opens its store. Explains if only a store was named.
    pub(crate) fn open_store(&self) -> Result<Store, Failure> {
        self.store.open().map_err(|failure| {
            let whole = StorePlace(self.to_string().trim_start_matches("./").to_owned());
            if failure.exit != Exit::Missing || whole.open().is_err() {
                return failure;
            }
            let message = format!("{whole} is a store, expected a recording in it");
            Failure::new(Exit::Missing, message).with_hint(format!(
                "write {whole}/NAME; list the names with `opus-zarr list {whole}`"
            ))
        })
    }
}

impl FromStr for StorePlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let trimmed = text.trim_end_matches('/');
        match (text, trimmed) {
            // As a path, it would be the working directory.
            ("", _) => Err("expected a directory or a URL".to_owned()),
            (_, "") => Ok(Self("/".to_owned())),
            _ if trimmed.ends_with(':') && text.contains("://") => {
                Err("expected a bucket or a server in the URL".to_owned())
            }
            _ => Ok(Self(trimmed.to_owned())),
        }
    }
}

impl FromStr for RecordingPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let trimmed = text.trim_end_matches('/');
        let (store, name) = match trimmed.rsplit_once('/') {
            Some(("", name)) => ("/", name),
            Some((store, _)) if store.ends_with(":/") => {
                return Err("expected a recording in the store at this URL: URL/NAME".to_owned());
            }
            Some((store, name)) => (store, name),
            None => (".", trimmed),
        };
        let name = name.parse().map_err(|error| format!("{error}; expected STORE/NAME"))?;
        Ok(Self { store: store.parse()?, name })
    }
}

impl fmt::Display for StorePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RecordingPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.store, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String) {
        let place: RecordingPlace = text.parse().unwrap();
        (place.store.to_string(), place.name.to_string())
    }

    #[test]
    fn the_last_part_is_the_recording() {
        let expect = |text, store: &str, name: &str| {
            assert_eq!(parts(text), (store.to_owned(), name.to_owned()), "{text}");
        };
        expect("archive.zarr/a", "archive.zarr", "a");
        expect("/data/archive.zarr/a b/", "/data/archive.zarr", "a b");
        expect("s3://bucket/x.zarr/a", "s3://bucket/x.zarr", "a");
        expect("s3://bucket/a", "s3://bucket", "a");
        expect("a", ".", "a");
        expect("/a", "/", "a");
    }

    #[test]
    fn invalid_stores_are_refused() {
        for text in ["", "s3://", "s3:///"] {
            assert!(text.parse::<StorePlace>().is_err(), "{text:?}");
        }
        for (text, store) in [("/", "/"), ("a/", "a"), ("s3://b/", "s3://b"), ("a:/", "a:")] {
            assert_eq!(text.parse::<StorePlace>().unwrap().to_string(), store);
        }
    }

    #[test]
    fn invalid_recordings_are_refused() {
        for text in ["", "/", "s3://bucket", "s3://bucket/", "a/.hidden", "a/zarr.json", ".."] {
            assert!(text.parse::<RecordingPlace>().is_err(), "{text:?}");
        }
    }
}
