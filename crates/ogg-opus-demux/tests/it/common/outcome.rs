//! Reads a stream in every possible way and checks properties of all streams.

use std::num::NonZeroU8;

use ogg_opus_demux::{
    Buffered, CodedPos, Error, ErrorKind, Finding, FindingKind, Gap, Input, InvalidPage, Note,
    OggOpusReader, Options, OpusHead, Timeline,
};
use opus_packet::{Toc, multistream_duration};

use super::Slow;

/// Everything that a reader returns for a stream.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) links: Vec<LinkRead>,
    pub(crate) findings: Vec<Finding>,
}

/// Everything that a reader returns for a link.
#[derive(Debug, PartialEq)]
pub(crate) struct LinkRead {
    pub(crate) head: OpusHead,
    pub(crate) tags: Vec<u8>,
    pub(crate) serial: u32,
    pub(crate) tracks: usize,
    pub(crate) packets: Vec<Given>,
    pub(crate) timeline: Option<Timeline>,
}

/// A packet as the reader returned it.
#[derive(Debug, PartialEq)]
pub(crate) struct Given {
    pub(crate) data: Vec<u8>,
    pub(crate) duration: u64,
    pub(crate) position: u64,
    pub(crate) offset: Option<u64>,
    pub(crate) is_concealment: bool,
}

impl Outcome {
    /// The only link.
    #[track_caller]
    pub(crate) fn link(&self) -> &LinkRead {
        assert_eq!(self.links.len(), 1, "one link");
        &self.links[0]
    }

    /// The findings with their offsets.
    pub(crate) fn found(&self) -> Vec<(u64, FindingKind)> {
        self.findings.iter().map(|finding| (finding.offset, finding.kind.clone())).collect()
    }

    /// The story of the only link: see [`LinkRead::story`].
    #[track_caller]
    pub(crate) fn story(&self) -> String {
        self.link().story()
    }

    pub(crate) fn violations(&self) -> usize {
        self.findings.iter().filter(|finding| finding.is_violation()).count()
    }
}

impl LinkRead {
    /// Every packet with its position: a number is the second byte of a packet, a minus
    /// sign the duration of a concealment. `"0@0 -960@960 2@1920"`.
    pub(crate) fn story(&self) -> String {
        let words = self.packets.iter().map(|packet| {
            let name = if packet.is_concealment {
                format!("-{}", packet.duration)
            } else {
                packet.data.get(1).map(u8::to_string).unwrap_or_default()
            };
            format!("{name}@{}", packet.position)
        });
        words.collect::<Vec<_>>().join(" ")
    }

    /// Coded samples and end trim.
    #[track_caller]
    pub(crate) fn lengths(&self) -> (u64, u64) {
        let timeline = self.timeline.expect("something plays");
        (timeline.coded_length(), timeline.end_trim())
    }
}

/// Reads all links tolerantly, from memory and from readers, and strictly. The results must
/// agree: see [`check_strict`].
#[track_caller]
pub(crate) fn read(stream: &[u8]) -> Result<Outcome, Error> {
    read_track(stream, 0)
}

/// The same for another Opus stream.
#[track_caller]
pub(crate) fn read_track(stream: &[u8], track: usize) -> Result<Outcome, Error> {
    let tolerant = Options::default().track(track);
    let (outcome, error) = read_with(stream, tolerant);
    check_any(&outcome, error.as_ref(), stream);
    let same = |(other, other_error): (Outcome, Option<Error>)| {
        assert!(other == outcome, "{other:?}\n{outcome:?}");
        assert_eq!(text(other_error.as_ref()), text(error.as_ref()));
    };
    same(read_with(Buffered::new(stream), tolerant));
    if stream.len() < 100_000 {
        same(read_with(Buffered::new(Slow::new(stream)), tolerant));
    }
    check_strict(&outcome, error.as_ref(), stream, track);
    error.map_or(Ok(outcome), Err)
}

/// An expected finding.
pub(crate) fn at(offset: u64, kind: impl Into<FindingKind>) -> (u64, FindingKind) {
    (offset, kind.into())
}

/// An expected gap.
pub(crate) fn gap(offset: u64, position: u64, samples: u64) -> (u64, FindingKind) {
    at(offset, Note::Gap(Gap::new(CodedPos::new(position), samples)))
}

/// An expected skip.
pub(crate) fn skipped(offset: u64, bytes: u64, reason: InvalidPage) -> (u64, FindingKind) {
    (offset, FindingKind::Skipped { bytes, reason })
}

/// The outcome of a valid stream.
#[track_caller]
pub(crate) fn read_valid(stream: &[u8]) -> Outcome {
    let outcome = read(stream).expect("the stream is valid");
    assert_eq!(outcome.violations(), 0, "{:?}", outcome.findings);
    outcome
}

/// Everything that was read, and the error that ended it.
pub(crate) fn read_with<I: Input>(input: I, options: Options) -> (Outcome, Option<Error>) {
    let mut outcome = Outcome::default();
    let error = match OggOpusReader::with_options(input, options) {
        Ok(mut reader) => {
            let error = read_into(&mut outcome, &mut reader).err();
            outcome.findings.extend(reader.findings());
            error
        }
        Err(error) => Some(error),
    };
    (outcome, error)
}

fn read_into<I: Input>(outcome: &mut Outcome, reader: &mut OggOpusReader<I>) -> Result<(), Error> {
    loop {
        outcome.links.push(LinkRead {
            head: reader.head().clone(),
            tags: reader.tags().as_bytes().to_vec(),
            serial: reader.serial(),
            tracks: reader.tracks(),
            packets: vec![],
            timeline: None,
        });
        let link = outcome.links.last_mut().expect("it was pushed");
        while let Some(packet) = reader.next_located()? {
            let duration = u64::from(packet.duration);
            let is_more = packet.is_concealment && link.packets.len() > MOST_IN_DETAIL;
            if let Some(last) =
                link.packets.last_mut().filter(|last| is_more && last.is_concealment)
            {
                last.duration += duration;
                continue;
            }
            link.packets.push(Given {
                data: packet.data.to_vec(),
                duration,
                position: packet.position.get(),
                offset: packet.offset,
                is_concealment: packet.is_concealment,
            });
        }
        assert!(reader.next_located()?.is_none(), "the end stays the end");
        (link.head, link.tags) = (reader.head().clone(), reader.tags().as_bytes().to_vec());
        link.timeline = reader.timeline();
        if !reader.next_link()? {
            assert!(!reader.next_link()?, "the last link stays the last");
            return Ok(());
        }
    }
}

/// After this many packets, one entry stands for the rest of a gap.
const MOST_IN_DETAIL: usize = 2000;

/// Checks properties of all streams.
#[track_caller]
fn check_any(outcome: &Outcome, error: Option<&Error>, stream: &[u8]) {
    let mut bytes = 0;
    for link in &outcome.links {
        let streams = link.head.mapping().streams();
        let mut position = 0;
        for packet in &link.packets {
            check_packet(packet, streams, stream);
            assert_eq!(packet.position, position, "packets are contiguous");
            position += packet.duration;
            bytes += if packet.is_concealment { 0 } else { packet.data.len() };
        }
        check_concealment(link);
        if let Some(timeline) = link.timeline {
            assert_eq!(timeline.coded_length(), position);
            assert_eq!(timeline.pre_skip(), u64::from(link.head.pre_skip()));
        }
    }
    assert!(bytes <= stream.len(), "no byte is given out twice");
    let len = u64::try_from(stream.len()).expect("64 bits are enough");
    for finding in &outcome.findings {
        assert!(finding.offset <= len, "{finding}");
        assert_eq!(finding.to_string().lines().count(), 1, "{finding}");
    }
    assert!(text(error).lines().count() <= 1, "{error:?}");
}

#[track_caller]
fn check_packet(packet: &Given, streams: NonZeroU8, stream: &[u8]) {
    let duration = multistream_duration(&packet.data, streams).expect("a valid packet");
    let is_sum = packet.is_concealment && packet.duration > 5760;
    assert!(is_sum || u64::from(duration) == packet.duration);
    assert!(!packet.is_concealment || packet.offset.is_none());
    if let Some(offset) = packet.offset {
        let rest = usize::try_from(offset).ok().and_then(|offset| stream.get(offset..));
        assert!(rest.is_some_and(|rest| rest.starts_with(&packet.data)), "at its place");
    }
}

/// Checks that concealment has the frames of the packet before the loss, as long as they fit.
#[track_caller]
fn check_concealment(link: &LinkRead) {
    let mut before = None;
    for packet in link.packets.iter().filter(|_| link.head.mapping().streams().get() == 1) {
        let &toc = packet.data.first().expect("a valid packet");
        let kept = *before.get_or_insert(toc) & !3;
        let frame = u64::from(Toc::new(kept).frame_duration());
        if packet.is_concealment {
            assert!(packet.duration % frame != 0 || toc & !3 == kept, "{toc} for {kept}");
        } else {
            before = Some(toc);
        }
    }
}

/// A strict reader stops at the first violation, with the same message and after the same
/// packets. Without violations, it returns the same as a tolerant one.
#[track_caller]
fn check_strict(tolerant: &Outcome, error: Option<&Error>, stream: &[u8], track: usize) {
    let options = Options::default().strict(true).track(track);
    let (strict, strict_error) = read_with(stream, options);
    if strict_error.as_ref().is_some_and(|error| error.kind() == ErrorKind::NoOpus) {
        return;
    }
    let omitted = tolerant.findings.len() > 1000;
    match tolerant.findings.iter().find(|finding| finding.is_violation()) {
        Some(first) => {
            let (first, strict_error) = (first.to_string(), text(strict_error.as_ref()));
            assert!(!strict_error.is_empty() && first.starts_with(&strict_error), "{strict_error}");
        }
        None if error.is_none() => assert!(strict == *tolerant && strict_error.is_none()),
        None => assert!(omitted || strict_error.is_some(), "{error:?}"),
    }
    for (strict, tolerant) in strict.links.iter().zip(&tolerant.links) {
        assert!(tolerant.packets.starts_with(&strict.packets));
    }
}

fn text(error: Option<&Error>) -> String {
    error.map(ToString::to_string).unwrap_or_default()
}
