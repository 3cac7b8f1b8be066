use opus_packet::InvalidHead;

use crate::{
    ErrorKind, error,
    mp4::{FourCc, Track},
};

/// Why an MP4 file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("expected an MP4 file, which begins with a box such as \"ftyp\"")]
    NotMp4,
    #[error(
        "the file ends before a \"moov\" box that states where its packets are; was the recording interrupted?"
    )]
    NoMovie,
    #[error(
        "a fragment before any \"moov\" box, expected the initialization segment first (ISO/IEC 14496-12 section 8.8)"
    )]
    NoInitialization,
    #[error("expected an Opus track, found {}", list(tracks))]
    NoOpusTrack { tracks: Vec<Track> },
    #[error("expected track {track}, found {}", list(tracks))]
    NoTrack { track: u32, tracks: Vec<Track> },
    #[error("track {track} holds no Opus; found {}", list(tracks))]
    NotOpus { track: u32, tracks: Vec<Track> },
    #[error("the Opus track is encrypted (scheme \"{scheme}\"), which is not supported")]
    Encrypted { scheme: FourCc },
    #[error("expected a \"dOps\" box in the Opus sample entry")]
    NoHead,
    #[error("box \"dOps\" of {found} bytes, expected at least 11")]
    HeadTooShort { found: usize },
    #[error("box \"dOps\": {0}")]
    Head(InvalidHead),
    #[error("overlapping samples claim more bytes than the file has, so its sample table is wrong")]
    Overlap,
}

impl error::Reason for Reason {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotMp4 => ErrorKind::WrongContainer,
            Self::NoOpusTrack { .. } => ErrorKind::NoOpus,
            Self::NoTrack { .. } | Self::NotOpus { .. } => ErrorKind::NoSuchTrack,
            Self::Encrypted { .. } => ErrorKind::Unsupported,
            _ => ErrorKind::Unreadable,
        }
    }
}

fn list(tracks: &[Track]) -> String {
    if tracks.is_empty() {
        return "no tracks".into();
    }
    let tracks: Vec<String> = tracks.iter().map(Track::to_string).collect();
    format!("tracks {}", tracks.join(", "))
}
