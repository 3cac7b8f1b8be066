use std::io::Read;

use opus_packet::{CodedPos, OpusHead, OpusTags, Packet, PacketSource, Timeline};

use crate::{
    Buffered, Error, Finding, Input, PageReader, Violation,
    assembler::PlacedPage,
    finding::Findings,
    group::Group,
    link::{Link, Placed, PlacedBytes, Taken, Totals},
    page::bytes_at,
};

/// Reads the packets of Ogg Opus (RFC 7845): of a slice without copying, of anything
/// else in bounded memory.
///
/// A file is a chain of links. The packets of one link come until
/// [`next_ogg_packet`](Self::next_ogg_packet) gives `None`; then
/// [`next_link`](Self::next_link) goes on to the next, which has its own head, tags and
/// timeline.
///
/// Tolerant, unless it is made [`strict`](Options::strict): what is wrong is reported as
/// a [`Finding`], lost audio is given as packets that ask for concealment of exactly the
/// lost duration, and reading goes on.
#[derive(Debug)]
pub struct OggOpusReader<I> {
    pages: PageReader<I>,
    findings: Findings,
    options: Options,
    link: Link,
    /// The page that was given last begins the next link.
    is_held_back: bool,
}

/// How to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether the first violation of a rule is an error.
    pub strict: bool,
    /// Which of the Opus streams that a link multiplexes, counted from 0. Links that
    /// have fewer are passed over.
    pub track: usize,
}

/// A packet and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OggPacket<'a> {
    /// The packet.
    pub data: &'a [u8],
    /// Samples per channel at 48 kHz.
    pub duration: u32,
    /// Position of its first sample.
    pub position: CodedPos,
    /// Byte position in the stream, when all of the packet lies in one page; none
    /// when pages divide it, and for concealment.
    pub offset: Option<u64>,
    /// Whether it is not in the stream, but stands in for what was lost
    /// (RFC 7845 section 4.1).
    pub is_concealment: bool,
}

impl<R: Read> OggOpusReader<Buffered<R>> {
    /// Reads up to the audio of the first link. There is no need to wrap `inner` in a
    /// `BufReader`.
    pub fn new(inner: R) -> Result<Self, Error> {
        Self::with_options(Buffered::new(inner), Options::default())
    }

    /// The same, [`strict`](Options::strict).
    pub fn strict(inner: R) -> Result<Self, Error> {
        Self::with_options(Buffered::new(inner), Options { strict: true, track: 0 })
    }
}

impl<'a> OggOpusReader<&'a [u8]> {
    /// Walks over a stream in memory.
    pub fn from_slice(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::with_options(bytes, Options::default())
    }
}

impl<I: Input> OggOpusReader<I> {
    /// Reads up to the audio of the first link that has the stream that is asked for.
    pub fn with_options(input: I, options: Options) -> Result<Self, Error> {
        let mut pages = PageReader::with_input(input);
        let mut findings = Findings::new(options.strict);
        let mut opening = Opening::new(false, Totals::default());
        opening.is_start = true;
        let link = match opening.link(&mut pages, options.track, &mut findings)? {
            Some(link) => link,
            None => return Err(opening.refusal(options.track, &mut findings)),
        };
        let is_held_back = opening.is_held_back;
        Ok(Self { pages, findings, options, link, is_held_back })
    }

    /// The identification header of the link.
    pub fn head(&self) -> &OpusHead {
        self.link.head()
    }

    /// The comment header of the link; an empty one if it has none.
    pub fn tags(&self) -> &OpusTags {
        self.link.tags()
    }

    /// The serial number of the logical stream.
    pub fn serial(&self) -> u32 {
        self.link.serial()
    }

    /// How many Opus streams the link multiplexes: 1, but in rare files.
    pub fn tracks(&self) -> usize {
        self.link.tracks()
    }

    /// Which samples of the link play; known once all its packets have been read,
    /// because the end trim stands on the last page. None if it is shorter than its
    /// pre-skip.
    pub fn timeline(&self) -> Option<Timeline> {
        self.link.timeline()
    }

    /// Takes out the findings since the last time, in the order of the stream. No more
    /// than a thousand are kept; the last then says how many were not.
    pub fn findings(&mut self) -> impl Iterator<Item = Finding> + use<'_, I> {
        self.findings.drain()
    }

    /// The next packet of the link and where it lies; `None` at the end of the link.
    #[inline]
    pub fn next_ogg_packet(&mut self) -> Result<Option<OggPacket<'_>>, Error> {
        loop {
            if let Some(packet) = self.link.next(self.pages.page_bytes()) {
                return Ok(Some(self.locate(packet)));
            }
            if self.link.has_finished() || !self.read_page()? {
                return Ok(None);
            }
        }
    }

    /// Goes to the next link, past what is left of this one; false if there is none.
    pub fn next_link(&mut self) -> Result<bool, Error> {
        // Positions, and so the timeline, come of the packets.
        while self.next_ogg_packet()?.is_some() {}
        let mut opening = Opening::new(self.is_held_back, self.link.totals());
        let next = opening.link(&mut self.pages, self.options.track, &mut self.findings)?;
        self.is_held_back = opening.is_held_back;
        let is_there = next.is_some();
        if let Some(next) = next {
            self.link = next;
        }
        Ok(is_there)
    }

    /// Takes in the next page; false at the end of the link.
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
    fn locate(&self, packet: Placed) -> OggPacket<'_> {
        let Placed { bytes, duration, position } = packet;
        let (data, offset) = match bytes {
            PlacedBytes::InPage { start, end } => (
                bytes_at(self.pages.page_bytes(), &(start..end)),
                Some(self.pages.offset() + u64::from(start)),
            ),
            PlacedBytes::Joined => (self.link.joined(), None),
            PlacedBytes::Concealed => (self.link.concealed(), None),
        };
        let is_concealment = matches!(bytes, PlacedBytes::Concealed);
        OggPacket { data, duration, position, offset, is_concealment }
    }
}

impl<I: Input> PacketSource for OggOpusReader<I> {
    type Error = Error;

    /// The packets of the link.
    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        let packet = self.next_ogg_packet()?;
        Ok(packet.map(|OggPacket { data, duration, .. }| Packet { data, duration }))
    }
}

/// The next page, or the one that was held back.
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
            findings.add(skipped.into())?;
        }
        if !has_page {
            return Ok(None);
        }
    }
    let offset = pages.offset();
    Ok(pages.page().map(|page| PlacedPage { offset, page }))
}

/// On the way to the audio of a link.
struct Opening {
    /// Why there is nothing to read, if nothing is found.
    refusal: Option<Error>,
    is_held_back: bool,
    /// Nothing has come before.
    is_start: bool,
    /// How many tracks a link had at most.
    tracks: usize,
    totals: Totals,
}

impl Opening {
    fn new(is_held_back: bool, totals: Totals) -> Self {
        Self { refusal: None, is_held_back, is_start: false, tracks: 0, totals }
    }

    /// The next link with the stream that is asked for, its headers read.
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
            let Some(member) = group.choose(track, findings)? else { continue };
            match member.head(findings)? {
                Some(head) => {
                    let link = Link::new(member, head, group.serials(), tracks);
                    let mut link = link.after(self.totals);
                    self.headers(pages, &mut link, findings)?;
                    return Ok(Some(link));
                }
                None => self.refusal = self.refusal.take().or(member.refusal()),
            }
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
                let (offset, violation) = (placed.offset, Violation::NoFirstPage);
                self.refusal = Some(Error::Structure { offset, violation });
                findings.report(offset, violation)?;
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

    /// Why there is nothing to read.
    fn refusal(self, asked: usize, findings: &mut Findings) -> Error {
        if self.refusal.is_none() && self.tracks > 0 {
            return Error::NoSuchTrack { asked, tracks: self.tracks };
        }
        let first = findings.drain().find_map(Finding::into_error);
        self.refusal.or(first).unwrap_or(Error::Empty)
    }
}
