use std::path::Path;

use opus_demux::{Container, FindingKind, OpusStream, Streams, ogg};
use opus_packet::{ExtensionIds, Timeline};
use opus_zarr_store::Gap;

use crate::{Error, Finding, ImportOptions, error::Reason, progress::Watch, source::demux_error};

/// The content of a file, found by reading it once from end to end.
pub(crate) struct Survey {
    pub(crate) container: Container,
    /// The streams to import, in the order of the file.
    pub(crate) streams: Vec<StreamSurvey>,
    pub(crate) findings: Vec<Finding>,
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
    /// Its violations, one line each.
    pub(crate) violations: Vec<String>,
}

impl Survey {
    pub(crate) fn of(
        path: &Path,
        options: &ImportOptions,
        watch: &mut Watch<'_>,
    ) -> Result<Self, Error> {
        let fault = |error| demux_error(path, error);
        let mut streams = Streams::open(path, &options.demuxing()).map_err(fault)?;
        let container = streams.container();
        let mut survey = Self {
            container,
            streams: Vec::new(),
            findings: Vec::new(),
            is_canonical: container == Container::Ogg,
        };
        let mut count = 0;
        while let Some(demuxer) = streams.next_stream().map_err(fault)? {
            count += 1;
            survey.read(count, demuxer, path, watch)?;
        }
        survey.is_canonical &= count == 1;
        survey.choose(options, count, path)?;
        Ok(survey)
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
        loop {
            let packet = demuxer.next_located().map_err(|error| demux_error(path, error))?;
            let packet =
                packet.map(|packet| (packet.data.len(), packet.duration, packet.offset.is_some()));
            for found in demuxer.findings() {
                self.is_canonical &= allows_canonical(&found.kind);
                if let FindingKind::Extensions(found) = &found.kind {
                    extensions = found.ids;
                }
                push(&mut gaps, found.kind.gap().map(stored_gap), MAX_GAPS);
                let finding = Finding::of_stream(number, &found);
                let line = finding.is_violation.then(|| finding.message.clone());
                push(&mut violations, line, MAX_LINES);
                push(&mut self.findings, Some(finding), MAX_FINDINGS);
            }
            let Some((bytes, duration, is_in_page)) = packet else { break };
            watch.packet(bytes, duration)?;
            coded_length += u64::from(duration);
            self.is_canonical &= is_in_page;
        }
        match demuxer.timeline().filter(|timeline| timeline.play_length() > 0) {
            Some(timeline) => {
                let stream = StreamSurvey { number, timeline, gaps, extensions, violations };
                self.streams.push(stream);
            }
            None => {
                self.is_canonical = false;
                let pre_skip = demuxer.head().pre_skip();
                let message = format!(
                    "nothing to play ({coded_length} samples, pre-skip {pre_skip}); not imported"
                );
                self.findings.push(Finding { stream: number, is_violation: false, message });
            }
        }
        Ok(())
    }

    /// Keeps the requested stream.
    fn choose(&mut self, options: &ImportOptions, count: u64, path: &Path) -> Result<(), Error> {
        if let Some(asked) = options.stream {
            self.streams.retain(|stream| stream.number == asked);
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

/// Returns whether a canonical Ogg Opus stream can have this finding.
fn allows_canonical(kind: &FindingKind) -> bool {
    use ogg::{FindingKind::Note, Note as Ogg};
    match kind {
        FindingKind::Extensions(_) => true,
        FindingKind::Ogg(Note(note)) => {
            matches!(note, Ogg::LiveStart { .. } | Ogg::LiveJoin { .. } | Ogg::NoLastPage)
        }
        _ => false,
    }
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
