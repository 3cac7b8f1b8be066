//! The box "moov" (ISO/IEC 14496-12 section 8.2).

use std::io::{Read, Seek};

use opus_packet::OpusTags;

use crate::{
    Error,
    input::Seekable,
    mp4::{
        FindingKind, Track,
        boxes::{BoxAt, Boxes, is_mp4},
        error::Reason,
        finding::Findings,
        fragments::Defaults,
        tags::read_tags,
        track::{TrackBoxes, after_times},
    },
};

/// The movie: its tracks, clock and tags.
#[derive(Debug)]
pub(crate) struct Movie {
    at: BoxAt,
    pub(crate) timescale: u32,
    tracks: Vec<TrackBoxes>,
    pub(crate) tags: OpusTags,
}

impl Movie {
    /// Finds the movie and reads its boxes.
    pub(crate) fn read<R: Read + Seek>(
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let at = find(input, findings)?;
        let mut movie =
            Self { at, timescale: 0, tracks: Vec::new(), tags: OpusTags::new("unknown", []) };
        let mut children = Boxes::of(&at, 0);
        while let Some(child) = children.next(input, findings)? {
            match &child.kind.0 {
                b"mvhd" => movie.timescale = after_times(&child, input, findings)?.unwrap_or(0),
                b"trak" if movie.tracks.len() >= MAX_TRACKS => {
                    let kind = FindingKind::TooManyTracks { limit: MAX_TRACKS };
                    findings.report(child.start, kind)?;
                    break;
                }
                b"trak" => movie.tracks.push(TrackBoxes::read(child, input, findings)?),
                b"udta" => movie.tags = read_tags(&child, input)?,
                _ => {}
            }
        }
        Ok(movie)
    }

    pub(crate) fn tracks(&self) -> Vec<Track> {
        self.tracks.iter().map(|boxes| boxes.track).collect()
    }

    /// The boxes after the movie.
    pub(crate) fn what_follows<R: Read + Seek>(&self, input: &Seekable<R>) -> Boxes {
        Boxes::between(self.at.end, input.len())
    }

    /// The tracks that may hold Opus: those that do, or else encrypted ones.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &TrackBoxes> {
        let named = |name: &'static [u8; 4]| {
            self.tracks.iter().filter(move |one| one.track.codec.0 == *name)
        };
        named(b"Opus").chain(named(b"enca"))
    }

    /// The tracks with audio that is neither Opus nor encrypted.
    pub(crate) fn other_audio(&self) -> impl Iterator<Item = &TrackBoxes> {
        self.tracks.iter().filter(|one| {
            one.track.handler.0 == *b"soun" && !matches!(&one.track.codec.0, b"Opus" | b"enca")
        })
    }

    /// The track with this number, if it may hold Opus.
    pub(crate) fn numbered(&self, track: u32) -> Result<&TrackBoxes, Error> {
        if let Some(found) = self.candidates().find(|one| one.track.id == track) {
            return Ok(found);
        }
        let tracks = self.tracks();
        let is_there = tracks.iter().any(|one| one.id == track);
        let reason = if is_there {
            Reason::NotOpus { track, tracks }
        } else {
            Reason::NoTrack { track, tracks }
        };
        Err(Error::at(self.at.start, reason))
    }

    /// The error if no track holds Opus.
    pub(crate) fn no_opus(&self) -> Error {
        Error::at(self.at.start, Reason::NoOpusTrack { tracks: self.tracks() })
    }

    /// Default properties of a track's samples in fragments: box "trex".
    pub(crate) fn defaults<R: Read + Seek>(
        &self,
        track: u32,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Defaults, Error> {
        let none = Defaults { description: 1, duration: 0, size: 0 };
        // Problems here were reported when the movie was read.
        let found = Boxes::of(&self.at, 0).find(b"mvex", input, &mut Findings::new(false))?;
        let Some(parent) = found else { return Ok(none) };
        let mut children = Boxes::of(&parent, 0);
        while let Some(child) = children.next(input, findings)? {
            if !child.is(b"trex") {
                continue;
            }
            let mut words = [0; 4];
            for (word, skip) in words.iter_mut().zip([4, 8, 12, 16]) {
                *word = child.fields(input, findings, skip)?.map_or(0, u32::from_be_bytes);
            }
            let [id, description, duration, size] = words;
            if id == track {
                return Ok(Defaults { description, duration, size });
            }
        }
        Ok(none)
    }
}

/// Finds the movie, which may precede or follow the audio.
fn find<R: Read + Seek>(input: &mut Seekable<R>, findings: &mut Findings) -> Result<BoxAt, Error> {
    let start = input.array::<8>(0)?.filter(|start| is_mp4(start));
    start.ok_or_else(|| Error::at(4, Reason::NotMp4))?;
    let mut boxes = Boxes::between(0, input.len());
    let mut fragment = None;
    while let Some(found) = boxes.next(input, findings)? {
        if found.is(b"moov") {
            return Ok(found);
        }
        if found.is(b"moof") {
            fragment = fragment.or(Some(found.start));
        }
    }
    Err(match fragment {
        Some(offset) => Error::at(offset, Reason::NoInitialization),
        None => Error::at(input.len(), Reason::NoMovie),
    })
}

const MAX_TRACKS: usize = 1000;
