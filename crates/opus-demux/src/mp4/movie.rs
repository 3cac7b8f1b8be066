//! The box "moov", ISO/IEC 14496-12 section 8.2.

use std::io::{Read, Seek};

use opus_packet::OpusTags;

use crate::mp4::{
    Error, FindingKind, Track,
    boxes::{BoxAt, Boxes, is_mp4},
    finding::Findings,
    fragments::Defaults,
    input::Input,
    tags::read_tags,
    track::{TrackBoxes, after_times},
};

/// What the movie says about itself.
#[derive(Debug)]
pub(crate) struct Movie {
    at: BoxAt,
    pub(crate) timescale: u32,
    tracks: Vec<TrackBoxes>,
    pub(crate) tags: OpusTags,
}

impl Movie {
    /// Finds the movie and walks over it.
    pub(crate) fn read<R: Read + Seek>(
        input: &mut Input<R>,
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

    /// Where the boxes lie that follow it.
    pub(crate) fn what_follows<R: Read + Seek>(&self, input: &Input<R>) -> Boxes {
        Boxes::between(self.at.end, input.len())
    }

    /// The track that was asked for, or the first that holds Opus.
    pub(crate) fn choose(&self, wanted: Option<u32>) -> Result<&TrackBoxes, Error> {
        let (offset, tracks) = (self.at.start, || self.tracks());
        let Some(track) = wanted else {
            let named = |name: &[u8; 4]| self.tracks.iter().find(|one| one.track.codec.0 == *name);
            // Encrypted audio may be Opus too: to be refused with a reason.
            let chosen = named(b"Opus").or_else(|| named(b"enca"));
            return chosen.ok_or_else(|| Error::NoOpusTrack { offset, tracks: tracks() });
        };
        let chosen = self.tracks.iter().find(|one| one.track.id == track);
        let chosen = chosen.ok_or_else(|| Error::NoTrack { offset, track, tracks: tracks() })?;
        match &chosen.track.codec.0 {
            b"Opus" | b"enca" => Ok(chosen),
            _ => Err(Error::NotOpus { offset, track, tracks: tracks() }),
        }
    }

    /// The error if the chosen track holds no Opus after all.
    pub(crate) fn no_opus(&self) -> Error {
        Error::NoOpusTrack { offset: self.at.start, tracks: self.tracks() }
    }

    /// What samples of a track are in fragments, unless these say otherwise: box "trex".
    pub(crate) fn defaults<R: Read + Seek>(
        &self,
        track: u32,
        input: &mut Input<R>,
        findings: &mut Findings,
    ) -> Result<Defaults, Error> {
        let none = Defaults { description: 1, duration: 0, size: 0 };
        // What is wrong here was told when the movie was walked over.
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

/// The movie: before the audio, or after it.
fn find<R: Read + Seek>(input: &mut Input<R>, findings: &mut Findings) -> Result<BoxAt, Error> {
    let start = input.array::<8>(0)?.filter(|start| is_mp4(start));
    start.ok_or(Error::NotMp4)?;
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
        Some(offset) => Error::NoInitialization { offset },
        None => Error::NoMovie { offset: input.len() },
    })
}

const MAX_TRACKS: usize = 1000;
