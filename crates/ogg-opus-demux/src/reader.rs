use std::io::Read;

use opus_packet::{LocatedPacket, OpusHead, OpusTags, Packet, PacketSource, Timeline};

use crate::{
    Buffered, Error, Finding, FindingKind, Input, PageReader, Skipped,
    assembler::PlacedPage,
    contents::{Placed, PlacedBytes},
    finding::Findings,
    link::{Link, Taken},
    opening::{Opened, Opening, Stray},
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
    is_first_link: bool,
    /// The current page is still to be read.
    is_held_back: bool,
    /// The next link and its findings, if it was read to find out whether this one ends.
    next: Option<(Option<Link>, Vec<Finding>)>,
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
        let mut opening = Opening::first();
        let opened = opening.link(&mut pages, options.track, &mut findings)?;
        let Opened::Link(link) = opened else {
            return Err(opening.refusal(options.track, &mut findings));
        };
        let (is_held_back, next) = (opening.is_held_back(), None);
        let is_first_link = !opening.has_passed();
        let mut reader =
            Self { pages, findings, options, link: *link, is_first_link, is_held_back, next };
        reader.headers()?;
        Ok(reader)
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

    /// Whether the link is the first of the file, readable or not. If not, it begins later.
    pub fn is_first_link(&self) -> bool {
        self.is_first_link
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
        let next = match self.next.take() {
            Some((link, findings)) => {
                self.report(findings)?;
                link
            }
            None => {
                let mut opening = Opening::after(&self.link, self.is_held_back);
                let opened =
                    opening.link(&mut self.pages, self.options.track, &mut self.findings)?;
                self.is_held_back = opening.is_held_back();
                opened.into_link()
            }
        };
        let Some(next) = next else { return Ok(false) };
        (self.link, self.is_first_link) = (next, false);
        self.headers()?;
        Ok(true)
    }

    /// Reads pages up to the end of the comment header.
    fn headers(&mut self) -> Result<(), Error> {
        while !self.link.has_headers() && self.read_page()? {}
        Ok(())
    }

    /// Passes the next page to the link; false at the end of the link.
    #[inline]
    fn read_page(&mut self) -> Result<bool, Error> {
        let Self { pages, findings, link, is_held_back, .. } = self;
        let Some(placed) = next_page(pages, is_held_back, findings)? else {
            link.finish(pages.offset(), findings)?;
            return Ok(false);
        };
        if link.page(placed, findings)? == Taken::Here {
            return Ok(true);
        }
        let (offset, serial) = (placed.offset, placed.page.serial());
        self.is_held_back = true;
        self.next_begins(offset, serial)
    }

    /// The current page, at `offset`, begins the next link, unless it is stray: then pages of this
    /// link follow. Returns whether this link goes on.
    #[cold]
    fn next_begins(&mut self, offset: u64, serial: u32) -> Result<bool, Error> {
        if !self.link.has_ended() {
            // They come after those of this link.
            let mut findings = Findings::new(false);
            let mut opening = Opening::interrupting(&self.link);
            let opened = opening.look_ahead(&mut self.pages, self.options.track, &mut findings)?;
            self.is_held_back = opening.is_held_back();
            if let Opened::Resumed = opened {
                let strays = opening.into_strays();
                self.resume(&strays, findings.drain().collect())?;
                return Ok(true);
            }
            self.next = Some((opened.into_link(), findings.drain().collect()));
        }
        self.link.end(offset, serial, &mut self.findings)?;
        Ok(false)
    }

    /// Goes on with the link after stray pages, in which this was found.
    fn resume(&mut self, strays: &[Stray], mut findings: Vec<Finding>) -> Result<(), Error> {
        // Only bytes that are not a page concern this link.
        findings.retain(|finding| matches!(finding.kind, FindingKind::Skipped { .. }));
        findings.extend(strays.iter().map(Stray::finding));
        findings.sort_by_key(|finding| finding.offset);
        strays.iter().for_each(|stray| self.link.ignore(stray.serial));
        self.report(findings)
    }

    fn report(&mut self, findings: Vec<Finding>) -> Result<(), Error> {
        for Finding { offset, kind, .. } in findings {
            self.findings.report(offset, kind)?;
        }
        Ok(())
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
pub(crate) fn next_page<'a, I: Input>(
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
