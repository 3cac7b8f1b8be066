//! Reads everything before the first Cluster.

use std::io::Read;

use opus_packet::{OpusHead, OpusTags};

use crate::{
    Error,
    webm::{
        FindingKind, Options, Track,
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

/// What the headers state.
pub(crate) struct Opened {
    pub(crate) head: OpusHead,
    pub(crate) tags: OpusTags,
    pub(crate) tracks: Vec<Track>,
    pub(crate) track: u64,
    pub(crate) clock: BlockClock,
}

/// Reads up to the first Cluster.
pub(crate) fn open<R: Read>(walker: &mut Walker<R>, options: Options) -> Result<Opened, Error> {
    check_doc_type(walker.read_ebml_header()?)?;
    walker.enter_segment()?;
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
    headers.publish(walker, options)
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

    fn publish<R: Read>(self, walker: &mut Walker<R>, options: Options) -> Result<Opened, Error> {
        let offset = walker.offset();
        if self.entries.is_empty() {
            return Err(Error::at(offset, Reason::NoTracks));
        }
        let tracks: Vec<Track> = self.entries.iter().map(|entry| entry.track.clone()).collect();
        let is_wanted = |track: &Track| options.track.is_none_or(|wanted| wanted == track.number());
        let mut entries = self.entries.iter();
        let Some(entry) = entries.find(|entry| entry.track.is_opus() && is_wanted(&entry.track))
        else {
            let reason = match options.track {
                Some(wanted) => Reason::NoSuchTrack { wanted, tracks },
                None => Reason::NoOpusTrack { tracks },
            };
            return Err(Error::at(offset, reason));
        };
        let head = entry.head(&mut walker.findings)?;
        let tags = self.comments.into_opus_tags(entry.uid);
        let track = entry.track.number();
        walker.follow(track);
        Ok(Opened { head, tags, tracks, track, clock: BlockClock::new(self.scale) })
    }
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
