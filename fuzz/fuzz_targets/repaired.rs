//! Any bytes as instructions to build pages: whatever they say, the pages are well
//! formed, so that what is behind them is reached: page numbers, flags, granule
//! positions, chains, multiplexing, losses. (Checksums are not compared under a fuzzer.)

#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use ogg_opus_demux::{Buffered, Error, Finding, Input, OggOpusReader, Options, PageReader};
use opus_packet::{ChannelMapping, OpusHead, OpusTags, write_self_delimited};

fuzz_target!(|instructions: &[u8]| {
    let stream = Builder::new(instructions).stream();
    let mut reads = vec![];
    for options in [(false, 0), (false, 1), (true, 0)] {
        let options = Options { strict: options.0, track: options.1 };
        let whole = read(stream.as_slice(), options);
        let in_pieces = read(Buffered::new(Pieces(&stream)), options);
        assert!(whole == in_pieces, "{whole:?}\n{in_pieces:?}");
        reads.push(whole);
    }
    for (strict, tolerant) in reads[2].packets.iter().zip(&reads[0].packets) {
        assert_eq!(strict, tolerant, "the same up to the first violation");
    }
    check_pages(&stream);
    check_unread(&stream, &reads[0]);
});

/// What the instructions have come to.
struct Builder<'a> {
    instructions: &'a [u8],
    stream: Vec<u8>,
    streams: [Stream; 4],
}

/// A logical stream, as a muxer keeps it.
#[derive(Clone, Copy, Default)]
struct Stream {
    sequence: u32,
    granule: u64,
    is_open: bool,
    /// Opus streams in a packet, less one.
    more: u8,
}

#[derive(Default)]
struct Body {
    lacing: Vec<u8>,
    bytes: Vec<u8>,
    samples: u64,
}

impl<'a> Builder<'a> {
    fn new(instructions: &'a [u8]) -> Self {
        Self { instructions, stream: vec![], streams: Default::default() }
    }

    fn stream(mut self) -> Vec<u8> {
        if self.byte() & 7 != 7 {
            self.page(2, 0, |builder, body| body.push(&builder.head(0)));
            self.page(0, 0, |_, body| body.push(OpusTags::new("fuzz", ["A=b"]).as_bytes()));
        }
        while !self.instructions.is_empty() && self.stream.len() < 1 << 20 {
            let which = self.byte();
            if which == 255 {
                let junk = self.byte();
                let junk = self.take(junk.into()).to_vec();
                self.stream.extend(junk);
                continue;
            }
            let flags = if which & 0x30 == 0 { self.byte() & 6 } else { 0 };
            self.page(flags, usize::from(which & 3), |builder, body| {
                for _ in 0..(which >> 2) & 3 {
                    builder.packet(usize::from(which & 3), body);
                }
            });
        }
        let cut = usize::from(self.byte()).min(self.stream.len());
        self.stream.truncate(self.stream.len() - cut);
        self.stream
    }

    fn page(&mut self, flags: u8, number: usize, fill: impl Fn(&mut Self, &mut Body)) {
        let mut body = Body::default();
        let was_open = self.streams[number].is_open;
        fill(self, &mut body);
        let how = self.byte();
        let amount = u32::from(self.byte());
        let stream = &mut self.streams[number];
        match how & 15 {
            0 => stream.sequence = stream.sequence.wrapping_add(amount),
            1 => stream.sequence = stream.sequence.wrapping_sub(amount),
            2 => stream.sequence = amount.wrapping_sub(128),
            _ => {}
        }
        stream.granule = stream.granule.wrapping_add(body.samples);
        let amount = u64::from(amount);
        match how >> 4 {
            0 => stream.granule = stream.granule.wrapping_add(amount * 120),
            1 => stream.granule = stream.granule.wrapping_sub(amount),
            2 => stream.granule = (i64::MAX as u64).wrapping_sub(amount * 120),
            3 => stream.granule = amount << 56,
            4 => stream.granule = stream.granule.wrapping_add(amount << 25),
            _ => {}
        }
        let ends = body.lacing.iter().any(|&value| value < 255);
        let granule = match how >> 4 {
            5 => u64::MAX,
            6 => 0,
            _ if flags & 2 != 0 => 0,
            _ if !ends => u64::MAX,
            _ => stream.granule,
        };
        let continued = u8::from(was_open) ^ u8::from(how == 0xf7);
        stream.is_open = match body.lacing.last() {
            Some(&value) => value == 255,
            None => was_open,
        };
        self.stream.extend(b"OggS\0");
        self.stream.push(flags | continued);
        self.stream.extend(granule.to_le_bytes());
        self.stream.extend((number as u32).to_le_bytes());
        self.stream.extend(stream.sequence.to_le_bytes());
        stream.sequence = stream.sequence.wrapping_add(1);
        self.stream.extend([0; 4]);
        body.lacing.truncate(255);
        let len = body.lacing.iter().map(|&value| usize::from(value)).sum();
        self.stream.push(body.lacing.len() as u8);
        self.stream.extend(&body.lacing);
        self.stream.extend(&body.bytes[..len]);
    }

    /// Anything that may lie on a page.
    fn packet(&mut self, number: usize, body: &mut Body) {
        let kind = self.byte();
        match kind >> 4 {
            0 => {
                let head = self.head(number);
                body.push(&head);
            }
            1 => body.push(OpusTags::new("fuzz", ["TITLE=x"]).as_bytes()),
            2 => body
                .push([&b"\x80theora"[..], b"fishead\0", b"OpusHead", b""][usize::from(kind & 3)]),
            3 => {
                let bytes = self.take(usize::from(kind & 15) * 4).to_vec();
                body.push(&bytes);
            }
            4 => body.piece(1 + usize::from(kind & 15)),
            5 => body.piece(255),
            6 => body.push(&vec![0x78; 62_000]),
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
            _ => [&[toc][..], &vec![kind; usize::from(count) * 5]].concat(),
        };
        let Ok(samples) = opus_packet::duration(&packet) else { return body.push(&packet) };
        body.samples += u64::from(samples);
        let mut all = vec![];
        for _ in 0..self.streams[number].more {
            write_self_delimited(&packet, &mut all).expect("it is valid");
        }
        all.extend(packet);
        body.push(&all);
    }

    fn head(&mut self, number: usize) -> Vec<u8> {
        let (kind, value) = (self.byte(), self.byte());
        let mapping = match kind & 7 {
            0 => ChannelMapping::parse(1, 2, &[2, 0, 0, 1]),
            1 => ChannelMapping::parse(255, 3, &[3, 0, 0, 1, 255]),
            2 => ChannelMapping::parse(3, 1, &[1, 0, 0, 0]),
            _ => ChannelMapping::parse(0, 1 + (kind >> 3 & 1), &[]),
        };
        let mapping = mapping.expect("they are valid");
        self.streams[number].more = mapping.streams().get() - 1;
        let head = OpusHead::new(1, u16::from(value) * 20, 48_000).expect("one channel");
        let mut head = head.with_mapping(mapping).to_bytes();
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
        self.lacing.extend(std::iter::repeat_n(255, packet.len() / 255));
        self.lacing.push((packet.len() % 255) as u8);
        self.bytes.extend_from_slice(packet);
    }

    fn piece(&mut self, segments: usize) {
        self.lacing.extend(std::iter::repeat_n(255, segments));
        self.bytes.extend(std::iter::repeat_n(0x78, segments * 255));
    }
}

/// All that a reader gives, up to its end or its first error.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    /// Which link, the packet (none if it is concealment), duration, position.
    packets: Vec<(usize, Option<Vec<u8>>, u32, u64)>,
    links: usize,
    findings: Vec<Finding>,
    error: Option<String>,
}

fn read(input: impl Input, options: Options) -> Outcome {
    let mut outcome = Outcome::default();
    let error = match OggOpusReader::with_options(input, options) {
        Ok(mut reader) => {
            let error = read_into(&mut outcome, &mut reader).err();
            outcome.findings.extend(reader.findings());
            error
        }
        Err(error) => Some(error),
    };
    let allowed = options.strict
        || outcome.packets.is_empty()
        || matches!(error, None | Some(Error::GapTooLong { .. }));
    assert!(allowed, "a tolerant reader goes on in spite of {error:?}");
    outcome.error = error.map(|error| error.to_string());
    outcome
}

fn read_into<I: Input>(outcome: &mut Outcome, reader: &mut OggOpusReader<I>) -> Result<(), Error> {
    loop {
        let streams = reader.head().mapping().streams();
        outcome.links += 1;
        let mut position = 0;
        while let Some(packet) = reader.next_ogg_packet()? {
            let duration = opus_packet::multistream_duration(packet.data, streams);
            assert_eq!((duration, packet.position.get()), (Ok(packet.duration), position));
            position += u64::from(packet.duration);
            let data = (!packet.is_concealment).then(|| packet.data.to_vec());
            outcome.packets.push((outcome.links, data, packet.duration, packet.position.get()));
            if outcome.packets.len() > MOST_PACKETS {
                return Ok(());
            }
        }
        let timeline = reader.timeline();
        assert!(timeline.is_none_or(|timeline| timeline.coded_len() == position));
        if !reader.next_link()? {
            return Ok(());
        }
    }
}

/// Pages and what is skipped are all of the stream.
fn check_pages(stream: &[u8]) {
    let (mut pages, mut end) = (PageReader::from_slice(stream), 0);
    loop {
        let next =
            pages.next_page().expect("memory can be read").map(|(at, page)| (at, page.len()));
        if let Some(skipped) = pages.skipped() {
            assert_eq!(skipped.offset, end);
            end += skipped.bytes;
        }
        let Some((at, len)) = next else { break };
        assert_eq!(at, end);
        end += len as u64;
    }
    assert_eq!((pages.offset(), end), (stream.len() as u64, end));
    assert_eq!(end, stream.len() as u64);
}

/// Links that are passed over are as many as those that are read.
fn check_unread(stream: &[u8], read: &Outcome) {
    if read.error.is_some() || read.packets.len() > MOST_PACKETS {
        return;
    }
    let mut reader = OggOpusReader::from_slice(stream).expect("it was read before");
    let mut links = 1;
    while reader.next_link().expect("it was read before") {
        links += 1;
    }
    assert_eq!(links, read.links);
    assert!(reader.findings().eq(read.findings.iter().cloned()));
}

/// Gives few bytes at a time.
struct Pieces<'a>(&'a [u8]);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = buffer.len().min(61);
        self.0.read(&mut buffer[..len])
    }
}

/// A gap may last a day: enough of it has been looked at.
const MOST_PACKETS: usize = 5000;
