use std::fmt;

use opus_zarr::{Exactness, ReadMode, Recording};
use serde::Serialize;

/// What a program can expect of reads.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reads {
    Exact,
    /// Exact where decoders agree.
    Agreed,
    Approximate,
}

impl Reads {
    pub(crate) fn of(recording: &Recording) -> Self {
        match recording.read_mode() {
            ReadMode::Exact => Self::Exact,
            ReadMode::Agreed => Self::Agreed,
            _ => Self::Approximate,
        }
    }
}

impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Agreed => "exact where decoders agree, else approximate",
            Self::Approximate => "approximate",
        })
    }
}

/// What makes all reads of a recording exact.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ExactBy {
    Construction,
    Map,
    /// The map of another decoder.
    SettledMap,
}

impl ExactBy {
    pub(crate) fn of(recording: &Recording) -> Option<Self> {
        Some(match recording.exactness().ok()? {
            Exactness::Construction => Self::Construction,
            Exactness::SettledMap => Self::SettledMap,
            _ => Self::Map,
        })
    }
}
