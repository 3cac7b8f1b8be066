//! Stores and recordings as named on the command line.

use std::{
    ffi::{OsStr, OsString},
    fmt, fs,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::builder::{OsStringValueParser, TryMapValueParser, TypedValueParser, ValueParserFactory};
use opus_zarr::{
    InvalidName, LocalStorage, Recording, RecordingName, RecordingReader, Storage, Store,
    StoreError, StoreErrorKind, store::path_text,
};

use crate::{
    failure::{Exit, Failure},
    nearest::or_nearest,
    path::PathField,
};

/// A store: a path, which may be any bytes, or a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StorePlace(OsString);

/// A recording in a store, such as `archive.zarr/station-4`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RecordingPlace {
    pub(crate) store: StorePlace,
    pub(crate) name: RecordingName,
}

impl StorePlace {
    pub(crate) fn storage(&self) -> Result<Arc<dyn Storage>, Failure> {
        match self.url() {
            Some(url) => Ok(opus_zarr_object_store::open_url(url)?),
            None => Ok(Arc::new(LocalStorage::new(&self.0))),
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

    /// Whether this path is a file, so it cannot be a store.
    pub(crate) fn is_file(&self) -> bool {
        self.url().is_none() && Path::new(&self.0).is_file()
    }

    /// Whether nothing exists at this path; unknown for a URL, so false.
    fn is_absent(&self) -> bool {
        self.url().is_none() && matches!(Path::new(&self.0).try_exists(), Ok(false))
    }

    /// What is the same for every way to write a place that exists.
    pub(crate) fn identity(&self) -> PathBuf {
        let path = Path::new(&self.0);
        let absolute = if self.url().is_some() { None } else { fs::canonicalize(path).ok() };
        absolute.unwrap_or_else(|| path.to_owned())
    }

    fn url(&self) -> Option<&str> {
        self.0.to_str().filter(|text| text.contains("://"))
    }

    /// The same place as a recording in a store.
    pub(crate) fn as_recording(&self) -> Result<RecordingPlace, String> {
        RecordingPlace::parse(&self.0)
    }

    /// Splits the last part off, as in STORE/PATTERN.
    pub(crate) fn split_last(&self) -> Option<(Self, String)> {
        let (store, name) = split(&self.0).ok()?;
        Some((Self::parse(store).ok()?, name.to_str()?.to_owned()))
    }

    /// Whether this is the document of a store, which a shell puts among the recordings.
    pub(crate) fn is_document(&self) -> bool {
        self.url().is_none() && Path::new(&self.0).ends_with("zarr.json")
    }

    /// The place as a field of a JSON object.
    pub(crate) fn field(&self, name: &'static str) -> PathField {
        PathField::new(name, &self.0)
    }

    /// Opens or creates the store. Refuses to create one inside another, which STORE/NAME would.
    pub(crate) fn open_or_create(&self) -> Result<Store, Failure> {
        match self.open() {
            Err(failure) if failure.exit == Exit::Missing => {}
            opened => return opened,
        }
        if let Ok(within) = self.as_recording()
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
        let (no_store, kind) = match Store::open_in(self.storage()?) {
            Ok(store) => return Ok(Found::Store(store)),
            Err(error) => {
                let kind = error.kind();
                (self.explain(error), kind)
            }
        };
        // A server that does not answer is asked once.
        let is_down = kind == StoreErrorKind::Io && self.url().is_some();
        match self.as_recording() {
            // A recording whose document cannot be read may be one of several.
            Ok(place) if !is_down => match place.store.open() {
                Ok(store) => Ok(Found::Recording(InStore { store, place })),
                // The recording exists, but its store is not a store any more.
                Err(failure) if kind == StoreErrorKind::IsARecording => Err(failure),
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
        or_nearest(Recording::open(&store, self.name.as_str()), &store, &self.name)
    }

    /// Opens the recording to read what is stored.
    pub(crate) fn open_reader(&self) -> Result<RecordingReader, Failure> {
        let store = self.open_store()?;
        or_nearest(store.open_recording(&self.name), &store, &self.name)
    }

    /// Opens its store. Explains if only a store was named.
    pub(crate) fn open_store(&self) -> Result<Store, Failure> {
        self.store.open().map_err(|failure| {
            let path = self.path();
            let path = Path::new(&path);
            let whole = StorePlace(path.strip_prefix(".").unwrap_or(path).into());
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

impl StorePlace {
    pub(crate) fn parse(text: &OsStr) -> Result<Self, String> {
        let trimmed = without_slashes(text.as_bytes());
        let is_url = text.as_bytes().windows(3).any(|bytes| bytes == b"://");
        match (text.as_bytes(), trimmed) {
            // As a path, it would be the working directory.
            (b"", _) => Err("expected a directory or a URL".to_owned()),
            (_, b"") => Ok(Self("/".into())),
            (_, [.., b':']) if is_url => Err("expected a bucket or a server in the URL".to_owned()),
            _ if is_url && text.to_str().is_none() => Err("expected a URL in UTF-8".to_owned()),
            _ => Ok(Self(OsString::from_vec(trimmed.to_owned()))),
        }
    }
}

impl RecordingPlace {
    fn parse(text: &OsStr) -> Result<Self, String> {
        let (store, name) = split(text)?;
        let invalid = |error| format!("{error}; expected STORE/NAME");
        let name = name.to_str().ok_or_else(|| invalid(format!("{name:?} is not UTF-8")))?;
        let name = name.parse().map_err(|error: InvalidName| invalid(error.to_string()))?;
        Ok(Self { store: StorePlace::parse(store)?, name })
    }

    /// The whole place, as it would be given to the command.
    fn path(&self) -> OsString {
        let mut path = self.store.0.clone();
        path.push("/");
        path.push(self.name.as_str());
        path
    }

    /// The place as a field of a JSON object.
    pub(crate) fn field(&self, name: &'static str) -> PathField {
        PathField::new(name, self.path())
    }
}

/// Splits STORE/NAME, whatever the name.
fn split(text: &OsStr) -> Result<(&OsStr, &OsStr), String> {
    let mut parts = without_slashes(text.as_bytes()).rsplitn(2, |&byte| byte == b'/');
    let name = parts.next().unwrap_or_default();
    let store: &[u8] = match parts.next() {
        Some(b"") => b"/",
        Some([.., b':', b'/']) => {
            return Err("expected a recording in the store at this URL: URL/NAME".to_owned());
        }
        Some(store) => store,
        None => b".",
    };
    Ok((OsStr::from_bytes(store), OsStr::from_bytes(name)))
}

fn without_slashes(mut path: &[u8]) -> &[u8] {
    while let [shorter @ .., b'/'] = path {
        path = shorter;
    }
    path
}

impl ValueParserFactory for StorePlace {
    type Parser = PlaceParser<Self>;

    fn value_parser() -> Self::Parser {
        OsStringValueParser::new().try_map(|text| Self::parse(&text))
    }
}

impl ValueParserFactory for RecordingPlace {
    type Parser = PlaceParser<Self>;

    fn value_parser() -> Self::Parser {
        OsStringValueParser::new().try_map(|text| Self::parse(&text))
    }
}

type PlaceParser<T> = TryMapValueParser<OsStringValueParser, fn(OsString) -> Result<T, String>>;

impl fmt::Display for StorePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        path_text(&self.0).fmt(f)
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
        let place = RecordingPlace::parse(text.as_ref()).unwrap();
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
            assert!(StorePlace::parse(text.as_ref()).is_err(), "{text:?}");
        }
        for (text, store) in [("/", "/"), ("a/", "a"), ("s3://b/", "s3://b"), ("a:/", "a:")] {
            assert_eq!(StorePlace::parse(text.as_ref()).unwrap().to_string(), store);
        }
    }

    #[test]
    fn invalid_recordings_are_refused() {
        for text in ["", "/", "s3://bucket", "s3://bucket/", "a/.hidden", "a/zarr.json", ".."] {
            assert!(RecordingPlace::parse(text.as_ref()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn stores_may_be_any_bytes() {
        let text = OsStr::from_bytes(b"/caf\xe9.zarr/a/");
        let place = RecordingPlace::parse(text).unwrap();
        assert_eq!(place.store, StorePlace::parse(OsStr::from_bytes(b"/caf\xe9.zarr")).unwrap());
        assert_eq!(place.path().as_bytes(), b"/caf\xe9.zarr/a");
        assert_eq!(place.to_string(), r"/caf\xE9.zarr/a");
        for text in [&b"a.zarr/caf\xe9"[..], b"s3://caf\xe9/a"] {
            assert!(RecordingPlace::parse(OsStr::from_bytes(text)).is_err(), "{text:?}");
        }
    }
}
