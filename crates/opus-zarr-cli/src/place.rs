//! Stores and recordings as people write them.

use std::{fmt, path::Path, str::FromStr, sync::Arc};

use opus_zarr::{Recording, Store};
use opus_zarr_store::{Error as StoreError, ErrorKind, LocalStorage, RecordingName, Storage};

use crate::failure::{Exit, Failure};

/// A path, or a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StorePlace(String);

/// A recording in a store, as in `archive.zarr/station-4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordingPlace {
    pub(crate) store: StorePlace,
    pub(crate) name: RecordingName,
}

impl StorePlace {
    pub(crate) fn storage(&self) -> Result<Arc<dyn Storage>, Failure> {
        match self.is_url() {
            true => Ok(opus_zarr_object_store::open_url(&self.0)?),
            false => Ok(Arc::new(LocalStorage::new(&self.0))),
        }
    }

    pub(crate) fn open(&self) -> Result<Store, Failure> {
        Store::open_in(self.storage()?).map_err(|error| self.told(error))
    }

    /// Why there is no store here.
    fn told(&self, error: StoreError) -> Failure {
        match error {
            _ if self.is_absent() => {
                Failure::new(Exit::Missing, format!("there is no {:?}", self.0))
            }
            error if error.kind() == ErrorKind::IsARecording => Failure::from(error)
                .with_hint(format!("`opus-zarr info {self}` tells of it; its store is above")),
            error => error.into(),
        }
    }

    /// Whether it surely is nothing at all.
    fn is_absent(&self) -> bool {
        !self.is_url() && !Path::new(&self.0).exists()
    }

    fn is_url(&self) -> bool {
        self.0.contains("://")
    }

    /// Opens the store, or makes one: not within another, as who writes STORE/NAME would.
    pub(crate) fn open_or_create(&self) -> Result<Store, Failure> {
        match self.open() {
            Err(failure) if failure.exit == Exit::Missing => {}
            opened => return opened,
        }
        if let Ok(within) = self.to_string().parse::<RecordingPlace>()
            && within.store.open().is_ok()
        {
            let RecordingPlace { store, name } = within;
            return Err(Failure::usage(format!("{store} is a store, and no place for another"))
                .with_hint(format!(
                    "write {store}, and --name {name} for the name of a recording"
                )));
        }
        Ok(Store::open_or_create_in(self.storage()?)?)
    }
}

/// A recording, and its store, which is open.
pub(crate) struct InStore {
    pub(crate) store: Store,
    pub(crate) place: RecordingPlace,
}

/// What a place that may be either is.
pub(crate) enum Found {
    Store(Store),
    Recording(InStore),
}

impl StorePlace {
    /// The store of this name; if there is none, the recording.
    pub(crate) fn find(&self) -> Result<Found, Failure> {
        let (no_store, is_recording) = match Store::open_in(self.storage()?) {
            Ok(store) => return Ok(Found::Store(store)),
            Err(error) => {
                let is_recording = error.kind() == ErrorKind::IsARecording;
                (self.told(error), is_recording)
            }
        };
        match self.to_string().parse::<RecordingPlace>() {
            Ok(place) if no_store.exit == Exit::Missing => match place.store.open() {
                Ok(store) => Ok(Found::Recording(InStore { store, place })),
                // A recording that is there, of a store that is none any more.
                Err(failure) if is_recording => Err(failure),
                Err(_) => Err(no_store),
            },
            _ => Err(no_store),
        }
    }

    /// All recordings of the store that is here, by name.
    pub(crate) fn recordings_of(&self, store: &Store) -> Result<Vec<InStore>, Failure> {
        Ok(names_in(store)?.into_iter().map(|name| self.with(store, name)).collect())
    }

    pub(crate) fn with(&self, store: &Store, name: RecordingName) -> InStore {
        InStore { store: store.clone(), place: RecordingPlace { store: self.clone(), name } }
    }
}

/// The names of all recordings of a store, in order.
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

    /// Opens its store. Who has named a store alone is told so.
    pub(crate) fn open_store(&self) -> Result<Store, Failure> {
        self.store.open().map_err(|failure| {
            let whole = StorePlace(self.to_string().trim_start_matches("./").to_owned());
            match failure.exit == Exit::Missing && whole.open().is_ok() {
                false => failure,
                true => Failure::new(
                    Exit::Missing,
                    format!("{whole} is a store, expected a recording in it"),
                )
                .with_hint(format!("`opus-zarr list {whole}` lists them; write {whole}/NAME")),
            }
        })
    }
}

impl FromStr for StorePlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let trimmed = text.trim_end_matches('/');
        match (text, trimmed) {
            // As a path it would be the working directory.
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
    fn what_names_no_store_is_refused() {
        for text in ["", "s3://", "s3:///"] {
            assert!(text.parse::<StorePlace>().is_err(), "{text:?}");
        }
        for (text, store) in [("/", "/"), ("a/", "a"), ("s3://b/", "s3://b"), ("a:/", "a:")] {
            assert_eq!(text.parse::<StorePlace>().unwrap().to_string(), store);
        }
    }

    #[test]
    fn what_names_no_recording_is_refused() {
        for text in ["", "/", "s3://bucket", "s3://bucket/", "a/.hidden", "a/zarr.json", ".."] {
            assert!(text.parse::<RecordingPlace>().is_err(), "{text:?}");
        }
    }
}
