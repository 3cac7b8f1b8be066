use std::io::Read;

use opus_packet::{CodedPos, OpusHead, OpusTags, Packet, PacketSource, Timeline, duration};

use crate::{
    Error, PageReader, Violation,
    assembler::{Assembler, PacketBytes},
    granule::GranuleClock,
};

/// Reads the packets of an Ogg Opus stream (RFC 7845), strictly and in bounded
/// memory.
///
/// Strict: the first thing that is wrong is an error with its byte offset;
/// nothing is skipped, guessed or mended. Narrow for now: one logical stream,
/// mapping family 0.
#[derive(Debug)]
pub struct OggOpusReader<R> {
    pages: PageReader<R>,
    assembler: Assembler,
    clock: GranuleClock,
    head: OpusHead,
    tags: OpusTags,
    /// The packets that end on the current page, and which of them is next.
    ended: Vec<(PacketBytes, u32)>,
    next: usize,
    packets_before: u64,
    position: CodedPos,
    timeline: Option<Timeline>,
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
    /// Byte position in the stream, when all of the packet lies in one page;
    /// none when pages divide it.
    pub offset: Option<u64>,
}

impl<R: Read> OggOpusReader<R> {
    /// Reads the two headers. There is no need to wrap `inner` in a `BufReader`.
    pub fn new(inner: R) -> Result<Self, Error> {
        let mut pages = PageReader::new(inner);
        let (head, mut assembler) = read_head(&mut pages)?;
        let tags = read_tags(&mut pages, &mut assembler)?;
        assembler.accept_any_sequence();
        Ok(Self {
            pages,
            assembler,
            clock: GranuleClock::new(head.pre_skip()),
            head,
            tags,
            ended: Vec::new(),
            next: 0,
            packets_before: 0,
            position: CodedPos::new(0),
            timeline: None,
        })
    }

    /// The identification header.
    pub fn head(&self) -> &OpusHead {
        &self.head
    }

    /// The comment header.
    pub fn tags(&self) -> &OpusTags {
        &self.tags
    }

    /// The serial number of the logical stream.
    pub fn serial(&self) -> u32 {
        self.assembler.serial()
    }

    /// Which samples play; known once all packets have been read, because the
    /// end trim stands on the last page.
    pub fn timeline(&self) -> Option<Timeline> {
        self.timeline
    }

    /// The next packet and where it lies; `None` at the end of the stream.
    pub fn next_ogg_packet(&mut self) -> Result<Option<OggPacket<'_>>, Error> {
        while self.next >= self.ended.len() {
            if self.timeline.is_some() || !self.read_page()? {
                return Ok(None);
            }
        }
        let Some((bytes, duration)) = self.ended.get(self.next) else { return Ok(None) };
        self.next += 1;
        let (position, duration) = (self.position, *duration);
        // Cannot overflow: granule positions, below 2^63, count these samples too.
        self.position = CodedPos::new(position.get() + u64::from(duration));
        let (data, offset) = locate(bytes, &self.pages, &self.assembler);
        Ok(Some(OggPacket { data, duration, position, offset }))
    }

    /// Takes in the next page; false at the end of the stream.
    fn read_page(&mut self) -> Result<bool, Error> {
        self.packets_before += wide(self.ended.len());
        self.ended.clear();
        self.next = 0;
        let Some((offset, page)) = self.pages.next_page()? else {
            self.timeline = Some(self.finish()?);
            return Ok(false);
        };
        let at_page = |violation| Error::Structure { offset, violation };
        let mut packets = Vec::new();
        self.assembler.page(&page, MAX_PACKET_LEN, &mut packets).map_err(at_page)?;
        let (granule, is_last) = (page.granule(), page.is_last());
        let mut samples = 0;
        for (packet, bytes) in (self.packets_before..).zip(packets) {
            let (data, at) = locate(&bytes, &self.pages, &self.assembler);
            let duration = duration(data).map_err(|reason| {
                let offset = at.unwrap_or(offset);
                Error::Packet { offset, packet, reason }
            })?;
            samples += u64::from(duration);
            self.ended.push((bytes, duration));
        }
        self.clock.page(samples, granule, is_last).map_err(at_page)?;
        Ok(true)
    }

    fn finish(&self) -> Result<Timeline, Error> {
        let offset = self.pages.offset();
        if self.assembler.is_open() {
            return Err(Error::Structure { offset, violation: Violation::UnfinishedPacket });
        }
        Timeline::new(self.head.pre_skip(), self.position.get(), self.clock.end_trim())
            .map_err(|reason| Error::Timeline { offset, reason })
    }
}

impl<R: Read> PacketSource for OggOpusReader<R> {
    type Error = Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        let packet = self.next_ogg_packet()?;
        Ok(packet.map(|OggPacket { data, duration, .. }| Packet { data, duration }))
    }
}

/// The bytes of a packet that ended on the current page, and their byte position
/// in the stream if they are in one piece.
fn locate<'a, R: Read>(
    bytes: &PacketBytes,
    pages: &'a PageReader<R>,
    assembler: &'a Assembler,
) -> (&'a [u8], Option<u64>) {
    match bytes {
        PacketBytes::Joined => (assembler.joined(), None),
        PacketBytes::InPage(range) => (
            pages.page_bytes().get(range.clone()).unwrap_or_default(),
            Some(pages.offset() + wide(range.start)),
        ),
    }
}

fn read_head<R: Read>(pages: &mut PageReader<R>) -> Result<(OpusHead, Assembler), Error> {
    let (offset, page) = pages.next_page()?.ok_or(Error::Empty)?;
    let at_page = |violation| Error::Structure { offset, violation };
    if !page.is_first() {
        return Err(at_page(Violation::NoFirstPage));
    }
    if page.is_continued() {
        return Err(at_page(Violation::ContinuedWithoutStart));
    }
    let mut fragments = page.fragments();
    let range = fragments.next().map(|fragment| fragment.range).unwrap_or_default();
    let packet = page.bytes().get(range).unwrap_or_default();
    if let Some(codec) = other_codec(packet) {
        return Err(Error::NotOpus { offset, codec });
    }
    let head = OpusHead::parse(packet).map_err(|reason| Error::Head { offset, reason })?;
    if fragments.next().is_some() || page.packets_ended() != 1 {
        return Err(at_page(Violation::HeadNotAlone));
    }
    check_header_granule(page.granule()).map_err(at_page)?;
    Ok((head, Assembler::new(&page)))
}

fn read_tags<R: Read>(
    pages: &mut PageReader<R>,
    assembler: &mut Assembler,
) -> Result<OpusTags, Error> {
    let mut packets = Vec::new();
    let mut granule = None;
    while packets.is_empty() {
        let Some((offset, page)) = pages.next_page()? else {
            let offset = pages.offset();
            return Err(Error::Structure { offset, violation: Violation::NoTags });
        };
        granule = page.granule();
        let taken = assembler.page(&page, MAX_TAGS_LEN, &mut packets).map_err(violation_of_tags);
        taken.map_err(|violation| Error::Structure { offset, violation })?;
    }
    let offset = pages.offset();
    let at_page = |violation| Error::Structure { offset, violation };
    let ([bytes], false) = (packets.as_slice(), assembler.is_open()) else {
        return Err(at_page(Violation::TagsNotAlone));
    };
    check_header_granule(granule).map_err(at_page)?;
    OpusTags::parse(locate(bytes, pages, assembler).0.into())
        .map_err(|reason| Error::Tags { offset, reason })
}

/// RFC 7845 section 4: zero where a header ends.
fn check_header_granule(granule: Option<u64>) -> Result<(), Violation> {
    match granule.unwrap_or(u64::MAX) {
        0 => Ok(()),
        found => Err(Violation::HeaderGranule { found }),
    }
}

fn violation_of_tags(violation: Violation) -> Violation {
    match violation {
        Violation::PacketTooLong { limit } => Violation::TagsTooLong { limit },
        other => other,
    }
}

/// The name of the codec, if the first packet is known to be of another one.
fn other_codec(first_packet: &[u8]) -> Option<&'static str> {
    OTHER_CODECS.iter().find(|(magic, _)| first_packet.starts_with(magic)).map(|&(_, name)| name)
}

fn wide(len: usize) -> u64 {
    // usize has at most 64 bits on every platform of Rust.
    u64::try_from(len).unwrap_or(u64::MAX)
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

/// A longer packet of one stream is no audio (RFC 7845 section 6).
pub(crate) const MAX_PACKET_LEN: usize = 61_440;
/// A longer comment header is refused (RFC 7845 section 5.2): 120 MiB.
const MAX_TAGS_LEN: usize = 120 * 1024 * 1024;
