use std::{error::Error as StdError, fmt, io};

use crate::Provider;

/// The error of opening a storage.
///
/// `Display` is one line; causes are in `source()`. `Debug` prints the line and all causes,
/// because a `main` that fails prints it. Reads and writes fail with [`std::io::Error`], as the
/// storage traits define.
pub struct Error(Box<Reason>);

/// What went wrong, as far as a caller would branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text is not a valid URL.
    InvalidUrl,
    /// No storage has URLs of this scheme.
    UnknownScheme,
    /// The storage needs a feature of this crate that is off.
    FeatureOff,
    /// The settings do not suffice to open the storage.
    Settings,
    /// The threads for requests could not be started.
    Threads,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("{url:?} is not a valid URL")]
    InvalidUrl { url: String, source: url::ParseError },
    #[error("{url:?} is not a valid URL: expected file:/// and an absolute path")]
    RelativePath { url: String },
    #[error("{url:?}: unknown scheme, expected s3, gs, az, abfs, http, https or file")]
    UnknownScheme { url: String },
    #[error("{url:?} needs the feature \"{feature}\" of opus-zarr-object-store")]
    FeatureOff { url: String, feature: &'static str, provider: Provider },
    #[error("cannot open {place:?}: {reason}")]
    Settings { place: String, reason: String, provider: Option<Provider> },
    #[cfg_attr(not(feature = "__client"), allow(dead_code, reason = "no client has options"))]
    #[error("cannot open {place:?}: unknown option \"{name}\"")]
    UnknownOption { place: String, name: String },
    #[error("cannot start the threads for {place:?}")]
    Threads { place: String, source: io::Error },
}

impl Error {
    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        match *self.0 {
            Reason::InvalidUrl { .. } | Reason::RelativePath { .. } => ErrorKind::InvalidUrl,
            Reason::UnknownScheme { .. } => ErrorKind::UnknownScheme,
            Reason::FeatureOff { .. } => ErrorKind::FeatureOff,
            Reason::Settings { .. } | Reason::UnknownOption { .. } => ErrorKind::Settings,
            Reason::Threads { .. } => ErrorKind::Threads,
        }
    }

    /// The provider of the storage, if the URL names one.
    pub fn provider(&self) -> Option<Provider> {
        match *self.0 {
            Reason::FeatureOff { provider, .. } => Some(provider),
            Reason::Settings { provider, .. } => provider,
            _ => None,
        }
    }

    /// The URL, without passwords and tokens as far as it could be parsed.
    pub fn url(&self) -> &str {
        match &*self.0 {
            Reason::InvalidUrl { url, .. }
            | Reason::RelativePath { url }
            | Reason::UnknownScheme { url }
            | Reason::FeatureOff { url, .. }
            | Reason::Settings { place: url, .. }
            | Reason::UnknownOption { place: url, .. }
            | Reason::Threads { place: url, .. } => url,
        }
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self(Box::new(reason))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut next = self.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}
