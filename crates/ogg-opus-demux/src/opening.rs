use opus_packet::Ledger;

use crate::{
    Error, Finding, FindingKind, Input, Note, Page, PageReader, Violation,
    assembler::PlacedPage,
    error::Reason,
    finding::Findings,
    group::{Content, Group, Member},
    link::{Link, Taken},
    reader::next_page,
};

/// Reads the first pages of a link, and its headers where the link before it may go on.
pub(crate) struct Opening<'a> {
    /// Why nothing can be read, if no link is found.
    refusal: Option<Error>,
    is_held_back: bool,
    /// No page was read before.
    is_start: bool,
    /// A link without the requested stream was passed.
    has_passed: bool,
    /// The most tracks that a link had.
    tracks: usize,
    ledger: Ledger,
    /// The link that these pages interrupt.
    interrupted: Option<&'a Link>,
    strays: Vec<Stray>,
}

/// What follows.
pub(crate) enum Opened {
    Link(Box<Link>),
    /// The interrupted link, which the current page continues.
    Resumed,
    End,
}

/// A first page that may be stray: a link goes on after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stray {
    pub(crate) offset: u64,
    pub(crate) serial: u32,
    sequence: u32,
    /// The name of its codec, if this is not Opus.
    codec: Option<&'static str>,
}

impl<'a> Opening<'a> {
    /// At the start of the stream.
    pub(crate) fn first() -> Self {
        Self::new(true, false, Ledger::default(), None)
    }

    /// After the end of a link.
    pub(crate) fn after(link: &Link, is_held_back: bool) -> Self {
        Self::new(false, is_held_back, link.ledger(), None)
    }

    /// In a link that has not ended, at the first page of another.
    pub(crate) fn interrupting(link: &'a Link) -> Self {
        Self::new(false, true, link.ledger(), Some(link))
    }

    fn new(
        is_start: bool,
        is_held_back: bool,
        ledger: Ledger,
        interrupted: Option<&'a Link>,
    ) -> Self {
        let (refusal, has_passed, tracks, strays) = (None, false, 0, Vec::new());
        Self { refusal, is_held_back, is_start, has_passed, tracks, ledger, interrupted, strays }
    }

    /// Whether the current page is still to be read.
    pub(crate) fn is_held_back(&self) -> bool {
        self.is_held_back
    }

    /// Whether links without the requested stream came before.
    pub(crate) fn has_passed(&self) -> bool {
        self.has_passed
    }

    pub(crate) fn into_strays(self) -> Vec<Stray> {
        self.strays
    }

    /// The next link that has the requested stream, before its headers.
    pub(crate) fn link<I: Input>(
        &mut self,
        pages: &mut PageReader<I>,
        track: usize,
        findings: &mut Findings,
    ) -> Result<Opened, Error> {
        loop {
            let mut group = Group::default();
            if self.group(&mut group, pages, findings)? {
                return Ok(Opened::Resumed);
            }
            if group.is_empty() {
                return Ok(Opened::End);
            }
            let tracks = group.tracks();
            self.tracks = self.tracks.max(tracks);
            if tracks == 0 {
                self.refusal = self.refusal.take().or(group.refusal());
            }
            if let Some((member, head)) = group.choose(track, findings)? {
                let link = Link::new(member, head, group.others(), tracks, self.ledger);
                return Ok(Opened::Link(Box::new(link)));
            }
            self.has_passed = true;
        }
    }

    /// The same, and its headers. A page of the interrupted link up to the one after them shows
    /// that it goes on.
    pub(crate) fn look_ahead<I: Input>(
        &mut self,
        pages: &mut PageReader<I>,
        track: usize,
        findings: &mut Findings,
    ) -> Result<Opened, Error> {
        let mut link = match self.link(pages, track, findings)? {
            Opened::Link(link) => link,
            other => return Ok(other),
        };
        while let Some(placed) = next_page(pages, &mut self.is_held_back, findings)? {
            if self.resumes(&placed.page) {
                self.is_held_back = true;
                return Ok(Opened::Resumed);
            }
            if link.has_headers() {
                self.is_held_back = true;
                return Ok(Opened::Link(link));
            }
            let (offset, serial) = (placed.offset, placed.page.serial());
            if link.page(placed, findings)? == Taken::NextLink {
                self.is_held_back = true;
                link.end(offset, serial, findings)?;
                return Ok(Opened::Link(link));
            }
            // Its packets lie in the current page.
            if link.has_packets() {
                return Ok(Opened::Link(link));
            }
        }
        link.finish(pages.offset(), findings)?;
        Ok(Opened::Link(link))
    }

    /// The first pages of the next link. Returns whether the interrupted link goes on.
    fn group<I: Input>(
        &mut self,
        group: &mut Group,
        pages: &mut PageReader<I>,
        findings: &mut Findings,
    ) -> Result<bool, Error> {
        while let Some(placed) = next_page(pages, &mut self.is_held_back, findings)? {
            if self.resumes(&placed.page) {
                self.is_held_back = true;
                return Ok(true);
            }
            if placed.page.is_first() && !group.goes_on_with(&placed.page) {
                self.is_start = false;
                if self.interrupted.is_some() && self.strays.len() < MAX_STRAYS {
                    self.strays.push(Stray::new(placed));
                }
                group.add(placed, findings)?;
            } else if !group.is_empty() {
                self.is_held_back = true;
                break;
            } else if std::mem::take(&mut self.is_start) {
                let kind = FindingKind::from(Violation::NoFirstPage);
                let finding = Finding::new(placed.offset, kind.clone());
                self.refusal = Some(Error::unreadable(finding));
                findings.report(placed.offset, kind)?;
            }
        }
        Ok(false)
    }

    /// Returns whether a page continues the interrupted link.
    fn resumes(&mut self, page: &Page<'_>) -> bool {
        let Some(link) = self.interrupted.filter(|_| !page.is_first()) else { return false };
        let Some(stray) = self.strays.iter().rfind(|stray| stray.serial == page.serial()) else {
            return link.has_stream(page.serial());
        };
        if page.serial() != link.serial() {
            return false;
        }
        // The serial number is that of both, so the number of the first page tells.
        self.interrupted = None;
        let next = page.sequence();
        next == link.next_sequence() && next != stray.sequence.wrapping_add(1)
    }

    /// Why nothing can be read.
    pub(crate) fn refusal(self, asked: usize, findings: &mut Findings) -> Error {
        if self.refusal.is_none() && self.tracks > 0 {
            return Reason::NoSuchTrack { asked, tracks: self.tracks }.into();
        }
        let found: Vec<Finding> = findings.drain().filter(Finding::is_violation).collect();
        let first = found.first().cloned().map(Error::unreadable);
        let error = self.refusal.or(first).unwrap_or(Reason::Empty.into());
        let is_head = |found: &Finding| matches!(found.kind, FindingKind::Head(_));
        error.with_unusable(found.into_iter().filter(is_head).collect())
    }
}

impl Stray {
    fn new(placed: PlacedPage<'_>) -> Self {
        let codec = match Member::new(placed).content {
            Content::Opus(_) => None,
            Content::Other(codec) => Some(codec),
        };
        let PlacedPage { offset, page } = placed;
        Self { offset, serial: page.serial(), sequence: page.sequence(), codec }
    }

    pub(crate) fn finding(&self) -> Finding {
        let Self { offset, serial, codec, .. } = *self;
        let kind = match codec {
            None => Violation::StrayHead { serial }.into(),
            Some(codec) => Note::OtherStream { serial, codec }.into(),
        };
        Finding::new(offset, kind)
    }
}

impl Opened {
    pub(crate) fn into_link(self) -> Option<Link> {
        if let Self::Link(link) = self { Some(*link) } else { None }
    }
}

/// The most first pages after which a link can go on.
const MAX_STRAYS: usize = 1000;
