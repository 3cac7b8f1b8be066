//! Ogg Opus streams made by hand, valid or not, without the crate under test. Their checksums
//! and pages are a second opinion.

#![allow(dead_code, reason = "no test uses all of it")]
pub(crate) mod outcome;
pub(crate) mod packets;
pub(crate) mod refused;
pub(crate) mod source;

use std::{
    io::{self, ErrorKind, Read},
    sync::LazyLock,
};

use opus_packet::{OpusHead, OpusTags};

pub(crate) const SERIAL: u32 = 0x0b5e_55ed;
pub(crate) const PRE_SKIP: u16 = 312;
/// The granule position of a page on which no packet ends.
pub(crate) const NO_GRANULE: u64 = u64::MAX;

/// A page, field by field (RFC 3533 section 6).
#[derive(Clone, Debug)]
pub(crate) struct RawPage {
    pub(crate) version: u8,
    pub(crate) flags: u8,
    pub(crate) granule: u64,
    pub(crate) serial: u32,
    pub(crate) sequence: u32,
    pub(crate) lacing: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl RawPage {
    pub(crate) fn new(sequence: u32, granule: u64) -> Self {
        Self {
            version: 0,
            flags: 0,
            granule,
            serial: SERIAL,
            sequence,
            lacing: vec![],
            body: vec![],
        }
    }

    pub(crate) fn continued(self) -> Self {
        Self { flags: self.flags | 1, ..self }
    }

    pub(crate) fn first(self) -> Self {
        Self { flags: self.flags | 2, ..self }
    }

    pub(crate) fn last(self) -> Self {
        Self { flags: self.flags | 4, ..self }
    }

    pub(crate) fn serial(self, serial: u32) -> Self {
        Self { serial, ..self }
    }

    /// Adds a packet that ends here, or its rest.
    pub(crate) fn packet(mut self, bytes: &[u8]) -> Self {
        self.lacing.extend(lacing(bytes.len()));
        self.body.extend_from_slice(bytes);
        self
    }

    /// Adds a piece of a packet that continues on the next page.
    pub(crate) fn piece(mut self, bytes: &[u8]) -> Self {
        assert_eq!(bytes.len() % 255, 0, "such a piece has only lacing values of 255");
        self.lacing.extend(std::iter::repeat_n(255, bytes.len() / 255));
        self.body.extend_from_slice(bytes);
        self
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = b"OggS".to_vec();
        bytes.extend([self.version, self.flags]);
        bytes.extend(self.granule.to_le_bytes());
        bytes.extend(self.serial.to_le_bytes());
        bytes.extend(self.sequence.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.push(u8::try_from(self.lacing.len()).expect("a page has at most 255 lacing values"));
        bytes.extend(&self.lacing);
        bytes.extend(&self.body);
        let checksum = checksum(&bytes);
        bytes[22..26].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }
}

/// An OpusHead packet: mono, with [`PRE_SKIP`].
pub(crate) fn head() -> Vec<u8> {
    OpusHead::new(1, PRE_SKIP, 48_000).expect("one channel is valid").to_bytes()
}

/// An OpusTags packet.
pub(crate) fn tags() -> Vec<u8> {
    OpusTags::new("tests", ["TITLE=x"]).as_bytes().to_vec()
}

/// A packet of 20 ms and of this many bytes, at most 1276.
pub(crate) fn packet_of(len: usize) -> Vec<u8> {
    let mut packet = vec![0x78];
    packet.extend((0..=u8::MAX).cycle().take(len - 1));
    packet
}

/// A packet of 20 ms, identified by its second byte.
pub(crate) fn nth(n: u8) -> Vec<u8> {
    vec![0x78, n, n, n]
}

/// A page with one such packet.
pub(crate) fn nth_page(sequence: u32, granule: u64, n: u8) -> RawPage {
    RawPage::new(sequence, granule).packet(&nth(n))
}

/// A valid stream of `count` such packets, each on a page of its own.
pub(crate) fn plain(count: u8) -> Vec<RawPage> {
    let page = |n| {
        let page = nth_page(2 + u32::from(n), 960 * (1 + u64::from(n)), n);
        if n + 1 == count { page.last() } else { page }
    };
    with_headers((0..count).map(page))
}

/// The same link with another serial number.
pub(crate) fn with_serial(pages: Vec<RawPage>, serial: u32) -> Vec<RawPage> {
    pages.into_iter().map(|page| page.serial(serial)).collect()
}

/// The header pages, 0 and 1.
pub(crate) fn header_pages() -> Vec<RawPage> {
    vec![RawPage::new(0, 0).first().packet(&head()), RawPage::new(1, 0).packet(&tags())]
}

/// The header pages, then these.
pub(crate) fn with_headers(audio: impl IntoIterator<Item = RawPage>) -> Vec<RawPage> {
    header_pages().into_iter().chain(audio).collect()
}

/// A page with one packet of 20 ms.
pub(crate) fn audio(sequence: u32, granule: u64) -> RawPage {
    RawPage::new(sequence, granule).packet(&packet_of(10))
}

/// A valid stream of three packets on five pages.
pub(crate) fn valid_pages() -> Vec<RawPage> {
    with_headers([audio(2, 960), audio(3, 1920), audio(4, 2880).last()])
}

pub(crate) fn to_stream(pages: &[RawPage]) -> Vec<u8> {
    pages.iter().flat_map(RawPage::to_bytes).collect()
}

/// Divides packets into pages. `page_segments` are the numbers of lacing values on the pages,
/// repeated. Granule positions begin at 0, and the last page is marked.
pub(crate) fn paginate(packets: &[packets::Packet], page_segments: &[usize]) -> Vec<RawPage> {
    let (mut audio, mut granule) = (vec![], 0);
    let mut limits = page_segments.iter().cycle().copied();
    let mut limit = limits.next().unwrap_or(255);
    let mut page = RawPage::new(2, NO_GRANULE);
    for (bytes, duration) in packets {
        let mut rest = bytes.as_slice();
        for value in lacing(bytes.len()) {
            if page.lacing.len() == limit {
                let next = RawPage::new(page.sequence + 1, NO_GRANULE);
                let goes_on = page.lacing.last() == Some(&255);
                audio.push(std::mem::replace(&mut page, next));
                page = if goes_on { page.continued() } else { page };
                limit = limits.next().unwrap_or(255);
            }
            let (segment, after) = rest.split_at(usize::from(value));
            page.lacing.push(value);
            page.body.extend_from_slice(segment);
            rest = after;
        }
        granule += u64::from(*duration);
        page.granule = granule;
    }
    audio.push(page.last());
    with_headers(audio)
}

/// Repairs the checksums of all adjacent pages from the start.
pub(crate) fn repair_checksums(stream: &mut [u8]) {
    let mut at = 0;
    while let Some(len) = page_len(&stream[at..]) {
        let page = &mut stream[at..at + len];
        page[22..26].fill(0);
        let checksum = checksum(page);
        page[22..26].copy_from_slice(&checksum.to_le_bytes());
        at += len;
    }
}

/// Returns one byte at a time, with an interruption before each.
pub(crate) struct Slow<'a> {
    bytes: &'a [u8],
    interrupted: bool,
}

impl<'a> Slow<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, interrupted: false }
    }
}

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(ErrorKind::Interrupted.into());
        }
        let len = buffer.len().min(1);
        self.bytes.read(&mut buffer[..len])
    }
}

fn page_len(bytes: &[u8]) -> Option<usize> {
    let count = bytes.get(26).filter(|_| bytes.starts_with(b"OggS"))?;
    let lacing = bytes.get(27..27 + usize::from(*count))?;
    let len = 27 + lacing.len() + lacing.iter().map(|&value| usize::from(value)).sum::<usize>();
    (len <= bytes.len()).then_some(len)
}

fn lacing(len: usize) -> Vec<u8> {
    let mut values = vec![255; len / 255];
    values.extend(u8::try_from(len % 255));
    values
}

/// The checksum of a page whose checksum field is zero: polynomial 0x04c11db7, not reflected,
/// starting from 0.
fn checksum(page: &[u8]) -> u32 {
    page.iter().fold(0, |sum, &byte| {
        let [top, ..] = u32::to_be_bytes(sum);
        (sum << 8) ^ TABLE[usize::from(top ^ byte)]
    })
}

static TABLE: LazyLock<[u32; 256]> = LazyLock::new(|| {
    let mut bytes = 0..=u8::MAX;
    std::array::from_fn(|_| bytes.next().map_or(0, |byte| divide(u32::from(byte) << 24)))
});

/// Divides one byte, bit by bit.
fn divide(byte: u32) -> u32 {
    (0..8).fold(byte, |sum, _| (sum << 1) ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 })
}
