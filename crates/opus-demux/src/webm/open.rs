//! Reads everything before the first Cluster.

use std::io::Read;

use opus_packet::{OpusHead, OpusTags};

use crate::{
    Error, ErrorKind,
    finding::convert,
    webm::{
        Finding, FindingKind, Track,
        clock::BlockClock,
        ebml::{Element, text, unsigned},
        error::Reason,
        ids,
        tags::Comments,
        tracks::{self, Entry},
        walker::{Event, Walker},
    },
};

/// Returns whether a file that begins with these bytes is WebM or Matroska: they are the id of
/// an EBML header (RFC 8794 section 8).
pub fn is_webm(start: &[u8]) -> bool {
    start.starts_with(&ids::EBML.to_be_bytes())
}

/// The Opus track to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one with this number.
    Number(u64),
    /// This one of those with a usable head, counted from 0.
    Nth(usize),
}

/// What the headers of a document state.
pub(crate) struct Opened {
    pub(crate) head: OpusHead,
    pub(crate) tags: OpusTags,
    pub(crate) tracks: Vec<Track>,
    /// The number of Opus tracks with a usable head.
    pub(crate) usable: usize,
    pub(crate) track: u64,
    pub(crate) clock: BlockClock,
}

/// Opens the first document that has the track.
pub(crate) fn open_first<R: Read>(walker: &mut Walker<R>, which: Which) -> Result<Opened, Error> {
    // Only a document after another may have lost its header.
    if walker.is_at_segment()? {
        check_doc_type(walker.read_ebml_header()?)?;
    }
    let error = match open(walker, which) {
        Ok(opened) => return Ok(opened),
        Err(error) if error.kind() == ErrorKind::WrongContainer => return Err(error),
        Err(error) => error,
    };
    let skipped = skipped(&error, which);
    // The error is worth more than a finding if nothing can be read.
    let opened = if is_about_document(&error) { open_next(walker, which)? } else { None };
    let Some(opened) = opened else { return Err(error) };
    if let Some(kind) = skipped {
        walker.findings.report(0, kind)?;
    }
    Ok(opened)
}

/// Opens the next document that has the track; `None` if there is none.
pub(crate) fn open_next<R: Read>(
    walker: &mut Walker<R>,
    which: Which,
) -> Result<Option<Opened>, Error> {
    while walker.next_document()? {
        let offset = walker.offset();
        match open(walker, which) {
            Ok(opened) => return Ok(Some(opened)),
            Err(error) if is_about_document(&error) => {
                if let Some(kind) = skipped(&error, which) {
                    walker.findings.report(offset, kind)?;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Returns whether another document may be readable.
fn is_about_document(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Io | ErrorKind::Violation)
}

/// What to report about a document without the track: nothing if another reader does, which reads
/// the first track of each document.
fn skipped(error: &Error, which: Which) -> Option<FindingKind> {
    let reason = error.reason().to_owned();
    match (which, error.kind()) {
        (Which::Nth(1..), _) => None,
        (_, ErrorKind::NoOpus | ErrorKind::NoSuchTrack) => {
            Some(FindingKind::OtherDocument { reason })
        }
        _ => Some(FindingKind::DocumentSkipped { reason }),
    }
}

/// Reads up to the first Cluster.
fn open<R: Read>(walker: &mut Walker<R>, which: Which) -> Result<Opened, Error> {
    let is_matroska = match walker.is_at_segment()? {
        true => Ok(()),
        false => check_doc_type(walker.read_ebml_header()?),
    };
    let is_segment = walker.enter_segment();
    is_matroska.and(is_segment)?;
    let mut headers =
        Headers { scale: 1_000_000, entries: Vec::new(), comments: Comments::default() };
    loop {
        match walker.next_event()? {
            Event::Header(id) => headers.take(walker, id)?,
            Event::Cluster | Event::End => break,
            // Blocks only come after a Cluster begins.
            Event::Block(_) => {}
        }
    }
    headers.publish(walker, which)
}

struct Headers {
    scale: u64,
    entries: Vec<Entry>,
    comments: Comments,
}

impl Headers {
    fn take<R: Read>(&mut self, walker: &mut Walker<R>, id: u32) -> Result<(), Error> {
        let (element, findings) = walker.element(id);
        match id {
            ids::INFO => {
                self.comments.info(element);
                let scale = element.valid_children().find(|child| child.id == ids::TIMESTAMP_SCALE);
                match scale.map(|scale| (scale.offset, unsigned(scale.data))) {
                    Some((offset, Some(0))) => {
                        findings.report(offset, FindingKind::ZeroTimestampScale)?;
                    }
                    Some((_, Some(scale))) => self.scale = scale,
                    Some((offset, None)) => {
                        let id = ids::TIMESTAMP_SCALE;
                        findings.report(offset, FindingKind::InvalidNumber { id })?;
                    }
                    None => {}
                }
            }
            ids::TRACKS => tracks::parse(element, &mut self.entries, findings)?,
            _ => self.comments.tags(element),
        }
        Ok(())
    }

    fn publish<R: Read>(self, walker: &mut Walker<R>, which: Which) -> Result<Opened, Error> {
        let offset = walker.offset();
        if self.entries.is_empty() {
            return Err(Error::at(offset, Reason::NoTracks));
        }
        let mut usable = Vec::new();
        let mut unusable = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.track.is_opus()) {
            match entry.head() {
                Ok(head) => usable.push((entry, head)),
                Err(error) => unusable.push((entry.track.number(), error)),
            }
        }
        let number = |entry: &Entry| entry.track.number();
        let chosen = match which {
            Which::Nth(place) => usable.get(place),
            Which::Number(wanted) => usable.iter().find(|(entry, _)| number(entry) == wanted),
        };
        let Some((entry, head)) = chosen else {
            let skipped =
                |(number, error): &(u64, Error)| convert(skipped_track(*number, error, offset));
            let findings = unusable.iter().map(skipped).collect();
            let mut unusable = unusable.into_iter();
            let error = unusable.find(|(number, _)| which.allows(*number)).map(|(_, error)| error);
            let error = error.unwrap_or_else(|| self.no_such_track(offset, which));
            return Err(error.with_unusable(findings));
        };
        entry.report(head, &mut walker.findings)?;
        if which == Which::Nth(0) {
            for (number, error) in &unusable {
                let Finding { offset, kind, .. } = skipped_track(*number, error, offset);
                walker.findings.report(offset, kind)?;
            }
            for other in self.entries.iter().filter(|entry| entry.track.is_other_audio()) {
                let track = other.track.clone();
                walker.findings.report(other.offset, FindingKind::OtherTrack { track })?;
            }
        }
        let (track, uid) = (number(entry), entry.uid);
        let (head, usable) = (head.clone(), usable.len());
        let tracks = self.tracks();
        let tags = self.comments.into_opus_tags(uid);
        walker.follow(track);
        Ok(Opened { head, tags, tracks, usable, track, clock: BlockClock::new(self.scale) })
    }

    fn tracks(&self) -> Vec<Track> {
        self.entries.iter().map(|entry| entry.track.clone()).collect()
    }

    fn no_such_track(&self, offset: u64, which: Which) -> Error {
        let tracks = self.tracks();
        Error::at(
            offset,
            match which {
                Which::Number(wanted) => Reason::NoSuchTrack { wanted, tracks },
                Which::Nth(_) => Reason::NoOpusTrack { tracks },
            },
        )
    }
}

impl Which {
    /// Returns whether a track of this number may be the one.
    fn allows(self, number: u64) -> bool {
        match self {
            Self::Number(wanted) => wanted == number,
            Self::Nth(_) => true,
        }
    }
}

fn skipped_track(number: u64, error: &Error, offset: u64) -> Finding {
    let reason = error.reason().to_owned();
    let kind = FindingKind::TrackSkipped { number, reason };
    Finding::new(error.offset().unwrap_or(offset), kind)
}

fn check_doc_type(header: Element<'_>) -> Result<(), Error> {
    let doc_type = header.valid_children().find(|child| child.id == ids::DOC_TYPE);
    let offset = doc_type.map_or(header.offset, |doc_type| doc_type.offset);
    let found = doc_type.map(|doc_type| text(doc_type.data)).unwrap_or_default();
    match found.as_str() {
        "webm" | "matroska" => Ok(()),
        _ => Err(Error::at(offset, Reason::DocType { found: found.chars().take(60).collect() })),
    }
}
