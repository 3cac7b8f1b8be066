//! Reads an Ogg Opus stream in every way there is and checks what holds for any stream.

use std::num::NonZeroU8;

use ogg_opus_demux::{
    Buffered, Error, ErrorKind, Finding, FindingKind, Input, LocatedPacket, Note, OggOpusReader,
    Options, Violation,
};
use opus_packet::{Toc, multistream_duration, split_self_delimited};

use crate::pieces::Pieces;

/// The content of a stream up to its end or its first error.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) links: Vec<LinkRead>,
    concealed: u64,
    /// Whether the rest was not read because the concealment is too long.
    pub(crate) is_cut: bool,
    pub(crate) findings: Vec<Finding>,
    pub(crate) error: Option<String>,
    is_not_opus: bool,
}

/// What a reader returned of a link.
#[derive(Debug, PartialEq)]
pub(crate) struct LinkRead {
    pub(crate) serial: u32,
    pub(crate) packets: Vec<Given>,
}

/// A packet that a reader returned.
#[derive(Debug, PartialEq)]
pub(crate) struct Given {
    pub(crate) data: Vec<u8>,
    pub(crate) position: u64,
    pub(crate) offset: Option<u64>,
    pub(crate) is_concealment: bool,
    duration: u32,
    /// How many equal packets follow. Gaps can be long, and all their packets but the last are
    /// equal.
    repeats: u64,
}

/// Reads one of the multiplexed streams, tolerantly and strictly.
pub(crate) fn check(stream: &[u8], track: usize) -> (Outcome, Outcome) {
    let options = Options::default().track(track);
    let tolerant = read_both_ways(stream, options);
    let strict = read_both_ways(stream, options.strict(true));
    compare(&tolerant, &strict);
    (tolerant, strict)
}

pub(crate) fn is_other_stream(finding: &Finding) -> bool {
    matches!(
        finding.kind,
        FindingKind::Note(Note::OtherStream { .. } | Note::OtherTrack { .. })
            | FindingKind::Violation(Violation::ForeignPage { .. })
    )
}

/// Reads from memory and from a reader, which must make no difference.
fn read_both_ways(stream: &[u8], options: Options) -> Outcome {
    let whole = read(stream, stream, options);
    let in_pieces = read(Buffered::new(Pieces(stream, 61)), stream, options);
    assert!(whole == in_pieces, "{whole:?}\n{in_pieces:?}");
    whole
}

fn read(input: impl Input, stream: &[u8], options: Options) -> Outcome {
    let mut outcome = Outcome::default();
    let error = match OggOpusReader::with_options(input, options) {
        Ok(mut reader) => {
            let error = read_into(&mut outcome, &mut reader, stream).err();
            outcome.findings.extend(reader.findings());
            let kind = error.as_ref().map(Error::kind);
            let goes_on = matches!(kind, None | Some(ErrorKind::TooMuchLost));
            assert!(options.strict || goes_on, "a tolerant reader stopped at {error:?}");
            error
        }
        Err(error) => Some(error),
    };
    outcome.is_not_opus = error.as_ref().is_some_and(|error| error.kind() == ErrorKind::NoOpus);
    outcome.error = error.map(|error| error.to_string());
    assert!(outcome.error.iter().all(|text| text.lines().count() == 1), "{:?}", outcome.error);
    for finding in &outcome.findings {
        assert!(finding.offset <= stream.len() as u64, "{finding}");
        assert_eq!(finding.to_string().lines().count(), 1, "{finding}");
    }
    assert!(outcome.findings.len() <= 1001);
    outcome
}

/// Reads, and checks what holds for any stream.
fn read_into<I: Input>(
    outcome: &mut Outcome,
    reader: &mut OggOpusReader<I>,
    stream: &[u8],
) -> Result<(), Error> {
    let mut bytes = 0;
    loop {
        let mapping = reader.head().mapping().clone();
        assert!(mapping.coupled() <= mapping.streams().get());
        outcome.links.push(LinkRead { serial: reader.serial(), packets: vec![] });
        let mut link = CheckedLink::new(mapping.streams());
        while let Some(packet) = reader.next_located()? {
            link.check(&packet, stream);
            if packet.is_concealment {
                outcome.concealed += 1;
            } else {
                bytes += packet.data.len();
            }
            assert!(bytes < stream.len(), "a byte was returned twice");
            outcome.links.last_mut().expect("it was pushed").push(&packet);
            outcome.is_cut = outcome.concealed > MOST_CONCEALED;
            if outcome.is_cut {
                return Ok(());
            }
        }
        assert!(reader.next_located()?.is_none(), "packets after the end");
        if let Some(timeline) = reader.timeline() {
            let plays = timeline.pre_skip() + timeline.play_length() + timeline.end_trim();
            assert_eq!((timeline.coded_length(), plays), (link.position, link.position));
        }
        if !reader.next_link()? {
            return Ok(());
        }
    }
}

impl LinkRead {
    fn push(&mut self, packet: &LocatedPacket<'_>) {
        let is_same = |last: &&mut Given| {
            last.is_concealment && packet.is_concealment && last.data == packet.data
        };
        if let Some(last) = self.packets.last_mut().filter(is_same) {
            last.repeats += 1;
            return;
        }
        self.packets.push(Given {
            data: packet.data.to_vec(),
            position: packet.position.get(),
            offset: packet.offset,
            is_concealment: packet.is_concealment,
            duration: packet.duration,
            repeats: 0,
        });
    }
}

/// What the packets of a link add up to.
struct CheckedLink {
    streams: NonZeroU8,
    position: u64,
    /// The TOC bytes, one per Opus stream, of the last packet that is not concealment. Before the
    /// first packet, those of 20 ms of mono CELT: losses may follow invalid packets.
    before: Vec<u8>,
}

impl CheckedLink {
    fn new(streams: NonZeroU8) -> Self {
        Self { streams, position: 0, before: vec![0xf8; streams.get().into()] }
    }

    fn check(&mut self, packet: &LocatedPacket<'_>, stream: &[u8]) {
        let duration = multistream_duration(packet.data, self.streams);
        assert_eq!((duration, packet.position.get()), (Ok(packet.duration), self.position));
        self.position += u64::from(packet.duration);
        if packet.is_concealment {
            assert_eq!((packet.offset, packet.duration % 120), (None, 0));
            return self.check_concealment(packet);
        }
        self.before.clear();
        self.before.extend(tocs(packet.data, self.streams));
        if let Some(offset) = packet.offset {
            let offset = usize::try_from(offset).expect("it is in memory");
            assert!(stream[offset..].starts_with(packet.data));
        }
    }

    /// Its frames are empty, and like those of the packet before wherever these fit.
    fn check_concealment(&self, packet: &LocatedPacket<'_>) {
        assert!(packet.data.len() <= 3 * usize::from(self.streams.get()), "no frame has bytes");
        for (toc, &before) in tocs(packet.data, self.streams).zip(&self.before) {
            let fits = packet.duration.is_multiple_of(Toc::new(before).frame_duration());
            assert!(!fits || toc & !3 == before & !3, "{toc} for {before}");
        }
    }
}

/// Returns the TOC byte of each Opus stream in a packet.
fn tocs(packet: &[u8], streams: NonZeroU8) -> impl Iterator<Item = u8> {
    let mut rest = packet;
    (1..=streams.get()).map(move |stream| {
        let toc = rest[0];
        if stream < streams.get() {
            (_, rest) = split_self_delimited(rest).expect("a valid packet");
        }
        toc
    })
}

/// A strict reader stops at the first violation that a tolerant one reports, after the same
/// packets.
fn compare(tolerant: &Outcome, strict: &Outcome) {
    for (strict, tolerant) in strict.links.iter().zip(&tolerant.links) {
        assert_eq!(strict.serial, tolerant.serial);
        assert!(tolerant.packets.starts_with(&strict.packets), "{strict:?}\n{tolerant:?}");
    }
    let first = tolerant.findings.iter().find(|finding| finding.is_violation());
    if strict.is_not_opus || tolerant.is_cut || strict.is_cut {
        return;
    }
    match (first, &strict.error) {
        (Some(first), Some(error)) => assert!(first.to_string().starts_with(error), "{error}"),
        (None, None) => assert_eq!((tolerant, &tolerant.error), (strict, &None)),
        (Some(first), None) => panic!("the strict reader ignored {first}"),
        (None, Some(error)) => assert!(
            tolerant.error.is_some() || tolerant.findings.len() > 1000,
            "only strictly: {error}"
        ),
    }
}

/// Gaps may last for a day. This many concealed packets are enough.
const MOST_CONCEALED: u64 = 5000;
