//! Pages built by instruction, and what is true of their packets.

mod stream;

use std::collections::{HashMap, HashSet};

use opus_packet::{ChannelMapping, OpusHead, OpusTags, write_self_delimited};

use stream::Stream;

/// What the instructions have come to.
pub struct Builder<'a> {
    instructions: &'a [u8],
    bytes: Vec<u8>,
    streams: [Stream; 4],
    truth: Truth,
    /// What makes packets that pages may divide different from each other.
    number: u32,
}

/// What is known of the packets.
#[derive(Default)]
pub struct Truth {
    /// Those that one page holds, by where they lie.
    pub whole: HashMap<u64, Mark>,
    /// Those that pages divide, by stream and bytes.
    pub divided: HashMap<(u32, Vec<u8>), Mark>,
    /// Streams in which page numbers go back: a lost page can be hidden there.
    pub renumbered: HashSet<u32>,
    /// Where the pages begin. What was not built may look like one.
    pub pages: HashSet<u64>,
}

/// A packet.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub serial: u32,
    pub len: usize,
    /// True position of its first sample, lost packets included.
    pub start: u64,
    /// Times can be compared within an epoch: no granule position has jumped.
    pub epoch: u32,
    /// Whether its page has a granule position.
    pub is_told: bool,
    /// What losses before it have beyond multiples of 120, together.
    pub odd: u64,
    /// How long packets last that end after it on its page and are invalid, if any are.
    pub lost_after: Option<u64>,
    /// How much its page trims, if that is a last page.
    pub trim: Option<u64>,
}

/// What is on a page.
#[derive(Default)]
pub struct Body {
    lacing: Vec<u8>,
    bytes: Vec<u8>,
}

/// How a page is other than it should be.
#[derive(Clone, Copy)]
pub struct Quirk {
    kind: u8,
    amount: u8,
}

impl<'a> Builder<'a> {
    pub fn new(instructions: &'a [u8]) -> Self {
        Self {
            instructions,
            bytes: vec![],
            streams: Default::default(),
            truth: Truth::default(),
            number: 0,
        }
    }

    pub fn build(mut self) -> (Vec<u8>, Truth) {
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

    /// Writes a page; or none, if it is lost, or two.
    fn page(&mut self, flags: u8, number: usize, fill: impl Fn(&mut Self, &mut Body)) {
        let mut body = Body::default();
        fill(self, &mut body);
        body.lacing.truncate(255);
        let quirk = Quirk { kind: self.byte(), amount: self.byte() };
        let serial = number as u32;
        let (header, marks) =
            self.streams[number].page(serial, flags, &body, quirk, &mut self.truth);
        let copies = quirk.copies();
        if copies == 0 {
            return;
        }
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

    /// Anything that may lie on a page.
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

    /// A valid packet for the number of streams that the head has set.
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

    /// A packet, or the beginning of one, that is there only once.
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

    /// Of a packet that goes on, if the length is a multiple of 255.
    fn piece(&mut self, bytes: &[u8]) {
        self.lacing.extend(std::iter::repeat_n(255, bytes.len() / 255));
        self.bytes.extend_from_slice(bytes);
    }

    /// Of what the lacing values tell of: more of them than a page has are cut off.
    fn len(&self) -> usize {
        self.lacing.iter().map(|&value| usize::from(value)).sum()
    }

    /// The pieces of packets, where they begin, and whether they end.
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
