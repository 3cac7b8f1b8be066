use std::io;

use opus_packet::{InvalidHead, InvalidTimeline};

use crate::webm::{Finding, Track};

/// Why a file could not be read on. Every offset is a byte position in it; `Display` is
/// one complete line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("cannot read at byte {offset}: {source}")]
    Io { offset: u64, source: io::Error },
    #[error("byte {offset}: no EBML header, expected WebM or Matroska (RFC 8794 section 8)")]
    NotEbml { offset: u64 },
    #[error("byte {offset}: document type {found:?}, expected \"webm\" or \"matroska\"")]
    DocType { offset: u64, found: String },
    #[error("byte {offset}: no Segment after the EBML header (RFC 9559 section 5.1)")]
    NoSegment { offset: u64 },
    #[error("byte {offset}: no list of tracks before the first Cluster (RFC 9559 section 5.1.4)")]
    NoTracks { offset: u64 },
    #[error("byte {offset}: no track is Opus (A_OPUS); tracks: {}", list(tracks))]
    NoOpusTrack { offset: u64, tracks: Vec<Track> },
    #[error("byte {offset}: no Opus track has number {wanted}; tracks: {}", list(tracks))]
    NoSuchTrack { offset: u64, wanted: u64, tracks: Vec<Track> },
    #[error(
        "byte {offset}: track {track} has {encoding}, which is not supported (RFC 9559 section 5.1.4.1.31)"
    )]
    Encoded { offset: u64, track: u64, encoding: &'static str },
    #[error("byte {offset}: {reason}")]
    Head { offset: u64, reason: InvalidHead },
    #[error("byte {offset}: {name} of more than {limit} bytes")]
    TooLong { offset: u64, name: &'static str, limit: usize },
    #[error(
        "byte {offset}: {missing} samples are missing, too many to conceal after {present} that are there"
    )]
    GapTooLong { offset: u64, missing: u64, present: u64 },
    #[error("byte {offset}: end of the file: {reason}")]
    Timeline { offset: u64, reason: InvalidTimeline },
    /// In strict mode only.
    #[error("{0}")]
    Violation(Finding),
}

fn list(tracks: &[Track]) -> String {
    let mut list: Vec<String> = tracks.iter().take(MAX_LISTED).map(Track::to_string).collect();
    match tracks.len() {
        0 => list.push("none".to_owned()),
        len if len > MAX_LISTED => list.push(format!("and {} more", len - MAX_LISTED)),
        _ => {}
    }
    list.join(", ")
}

const MAX_LISTED: usize = 20;
