use opus_packet::{InvalidHead, OpusHead};

use crate::{
    Error, Finding, FindingKind, Note, Page, Violation,
    assembler::{Assembler, PlacedPage},
    error::Reason,
    finding::Findings,
};

/// The first pages of the logical streams that a link multiplexes. They precede all other
/// pages (RFC 3533 section 4).
#[derive(Debug, Default)]
pub(crate) struct Group {
    members: Vec<Member>,
}

/// The first page of a logical stream.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) offset: u64,
    pub(crate) assembler: Assembler,
    pub(crate) content: Content,
    /// Findings about the page, which only matter if the stream is chosen.
    findings: Vec<FindingKind>,
}

/// Serial numbers of the other streams of a link.
#[derive(Debug, Default)]
pub(crate) struct Others(Vec<u32>);

/// The content of a logical stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Opus(Result<OpusHead, InvalidHead>),
    Other(&'static str),
}

impl Group {
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn add(
        &mut self,
        placed: PlacedPage<'_>,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        let member = Member::new(placed);
        let serial = member.assembler.serial();
        let Some(known) = self.members.iter_mut().find(|one| one.assembler.serial() == serial)
        else {
            if self.members.len() < MAX_STREAMS {
                self.members.push(member);
            }
            return Ok(());
        };
        // A damaged copy replaces no usable head.
        if known.is_usable()
            && let Content::Opus(Err(reason)) = member.content
        {
            return Ok(findings.report(placed.offset, FindingKind::Head(reason))?);
        }
        *known = member;
        Ok(findings.report(placed.offset, Violation::RepeatedHeaders)?)
    }

    /// Returns whether a page continues one of the Opus streams although it is marked as a
    /// first page.
    pub(crate) fn goes_on_with(&self, page: &Page<'_>) -> bool {
        let is_its = |one: &Member| one.is_opus() && one.assembler.serial() == page.serial();
        !page.first_packet().starts_with(b"OpusHead") && self.members.iter().any(is_its)
    }

    /// The number of Opus streams with a usable head.
    pub(crate) fn tracks(&self) -> usize {
        self.members.iter().filter(|member| member.is_usable()).count()
    }

    /// Takes one of the Opus streams with a usable head. Reports the others and keeps them in the
    /// group.
    pub(crate) fn choose(
        &mut self,
        track: usize,
        findings: &mut Findings,
    ) -> Result<Option<(Member, OpusHead)>, Error> {
        let (mut tracks, mut chosen) = (0, None);
        for (place, member) in self.members.iter().enumerate() {
            let serial = member.assembler.serial();
            match &member.content {
                Content::Other(codec) => {
                    findings.report(member.offset, Note::OtherStream { serial, codec })?;
                }
                Content::Opus(Ok(_)) if tracks != track => {
                    findings.report(member.offset, Note::OtherTrack { serial, track: tracks })?;
                }
                Content::Opus(_) => {
                    chosen = member.head(findings)?.map(|head| (place, head)).or(chosen);
                }
            }
            tracks += usize::from(member.is_usable());
        }
        Ok(chosen.map(|(place, head)| (self.members.swap_remove(place), head)))
    }

    /// The streams that were not taken.
    pub(crate) fn others(&self) -> Others {
        Others(self.members.iter().map(|member| member.assembler.serial()).collect())
    }

    /// Why nothing can be read if none of the streams has a usable head.
    pub(crate) fn refusal(&self) -> Option<Error> {
        let opus = self.members.iter().filter(|member| member.is_opus());
        opus.chain(&self.members).find_map(Member::refusal)
    }
}

impl Others {
    pub(crate) fn contains(&self, serial: u32) -> bool {
        self.0.contains(&serial)
    }

    /// Adds a serial number. Returns false if it is known, or if there are too many to report.
    pub(crate) fn add(&mut self, serial: u32) -> bool {
        let is_new = self.0.len() < MAX_OTHERS && !self.contains(serial);
        if is_new {
            self.0.push(serial);
        }
        is_new
    }
}

impl Member {
    pub(crate) fn new(placed: PlacedPage<'_>) -> Self {
        let PlacedPage { offset, page } = placed;
        let packet = page.first_packet();
        let content = match other_codec(packet) {
            Some(codec) => Content::Other(codec),
            None => match OpusHead::parse(packet) {
                Err(InvalidHead::Magic) => Content::Other("an unknown codec"),
                result => Content::Opus(result),
            },
        };
        let mut findings = Vec::new();
        if page.is_continued() {
            findings.push(Violation::ContinuedWithoutStart.into());
        }
        if page.fragments().count() != 1 || page.packets_ended() != 1 {
            findings.push(Violation::HeadNotAlone.into());
        }
        findings.extend(header_granule(page.granule()).map(FindingKind::from));
        if let Content::Opus(Ok(head)) = &content {
            findings.extend(extra_bytes(packet, head).map(FindingKind::from));
        }
        Self { offset, assembler: Assembler::new(&page), content, findings }
    }

    /// The head of an Opus stream, after reporting its problems.
    pub(crate) fn head(&self, findings: &mut Findings) -> Result<Option<OpusHead>, Error> {
        for kind in &self.findings {
            findings.report(self.offset, kind.clone())?;
        }
        match &self.content {
            Content::Opus(Ok(head)) => Ok(Some(head.clone())),
            Content::Opus(Err(reason)) => {
                findings.report(self.offset, FindingKind::Head(*reason))?;
                Ok(None)
            }
            Content::Other(_) => Ok(None),
        }
    }

    /// Why the stream cannot be read.
    fn refusal(&self) -> Option<Error> {
        let offset = self.offset;
        match self.content {
            Content::Opus(Ok(_)) => None,
            Content::Opus(Err(reason)) => {
                Some(Error::unreadable(Finding::new(offset, FindingKind::Head(reason))))
            }
            Content::Other(codec) => Some(Error::at(offset, Reason::NotOpus { codec })),
        }
    }

    fn is_opus(&self) -> bool {
        matches!(self.content, Content::Opus(_))
    }

    fn is_usable(&self) -> bool {
        matches!(self.content, Content::Opus(Ok(_)))
    }
}

/// RFC 7845 section 5.1: only versions above 1 append fields.
fn extra_bytes(packet: &[u8], head: &OpusHead) -> Option<Note> {
    let fields = head.to_bytes();
    let is_old = fields.get(VERSION_AT).is_some_and(|&version| version <= 1);
    let bytes = packet.len().checked_sub(fields.len()).filter(|&bytes| is_old && bytes > 0)?;
    Some(Note::ExtraHeadBytes { bytes })
}

/// RFC 7845 section 4: granule position 0 where a header ends.
pub(crate) fn header_granule(granule: Option<u64>) -> Option<Violation> {
    match granule.unwrap_or(u64::MAX) {
        0 => None,
        found => Some(Violation::HeaderGranule { found }),
    }
}

/// The name of another codec that the first packet is known to belong to.
fn other_codec(first_packet: &[u8]) -> Option<&'static str> {
    OTHER_CODECS.iter().find(|(magic, _)| first_packet.starts_with(magic)).map(|&(_, name)| name)
}

const OTHER_CODECS: [(&[u8], &str); 7] = [
    (b"\x01vorbis", "Vorbis"),
    (b"\x7fFLAC", "FLAC"),
    (b"Speex   ", "Speex"),
    (b"\x01video", "video"),
    (b"\x80theora", "Theora"),
    (b"fishead\0", "a Skeleton track"),
    (b"CELT    ", "CELT"),
];

/// The place of the version in OpusHead.
const VERSION_AT: usize = 8;
/// Further streams of a link are ignored.
const MAX_STREAMS: usize = 1000;
/// The most other streams of a link that are reported.
const MAX_OTHERS: usize = 64;
