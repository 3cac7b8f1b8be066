use std::path::Path;

use opus_packet::Timeline;
use opus_zarr_store::Gap;

use crate::{
    Error, Finding, ImportOptions,
    demuxer::{OpusStream, Streams},
    progress::Watch,
};

/// What a file holds: found by reading it once from end to end.
pub(crate) struct Survey {
    pub(crate) container: &'static str,
    /// The streams that are to be imported, in the order of the file.
    pub(crate) streams: Vec<StreamSurvey>,
    pub(crate) findings: Vec<Finding>,
    /// Whether the file is one Ogg Opus stream without any fault, in which every packet
    /// lies in one page: it can be the blob.
    pub(crate) is_canonical: bool,
}

/// What a stream holds.
pub(crate) struct StreamSurvey {
    /// Counted from 1 over all streams of the file.
    pub(crate) number: u64,
    pub(crate) timeline: Timeline,
    pub(crate) gaps: Vec<Gap>,
    /// What was wrong with it.
    pub(crate) violations: Vec<String>,
}

impl Survey {
    pub(crate) fn of(
        path: &Path,
        options: &ImportOptions,
        watch: &mut Watch<'_>,
    ) -> Result<Self, Error> {
        let mut streams = Streams::open(path, options)?;
        let container = streams.container_name();
        let mut survey = Self {
            container,
            streams: Vec::new(),
            findings: Vec::new(),
            is_canonical: container == "ogg",
        };
        let mut count = 0;
        while let Some(demuxer) = streams.next_stream()? {
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
        let mut coded_length = 0;
        loop {
            let packet = match demuxer.next_placed() {
                Ok(packet) => packet
                    .map(|(packet, is_in_page)| (packet.data.len(), packet.duration, is_in_page)),
                Err(reason) => return Err(Error::Source { path: path.to_owned(), reason }),
            };
            for remark in demuxer.remarks() {
                self.is_canonical &= remark.is_canonical;
                push(&mut gaps, remark.gap, MAX_GAPS);
                let line = remark.is_violation.then(|| remark.message.clone());
                push(&mut violations, line, MAX_LINES);
                let (is_violation, message) = (remark.is_violation, remark.message);
                let finding = Finding { stream: number, is_violation, message };
                push(&mut self.findings, Some(finding), MAX_FINDINGS);
            }
            let Some((bytes, duration, is_in_page)) = packet else { break };
            watch.packet(bytes, duration)?;
            coded_length += u64::from(duration);
            self.is_canonical &= is_in_page;
        }
        match demuxer.timeline().filter(|timeline| timeline.play_length() > 0) {
            Some(timeline) => {
                self.streams.push(StreamSurvey { number, timeline, gaps, violations });
            }
            None => {
                self.is_canonical = false;
                let pre_skip = demuxer.head().pre_skip();
                let message = format!(
                    "nothing to play: {coded_length} samples, {pre_skip} of them pre-skip; it becomes no recording"
                );
                self.findings.push(Finding { stream: number, is_violation: false, message });
            }
        }
        Ok(())
    }

    /// Keeps the stream that is asked for.
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
                Err(Error::NoSuchStream { path, asked, count })
            }
            asked => {
                let number = asked.unwrap_or(1);
                let silent = self.findings.iter().rfind(|finding| finding.stream == number);
                let reason = silent.map_or_else(String::new, |finding| finding.message.clone());
                Err(Error::NoAudio { path, stream: number, reason })
            }
        }
    }
}

/// Lists are bounded, whatever the file holds.
fn push<T>(list: &mut Vec<T>, item: Option<T>, limit: usize) {
    if list.len() < limit {
        list.extend(item);
    }
}

/// Of one import.
const MAX_FINDINGS: usize = 10_000;
/// Of one recording, in its attributes.
const MAX_GAPS: usize = 10_000;
const MAX_LINES: usize = 100;
