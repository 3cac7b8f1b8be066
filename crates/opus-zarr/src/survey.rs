use std::{num::NonZeroU8, path::Path};

use opus_demux::{Container, FindingKind, OpusStream, Streams, ogg};
use opus_packet::{ExtensionIds, Mode, OpusHead, Timeline, Toc, split_self_delimited};
use opus_segment_decode::LibopusDecoder;
use opus_zarr_store::Gap;

use crate::{Error, Finding, ImportOptions, error::Reason, progress::Watch, source::demux_error};

/// The content of a file, found by reading it once from end to end.
pub(crate) struct Survey {
    pub(crate) container: Container,
    /// The streams to import, in the order of the file.
    pub(crate) streams: Vec<StreamSurvey>,
    pub(crate) findings: Vec<Finding>,
    /// Those about other audio, which is left out if there is Opus to play.
    of_others: Vec<Finding>,
    /// Whether the file can be the blob: it is one Ogg Opus stream without problems, and no
    /// packet crosses a page.
    pub(crate) is_canonical: bool,
}

/// The content of a stream.
pub(crate) struct StreamSurvey {
    /// Counted from 1 over all streams of the file.
    pub(crate) number: u64,
    pub(crate) timeline: Timeline,
    pub(crate) gaps: Vec<Gap>,
    /// What its packets contain besides what libopus 1.3 decodes.
    pub(crate) extensions: ExtensionIds,
    /// Whether a packet is SILK or hybrid, and this decoder plays the stream.
    pub(crate) has_silk: bool,
    /// Its violations, one line each.
    pub(crate) violations: Vec<String>,
}

/// Why nothing of a file is imported as Opus.
pub(crate) struct Refusal {
    pub(crate) error: Error,
    /// What to report about its Opus if its other audio is imported; `None` if nothing can be read.
    pub(crate) of_opus: Option<Vec<Finding>>,
}

impl Survey {
    pub(crate) fn of(
        path: &Path,
        options: &ImportOptions,
        watch: &mut Watch<'_>,
    ) -> Result<Self, Refusal> {
        let refusal = |error| Refusal::of(path, options, error);
        let mut streams = Streams::open(path, &options.demuxing()).map_err(refusal)?;
        let container = streams.container();
        let mut survey = Self {
            container,
            streams: Vec::new(),
            findings: Vec::new(),
            of_others: Vec::new(),
            is_canonical: container == Container::Ogg,
        };
        let mut count = 0;
        loop {
            let demuxer = streams.next_stream().map_err(|error| match count {
                0 => refusal(error),
                _ => demux_error(path, error).into(),
            })?;
            let Some(demuxer) = demuxer else { break };
            count += 1;
            survey.read(count, demuxer, path, watch)?;
        }
        for found in streams.findings() {
            let finding = survey.note(count, &found);
            if let Some(last) = survey.streams.last_mut().filter(|last| last.number == count) {
                push(&mut last.violations, violation(&finding), MAX_LINES);
            }
        }
        survey.is_canonical &= count == 1;
        let is_certain = !survey.streams.is_empty() || options.stream.is_some();
        match survey.choose(options, count, path) {
            Ok(()) => Ok(survey),
            Err(error) if is_certain => Err(error.into()),
            Err(error) => {
                survey.findings.retain(|finding| !survey.of_others.contains(finding));
                Err(Refusal { error, of_opus: Some(survey.findings) })
            }
        }
    }

    /// Reads a stream to its end.
    fn read(
        &mut self,
        number: u64,
        demuxer: &mut OpusStream,
        path: &Path,
        watch: &mut Watch<'_>,
    ) -> Result<(), Error> {
        let (mut gaps, mut violations) = (Vec::new(), Vec::new());
        let (mut coded_length, mut extensions) = (0, ExtensionIds::default());
        let (mut has_silk, streams) = (false, demuxer.head().mapping().streams());
        loop {
            let packet = demuxer.next_located().map_err(|error| demux_error(path, error))?;
            let packet = packet.map(|packet| {
                has_silk = has_silk || is_silk(packet.data, streams);
                (packet.data.len(), packet.duration, packet.offset.is_some())
            });
            for found in demuxer.findings() {
                if let FindingKind::Extensions(found) = &found.kind {
                    extensions = found.ids;
                }
                push(&mut gaps, found.kind.gap().map(stored_gap), MAX_GAPS);
                let finding = self.note(number, &found);
                push(&mut violations, violation(&finding), MAX_LINES);
            }
            let Some((bytes, duration, is_in_page)) = packet else { break };
            watch.packet(bytes, duration)?;
            coded_length += u64::from(duration);
            self.is_canonical &= is_in_page;
        }
        has_silk = has_silk && is_playable(demuxer.head());
        match demuxer.timeline().filter(|timeline| timeline.play_length() > 0) {
            Some(timeline) => {
                self.streams.push(StreamSurvey {
                    number,
                    timeline,
                    gaps,
                    extensions,
                    has_silk,
                    violations,
                });
            }
            None => {
                self.is_canonical = false;
                let pre_skip = demuxer.head().pre_skip();
                self.findings.push(Finding::of_silent_stream(number, coded_length, pre_skip));
            }
        }
        Ok(())
    }

    /// Keeps a finding of the demuxer.
    fn note(&mut self, stream: u64, found: &opus_demux::Finding) -> Finding {
        self.is_canonical &= allows_canonical(&found.kind);
        let finding = Finding::of_stream(stream, found);
        push(&mut self.findings, Some(finding.clone()), MAX_FINDINGS);
        let of_others = found.kind.is_other_audio().then(|| finding.clone());
        push(&mut self.of_others, of_others, MAX_LINES);
        finding
    }

    /// Keeps the requested stream.
    fn choose(&mut self, options: &ImportOptions, count: u64, path: &Path) -> Result<(), Error> {
        if let Some(asked) = options.stream {
            self.streams.retain(|stream| stream.number == asked);
            self.findings.retain(|finding| finding.stream == asked);
        }
        if !self.streams.is_empty() {
            return Ok(());
        }
        let path = path.to_owned();
        match options.stream {
            Some(asked) if asked == 0 || asked > count => {
                Err(Error::from(Reason::NoSuchStream { path, asked, count }))
            }
            asked => {
                let number = asked.unwrap_or(1);
                let silent = self.findings.iter().rfind(|finding| finding.stream == number);
                let reason = silent.map_or_else(String::new, |finding| finding.message.clone());
                Err(Error::from(Reason::NoAudio { path, stream: number, reason }))
            }
        }
    }
}

impl Refusal {
    fn of(path: &Path, options: &ImportOptions, error: opus_demux::Error) -> Self {
        let of_opus = Finding::of_unusable_opus(&error, options);
        Self { error: demux_error(path, error), of_opus }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, of_opus: None }
    }
}

/// Whether a stream of a file has a packet that is SILK or hybrid, and this decoder plays it. Reads up
/// to the first such packet.
pub(crate) fn has_silk(
    path: &Path,
    options: &ImportOptions,
    number: u64,
    watch: &mut Watch<'_>,
) -> Result<bool, Error> {
    let fault = |error| demux_error(path, error);
    let mut streams = Streams::open(path, &options.demuxing()).map_err(fault)?;
    let Some(demuxer) = streams.go_to(number).map_err(fault)? else { return Ok(false) };
    if !is_playable(demuxer.head()) {
        return Ok(false);
    }
    let streams = demuxer.head().mapping().streams();
    while let Some(packet) = demuxer.next_located().map_err(fault)? {
        if is_silk(packet.data, streams) {
            return Ok(true);
        }
        watch.packet(packet.data.len(), packet.duration)?;
    }
    Ok(false)
}

/// Whether the decoder accepts the layout of the channels. Other recordings can be stored, but no
/// sync map can be measured.
fn is_playable(head: &OpusHead) -> bool {
    LibopusDecoder::unmixed(head).is_ok()
}

/// Whether a packet codes one of its streams with SILK, alone or in a hybrid.
fn is_silk(packet: &[u8], streams: NonZeroU8) -> bool {
    let mut rest = packet;
    for _ in 0..streams.get() {
        let Some(&toc) = rest.first() else { return false };
        if Toc::new(toc).mode() != Mode::Celt {
            return true;
        }
        rest = split_self_delimited(rest).map_or(&[], |(_, after)| after);
    }
    false
}

/// Returns whether a canonical Ogg Opus stream can have this finding.
fn allows_canonical(kind: &FindingKind) -> bool {
    use ogg::{FindingKind::Note, Note as Ogg};
    match kind {
        FindingKind::Extensions(_) => true,
        FindingKind::Ogg(Note(note)) => {
            matches!(
                note,
                Ogg::LiveStart { .. }
                    | Ogg::LiveJoin { .. }
                    | Ogg::LongTrim { .. }
                    | Ogg::NoLastPage
            )
        }
        _ => false,
    }
}

/// The line of a finding for the attributes of a recording.
fn violation(finding: &Finding) -> Option<String> {
    finding.is_violation.then(|| finding.message.clone())
}

fn stored_gap(gap: opus_demux::Gap) -> Gap {
    Gap::new(gap.position.get(), gap.samples).inferred(gap.is_inferred)
}

/// Adds an item to a list, which stays bounded whatever the file holds.
fn push<T>(list: &mut Vec<T>, item: Option<T>, limit: usize) {
    if list.len() < limit {
        list.extend(item);
    }
}

/// Limit for an import.
const MAX_FINDINGS: usize = 10_000;
/// Limits for the attributes of a recording.
const MAX_GAPS: usize = 10_000;
const MAX_LINES: usize = 100;
