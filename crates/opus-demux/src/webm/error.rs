use crate::{ErrorKind, error, webm::Track};

/// Why a WebM or Matroska file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("expected an EBML header of WebM or Matroska (RFC 8794 section 8)")]
    NotEbml,
    #[error("document type {found:?}, expected \"webm\" or \"matroska\"")]
    DocType { found: String },
    #[error("expected a Segment after the EBML header (RFC 9559 section 5.1)")]
    NoSegment,
    #[error("expected a list of tracks before the first Cluster (RFC 9559 section 5.1.4)")]
    NoTracks,
    #[error("expected an Opus track (A_OPUS), found {}", list(tracks))]
    NoOpusTrack { tracks: Vec<Track> },
    #[error("expected an Opus track of number {wanted}, found {}", list(tracks))]
    NoSuchTrack { wanted: u64, tracks: Vec<Track> },
    #[error("track {track} has {encoding}, which is not supported (RFC 9559 section 5.1.4.1.31)")]
    Encoded { track: u64, encoding: &'static str },
    #[error("{name} of more than {limit} bytes")]
    TooLong { name: &'static str, limit: usize },
}

impl error::Reason for Reason {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotEbml | Self::DocType { .. } => ErrorKind::WrongContainer,
            Self::NoOpusTrack { .. } => ErrorKind::NoOpus,
            Self::NoSuchTrack { .. } => ErrorKind::NoSuchTrack,
            Self::Encoded { .. } => ErrorKind::Unsupported,
            _ => ErrorKind::Unreadable,
        }
    }
}

fn list(tracks: &[Track]) -> String {
    let mut list: Vec<String> = tracks.iter().take(MAX_LISTED).map(Track::to_string).collect();
    match tracks.len() {
        0 => return "no tracks".to_owned(),
        len if len > MAX_LISTED => list.push(format!("and {} more", len - MAX_LISTED)),
        _ => {}
    }
    format!("tracks {}", list.join(", "))
}

const MAX_LISTED: usize = 20;
