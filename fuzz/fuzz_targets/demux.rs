//! Any bytes as an Ogg Opus stream, read tolerantly and strictly. Under a fuzzer
//! neither this demuxer nor the `ogg` crate compares checksums, so what lies behind
//! them is reached.

#![no_main]

use std::io::{Cursor, Read};

use libfuzzer_sys::fuzz_target;
use ogg::PacketReader;
use ogg_opus_demux::{
    Buffered, Error, Finding, FindingKind, Input, Note, OggOpusReader, Options, Violation,
};

fuzz_target!(|stream: &[u8]| {
    let strict = check(stream, 0);
    compare_with_second_opinion(stream, &strict);
    if strict.findings.iter().any(is_other_stream) {
        check(stream, 1);
    }
});

/// Reads one of the multiplexed streams, tolerantly and strictly.
fn check(stream: &[u8], track: usize) -> Outcome {
    let tolerant = read_both_ways(stream, Options { strict: false, track });
    let strict = read_both_ways(stream, Options { strict: true, track });
    compare(&tolerant, &strict);
    strict
}

fn is_other_stream(finding: &Finding) -> bool {
    matches!(
        finding.kind,
        FindingKind::Note(Note::OtherStream { .. })
            | FindingKind::Violation(Violation::ForeignPage { .. })
    )
}

/// What a stream holds up to its end or its first error.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    /// Of each link the packets, without those that stand for lost ones.
    links: Vec<Vec<Vec<u8>>>,
    concealed: u64,
    /// There is no end to the concealment: the rest was not read.
    is_cut: bool,
    findings: Vec<Finding>,
    error: Option<String>,
    is_not_opus: bool,
}

/// From memory and from a reader: how the bytes come makes no difference.
fn read_both_ways(stream: &[u8], options: Options) -> Outcome {
    let whole = read(stream, stream, options);
    let in_pieces = read(Buffered::new(Pieces(stream)), stream, options);
    assert!(whole == in_pieces, "{whole:?}\n{in_pieces:?}");
    whole
}

fn read(input: impl Input, stream: &[u8], options: Options) -> Outcome {
    let mut outcome = Outcome::default();
    match OggOpusReader::with_options(input, options) {
        Ok(mut reader) => {
            let result = read_into(&mut outcome, &mut reader, stream);
            outcome.findings.extend(reader.findings());
            outcome.end(result.err());
        }
        Err(error) => outcome.end(Some(error)),
    }
    for finding in &outcome.findings {
        assert!(finding.offset <= stream.len() as u64, "{finding}");
        assert_eq!(finding.to_string().lines().count(), 1, "{finding}");
    }
    assert!(outcome.findings.len() <= 1001);
    outcome
}

impl Outcome {
    fn end(&mut self, error: Option<Error>) {
        self.is_not_opus = matches!(error, Some(Error::NotOpus { .. }));
        self.error = error.as_ref().map(ToString::to_string);
        assert!(self.error.iter().all(|text| text.lines().count() == 1), "{error:?}");
    }
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
        outcome.links.push(vec![]);
        let mut position = 0;
        while let Some(packet) = reader.next_ogg_packet()? {
            assert_eq!(packet.position.get(), position);
            position += u64::from(packet.duration);
            if packet.is_concealment {
                outcome.concealed += 1;
                assert_eq!((packet.offset, packet.duration % 120), (None, 0));
                outcome.is_cut = outcome.concealed > MOST_CONCEALED;
                if outcome.is_cut {
                    return Ok(());
                }
                continue;
            }
            if let Some(offset) = packet.offset {
                assert!(stream[usize::try_from(offset).unwrap()..].starts_with(packet.data));
            }
            bytes += packet.data.len();
            assert!(bytes < stream.len(), "no byte is given out twice");
            outcome.links.last_mut().unwrap().push(packet.data.to_vec());
        }
        assert!(reader.next_ogg_packet()?.is_none(), "the end stays the end");
        if let Some(timeline) = reader.timeline() {
            assert_eq!(timeline.coded_len(), position);
            let plays = timeline.pre_skip() + timeline.play_len() + timeline.end_trim();
            assert_eq!(plays, position);
        }
        if !reader.next_link()? {
            return Ok(());
        }
    }
}

/// A strict reader stops at the first violation that a tolerant one reports, after the
/// same packets.
fn compare(tolerant: &Outcome, strict: &Outcome) {
    for (strict, tolerant) in strict.links.iter().zip(&tolerant.links) {
        assert!(tolerant.starts_with(strict));
    }
    let first = tolerant.findings.iter().find(|finding| finding.is_violation());
    if strict.is_not_opus || tolerant.is_cut || strict.is_cut {
        return;
    }
    match (first, &strict.error) {
        (Some(first), Some(error)) => assert!(first.to_string().starts_with(error), "{error}"),
        (None, None) => assert_eq!((tolerant, &tolerant.error), (strict, &None)),
        (Some(first), None) => panic!("strictly read in spite of {first}"),
        (None, Some(error)) => assert!(
            tolerant.error.is_some() || tolerant.findings.len() > 1000,
            "only strictly: {error}"
        ),
    }
}

/// As far as the strict reader has read the first link, the `ogg` crate reads the same,
/// but for what that does not know: multiplexing, and joining a live stream.
fn compare_with_second_opinion(stream: &[u8], strict: &Outcome) {
    let is_unknown = |finding: &Finding| {
        is_other_stream(finding) || matches!(finding.kind, FindingKind::Note(Note::LiveJoin { .. }))
    };
    let Some(packets) = strict.links.first() else { return };
    if strict.is_cut || strict.findings.iter().any(is_unknown) {
        return;
    }
    let mut reader = PacketReader::new(Cursor::new(stream));
    let second = std::iter::from_fn(|| {
        let packet = reader.read_packet().expect("the strict reader accepts it");
        packet.map(|packet| packet.data)
    });
    assert!(second.skip(2).take(packets.len()).eq(packets.iter().cloned()));
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
const MOST_CONCEALED: u64 = 20_000;
