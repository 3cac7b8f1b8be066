use std::io;

/// Why a storage could not be opened. `Display` is one complete line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("{url:?} is not a URL: {reason}")]
    NotAUrl { url: String, reason: String },
    #[error("{url:?}: expected a URL of s3, gs, az, abfs, http, https or file")]
    UnknownScheme { url: String },
    #[error("{url:?} needs opus-zarr-object-store with its feature \"{feature}\"")]
    FeatureOff { url: String, feature: &'static str },
    #[error("cannot open {place:?}: {reason}")]
    Settings { place: String, reason: String },
    #[error("cannot start the threads that wait for {place:?}: {source}")]
    Threads { place: String, source: io::Error },
}
