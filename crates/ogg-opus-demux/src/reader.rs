use std::io::Read;

use opus_packet::{Ledger, LocatedPacket, OpusHead, OpusTags, Packet, PacketSource, Timeline};

use crate::{
    Buffered, Error, Finding, FindingKind, Input, PageReader, Skipped, Violation,
    assembler::PlacedPage,
    error::Reason,
    finding::Findings,
    group::Group,
    link::{Link, Placed, PlacedBytes, Taken},
    page::bytes_at,
};

/// Reads the packets of Ogg Opus (RFC 7845): from a slice without copying, from anything else
/// in bounded memory.
///
/// A file is a chain of links. [`next_located`](Self::next_located) returns the packets of one
/// link and then `None`. [`next_link`](Self::next_link) moves to the next link, which has its
/// own head, tags and timeline.
///
/// Tolerant by default: each problem becomes a [`Finding`], packets that ask for concealment
/// replace exactly the lost duration, and reading continues. [`Options::strict`] turns the
/// first violation into an error.
#[derive(Debug)]
pub struct OggOpusReader<I> {
    pages: PageReader<I>,
    findings: Findings,
    options: Options,
    link: Link,
    /// The current page begins the next link.
    is_held_back: bool,
}

/// How to read: by default tolerantly, and the first Opus stream of each link.
///
/// ```
/// let options = ogg_opus_demux::Options::default().strict(true).track(1);
/// assert!(options.strict);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whether the first violation is an error.
    pub strict: bool,
    /// Which of the Opus streams that a link multiplexes to read, in the order of their first
    /// pages. Counted from 0 over the streams with a usable head, so none without one takes a
    /// number. Links with fewer streams are skipped.
    pub track: usize,
}

impl Options {
    /// Sets whether the first violation is an error.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Sets which Opus stream of each link to read: see [`track`](Self::track).
    #[must_use]
    pub fn track(self, track: usize) -> Self {
        Self { track, ..self }
    }
}

impl<R: Read> OggOpusReader<Buffered<R>> {
    /// Reads up to the audio of the first link. `inner` needs no `BufReader`.
    ///
    /// # Errors
    ///
    /// The stream is not Ogg Opus, has no readable head, or `inner` failed.
    pub fn new(inner: R) -> Result<Self, Error> {
        Self::with_options(Buffered::new(inner), Options::default())
    }

    /// The same, but [`strict`](Options::strict).
    ///
    /// # Errors
    ///
    /// Also the first violation in the headers.
    pub fn strict(inner: R) -> Result<Self, Error> {
        Self::with_options(Buffered::new(inner), Options::default().strict(true))
    }
}

impl<'a> OggOpusReader<&'a [u8]> {
    /// Reads a stream in memory without copying it.
    ///
    /// # Errors
    ///
    /// The stream is not Ogg Opus or has no readable head.
    pub fn from_slice(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::with_options(bytes, Options::default())
    }
}

impl<I: Input> OggOpusReader<I> {
    /// Reads up to the audio of the first link that has the requested stream.
    ///
    /// # Errors
    ///
    /// No link has a readable head or the requested stream, or `input` failed. A strict reader
    /// also returns the first violation in the headers.
    pub fn with_options(input: I, options: Options) -> Result<Self, Error> {
        let mut pages = PageReader::with_input(input);
        let mut findings = Findings::new(options.strict);
        let mut opening = Opening::new(false, Ledger::default());
        opening.is_start = true;
        let Some(link) = opening.link(&mut pages, options.track, &mut findings)? else {
            return Err(opening.refusal(options.track, &mut findings));
        };
        let is_held_back = opening.is_held_back;
        Ok(Self { pages, findings, options, link, is_held_back })
    }

    /// The identification header of the link.
    pub fn head(&self) -> &OpusHead {
        self.link.head()
    }

    /// The comment header of the link, empty if it has none.
    pub fn tags(&self) -> &OpusTags {
        self.link.tags()
    }

    /// The serial number of the logical stream.
    pub fn serial(&self) -> u32 {
        self.link.serial()
    }

    /// The number of Opus streams with a usable head that the link multiplexes: almost always 1.
    pub fn tracks(&self) -> usize {
        self.link.tracks()
    }

    /// Which samples of the link play. Known once all its packets have been read, because the
    /// last page states the end trim. `None` if the link is shorter than its pre-skip.
    pub fn timeline(&self) -> Option<Timeline> {
        self.link.timeline()
    }

    /// Takes the findings since the last call, in the order of the stream. Beyond the first
    /// thousand, they are only counted.
    pub fn findings(&mut self) -> impl Iterator<Item = Finding> + use<'_, I> {
        self.findings.drain()
    }

    /// The next packet of the link and where it lies; `None` at the end of the link. Its
    /// `offset` is `None` if pages divide it.
    ///
    /// # Errors
    ///
    /// The input failed, or more audio is lost than a recording can lack. A strict reader also
    /// returns the first violation.
    #[inline]
    pub fn next_located(&mut self) -> Result<Option<LocatedPacket<'_>>, Error> {
        loop {
            if let Some(packet) = self.link.next(self.pages.page_bytes()) {
                return Ok(Some(self.locate(packet)));
            }
            if self.link.has_finished() || !self.read_page()? {
                return Ok(None);
            }
        }
    }

    /// Moves to the next link, past the rest of this one. Returns false if this is the last that
    /// can be read; what follows it may have [`findings`](Self::findings).
    ///
    /// # Errors
    ///
    /// As for [`next_located`](Self::next_located).
    pub fn next_link(&mut self) -> Result<bool, Error> {
        // Positions and the timeline are sums over the packets.
        while self.next_located()?.is_some() {}
        let mut opening = Opening::new(self.is_held_back, self.link.ledger());
        let next = opening.link(&mut self.pages, self.options.track, &mut self.findings)?;
        self.is_held_back = opening.is_held_back;
        let is_there = next.is_some();
        if let Some(next) = next {
            self.link = next;
        }
        Ok(is_there)
    }

    /// Passes the next page to the link; false at the end of the link.
    #[inline]
    fn read_page(&mut self) -> Result<bool, Error> {
        let Self { pages, findings, link, is_held_back, .. } = self;
        if let Some(placed) = next_page(pages, is_held_back, findings)? {
            if link.page(placed, findings)? == Taken::Here {
                return Ok(true);
            }
            *is_held_back = true;
        }
        link.finish(pages.offset(), findings)?;
        Ok(false)
    }

    #[inline]
    fn locate(&self, packet: Placed) -> LocatedPacket<'_> {
        let Placed { bytes, duration, position } = packet;
        let located = |data| LocatedPacket::new(data, duration, position);
        match bytes {
            PlacedBytes::InPage { start, end } => {
                located(bytes_at(self.pages.page_bytes(), &(start..end)))
                    .at(self.pages.offset() + u64::from(start))
            }
            PlacedBytes::Joined => located(self.link.joined()),
            PlacedBytes::Concealed => located(self.link.concealed()).concealing(),
        }
    }
}

impl<I: Input> PacketSource for OggOpusReader<I> {
    type Error = Error;

    /// The packets of the link.
    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        Ok(self.next_located()?.map(Packet::from))
    }
}

/// The next page, or the page that was held back.
#[inline]
fn next_page<'a, I: Input>(
    pages: &'a mut PageReader<I>,
    is_held_back: &mut bool,
    findings: &mut Findings,
) -> Result<Option<PlacedPage<'a>>, Error> {
    if !std::mem::take(is_held_back) {
        let page =
            if findings.is_strict() { pages.next_page_strictly() } else { pages.next_page() };
        let has_page = page?.is_some();
        if let Some(skipped) = pages.skipped() {
            let Skipped { offset, bytes, reason } = skipped;
            findings.report(offset, FindingKind::Skipped { bytes, reason })?;
        }
        if !has_page {
            return Ok(None);
        }
    }
    let offset = pages.offset();
    Ok(pages.page().map(|page| PlacedPage { offset, page }))
}

/// Reads up to the audio of a link.
struct Opening {
    /// Why nothing can be read, if no link is found.
    refusal: Option<Error>,
    is_held_back: bool,
    /// No page was read before.
    is_start: bool,
    /// The most tracks that a link had.
    tracks: usize,
    ledger: Ledger,
}

impl Opening {
    fn new(is_held_back: bool, ledger: Ledger) -> Self {
        Self { refusal: None, is_held_back, is_start: false, tracks: 0, ledger }
    }

    /// The next link that has the requested stream, after reading its headers.
    fn link<I: Input>(
        &mut self,
        pages: &mut PageReader<I>,
        track: usize,
        findings: &mut Findings,
    ) -> Result<Option<Link>, Error> {
        while let Some(mut group) = self.group(pages, findings)? {
            let tracks = group.tracks();
            self.tracks = self.tracks.max(tracks);
            if tracks == 0 {
                self.refusal = self.refusal.take().or(group.refusal());
            }
            let Some((member, head)) = group.choose(track, findings)? else { continue };
            let mut link = Link::new(member, head, group.serials(), tracks, self.ledger);
            self.headers(pages, &mut link, findings)?;
            return Ok(Some(link));
        }
        Ok(None)
    }

    /// The first pages of the next link.
    fn group<I: Input>(
        &mut self,
        pages: &mut PageReader<I>,
        findings: &mut Findings,
    ) -> Result<Option<Group>, Error> {
        let mut group = Group::default();
        while let Some(placed) = next_page(pages, &mut self.is_held_back, findings)? {
            if placed.page.is_first() && !group.goes_on_with(&placed.page) {
                self.is_start = false;
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
        Ok((!group.is_empty()).then_some(group))
    }

    /// Reads pages up to the end of the comment header.
    fn headers<I: Input>(
        &mut self,
        pages: &mut PageReader<I>,
        link: &mut Link,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        while !link.has_headers() {
            let taken = match next_page(pages, &mut self.is_held_back, findings)? {
                Some(placed) => link.page(placed, findings)?,
                None => return link.finish(pages.offset(), findings),
            };
            if taken == Taken::NextLink {
                self.is_held_back = true;
                return link.finish(pages.offset(), findings);
            }
        }
        Ok(())
    }

    /// Why nothing can be read.
    fn refusal(self, asked: usize, findings: &mut Findings) -> Error {
        if self.refusal.is_none() && self.tracks > 0 {
            return Reason::NoSuchTrack { asked, tracks: self.tracks }.into();
        }
        let first = findings.drain().find(Finding::is_violation).map(Error::unreadable);
        self.refusal.or(first).unwrap_or(Reason::Empty.into())
    }
}
