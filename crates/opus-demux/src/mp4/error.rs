use std::io;

use opus_packet::InvalidHead;

use crate::mp4::{Finding, FourCc, Track};

/// Why a file could not be read, or read on. Every offset is a byte position in the
/// file; `Display` is one complete line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("cannot read at byte {offset}: {source}")]
    Io { offset: u64, source: io::Error },
    /// Only when reading strictly.
    #[error("{0}")]
    Violation(Finding),
    #[error("byte 4: expected an MP4 file, which begins with a box such as \"ftyp\"")]
    NotMp4,
    #[error(
        "byte {offset}: the file ends without a box \"moov\", which says where its packets are; was it not finished?"
    )]
    NoMovie { offset: u64 },
    #[error(
        "byte {offset}: a fragment before any box \"moov\": expected the initialization segment first (ISO/IEC 14496-12 section 8.8)"
    )]
    NoInitialization { offset: u64 },
    #[error("byte {offset}: no track holds Opus; the tracks are: {}", list(tracks))]
    NoOpusTrack { offset: u64, tracks: Vec<Track> },
    #[error("byte {offset}: no track {track}; the tracks are: {}", list(tracks))]
    NoTrack { offset: u64, track: u32, tracks: Vec<Track> },
    #[error("byte {offset}: track {track} holds no Opus; the tracks are: {}", list(tracks))]
    NotOpus { offset: u64, track: u32, tracks: Vec<Track> },
    #[error("byte {offset}: the Opus track is encrypted (scheme \"{scheme}\"), which is not read")]
    Encrypted { offset: u64, scheme: FourCc },
    #[error("byte {offset}: an Opus sample entry without a box \"dOps\"")]
    NoHead { offset: u64 },
    #[error("byte {offset}: box \"dOps\" of {found} bytes, expected at least 11")]
    HeadTooShort { offset: u64, found: usize },
    #[error("byte {offset}: box \"dOps\": {reason}")]
    Head { offset: u64, reason: InvalidHead },
    #[error(
        "byte {offset}: samples that overlap claim more bytes than the file has: its sample table is not to be believed"
    )]
    Overlap { offset: u64 },
    #[error(
        "byte {offset}: {lost} samples are lost and only {read} were read, expected no more than 24 hours lost beyond those"
    )]
    TooMuchLost { offset: u64, lost: u64, read: u64 },
}

fn list(tracks: &[Track]) -> String {
    if tracks.is_empty() {
        return "none".into();
    }
    tracks.iter().map(Track::to_string).collect::<Vec<_>>().join(", ")
}
