//! Builds pages by instructions and knows what is true of their packets.

mod stream;

use std::collections::{HashMap, HashSet};

use opus_packet::{ChannelMapping, OpusHead, OpusTags, write_self_delimited};

use self::stream::Stream;
use crate::checksum;

/// The stream so far.
pub(crate) struct Builder<'a> {
    instructions: &'a [u8],
    bytes: Vec<u8>,
    streams: [Stream; 4],
    truth: Truth,
    /// Makes each packet that pages may divide unique.
    number: u32,
}

/// What is true of the packets.
#[derive(Default)]
pub(crate) struct Truth {
    /// Packets within one page, by offset.
    pub(crate) whole: HashMap<u64, Mark>,
    /// Packets across pages, by stream and bytes.
    pub(crate) divided: HashMap<(u32, Vec<u8>), Mark>,
    /// Streams whose page numbers go back, which can hide a lost page.
    pub(crate) renumbered: HashSet<u32>,
    /// Where the pages begin. Other bytes may look like a page.
    pub(crate) pages: HashSet<u64>,
}

/// A packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) serial: u32,
    pub(crate) len: usize,
    /// The true position of its first sample, including lost packets.
    pub(crate) start: u64,
    /// Times are comparable within an epoch, in which no granule position jumped.
    pub(crate) epoch: u32,
    /// Whether its page has a granule position.
    pub(crate) is_told: bool,
    /// The sum of what the losses before it exceed multiples of 120 by.
    pub(crate) odd: u64,
    /// The duration of invalid packets that end after it on its page, if any.
    pub(crate) lost_after: Option<u64>,
    /// How much its page trims, if it is a last page.
    pub(crate) trim: Option<u64>,
}

/// The content of a page.
#[derive(Default)]
pub(crate) struct Body {
    lacing: Vec<u8>,
    bytes: Vec<u8>,
}

/// How a page deviates from what it should be.
#[derive(Clone, Copy)]
pub(crate) struct Quirk {
    kind: u8,
    amount: u8,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(instructions: &'a [u8]) -> Self {
        Self {
            instructions,
            bytes: vec![],
            streams: Default::default(),
            truth: Truth::default(),
            number: 0,
        }
    }

    pub(crate) fn build(mut self) -> (Vec<u8>, Truth) {
        if self.byte() & 7 != 7 {
            self.page(2, 0, |builder, body| body.push(&builder.head()));
            self.page(0, 0, |_, body| body.push(OpusTags::new("fuzz", ["A=b"]).as_bytes()));
        }
        while !self.instructions.is_empty() && self.bytes.len() < 1 << 20 {
            let which = self.byte();
            if which == 255 {
                let junk = self.byte();
                let junk = self.take(junk.into());
                self.bytes.extend(junk);
                continue;
            }
            let flags = if which & 0x30 == 0 { self.byte() & 6 } else { 0 };
            self.page(flags, usize::from(which & 3), |builder, body| {
                for _ in 0..(which >> 2) & 3 {
                    builder.packet(usize::from(which & 3), body);
                }
            });
        }
        let cut = usize::from(self.byte()).min(self.bytes.len());
        self.bytes.truncate(self.bytes.len() - cut);
        (self.bytes, self.truth)
    }

    /// Writes a page, or none if it is lost, or two.
    fn page(&mut self, flags: u8, number: usize, fill: impl Fn(&mut Self, &mut Body)) {
        let mut body = Body::default();
        fill(self, &mut body);
        body.lacing.truncate(255);
        let quirk = Quirk { kind: self.byte(), amount: self.byte() };
        let serial = number as u32;
        let (mut header, marks) =
            self.streams[number].page(serial, flags, &body, quirk, &mut self.truth);
        let copies = quirk.copies();
        if copies == 0 {
            return;
        }
        checksum::set(&mut header, &body.bytes[..body.len()]);
        let start = self.bytes.len() + header.len();
        for (place, data, mark) in marks {
            match place {
                Some(place) => drop(self.truth.whole.insert((start + place) as u64, mark)),
                None => drop(self.truth.divided.insert((serial, data), mark)),
            }
        }
        for _ in 0..copies {
            self.truth.pages.insert(self.bytes.len() as u64);
            self.bytes.extend(&header);
            self.bytes.extend(&body.bytes[..body.len()]);
        }
    }

    /// Appends anything that may be on a page.
    fn packet(&mut self, number: usize, body: &mut Body) {
        let kind = self.byte();
        match kind >> 4 {
            0 => body.push(&self.head()),
            1 => body.push(OpusTags::new("fuzz", ["TITLE=x"]).as_bytes()),
            2 => body
                .push([&b"\x80theora"[..], b"fishead\0", b"OpusHead", b""][usize::from(kind & 3)]),
            3 => body.push(self.take(usize::from(kind & 15) * 4)),
            4 => body.piece(&self.filler(0x78, 255 * (1 + usize::from(kind & 15)))),
            5 => body.piece(&self.filler(0x78, 255 * 255)),
            6 => body.push(&self.filler(0x78, 62_000)),
            _ => self.audio(number, kind, body),
        }
    }

    /// Appends a valid packet for the number of Opus streams in the head.
    fn audio(&mut self, number: usize, kind: u8, body: &mut Body) {
        let toc = self.byte();
        let count = self.byte();
        let packet = match (toc & 3, kind & 8) {
            (3, _) => vec![toc, count],
            (1, _) => vec![toc, 1, 1],
            (2, _) => vec![toc, 0],
            (_, 0) => vec![toc],
            _ => self.filler(toc, 1 + usize::from(count) * 5),
        };
        if opus_packet::duration(&packet).is_err() {
            return body.push(&packet);
        }
        let mut all = vec![];
        for _ in 1..self.streams[number].count().get() {
            write_self_delimited(&packet, &mut all).expect("it is valid");
        }
        all.extend(packet);
        body.push(&all);
    }

    /// Returns a unique packet, or the beginning of one.
    fn filler(&mut self, toc: u8, len: usize) -> Vec<u8> {
        self.number += 1;
        let rest = self.number.to_le_bytes().into_iter().chain(std::iter::repeat(0x78));
        std::iter::once(toc).chain(rest).take(len).collect()
    }

    fn head(&mut self) -> Vec<u8> {
        let (kind, value) = (self.byte(), self.byte());
        let mapping = match kind & 7 {
            0 => ChannelMapping::parse(1, 2, &[2, 0, 0, 1]),
            1 => ChannelMapping::parse(255, 3, &[3, 0, 0, 1, 255]),
            2 => ChannelMapping::parse(3, 1, &[1, 0, 0, 0]),
            _ => ChannelMapping::parse(0, 1 + (kind >> 3 & 1), &[]),
        };
        let head = OpusHead::new(1, u16::from(value) * 20, 48_000).expect("one channel");
        let mut head = head.with_mapping(mapping.expect("they are valid")).to_bytes();
        if kind >> 4 == 1 {
            head[8..12].copy_from_slice(&[value, kind, value, kind]);
        }
        head
    }

    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0x70)
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.instructions.split_at(count.min(self.instructions.len()));
        self.instructions = rest;
        taken
    }
}

impl Body {
    fn push(&mut self, packet: &[u8]) {
        self.piece(packet);
        self.lacing.push((packet.len() % 255) as u8);
    }

    /// Appends the beginning of a packet, which continues if the length is a multiple of 255.
    fn piece(&mut self, bytes: &[u8]) {
        self.lacing.extend(std::iter::repeat_n(255, bytes.len() / 255));
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the number of bytes that the lacing values cover, of which a page has at most 255.
    fn len(&self) -> usize {
        self.lacing.iter().map(|&value| usize::from(value)).sum()
    }

    /// Returns the pieces of packets, with where they begin and whether the packet ends.
    fn pieces(&self) -> impl Iterator<Item = (usize, &[u8], bool)> {
        let mut start = 0;
        self.lacing.split_inclusive(|&value| value < 255).map(move |lacing| {
            let end = start + lacing.iter().map(|&value| usize::from(value)).sum::<usize>();
            let at = std::mem::replace(&mut start, end);
            (at, &self.bytes[at..end], lacing.last().is_some_and(|&value| value < 255))
        })
    }
}

impl Quirk {
    fn copies(self) -> usize {
        match self.kind & 15 {
            3 => 0,
            4 => 2,
            _ => 1,
        }
    }
}
