use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use ogg_opus_demux::OggOpusWriter;
use opus_demux::{OpusStream, Streams};
use opus_packet::{PacketSource, SAMPLE_RATE, Timeline};
use opus_zarr_store::{
    BlobWriter, Description, Gap, RecordingName, Source, Start, Store, StoredAs,
};

use super::{
    record::{SERIAL, counts, first_last, last_first, record, targets, write_error},
    same::compare,
};
use crate::{
    Error, Finding, ImportOptions, Imported,
    error::Reason,
    origin::{Origin, Samples},
    progress::{Stage, Watch},
    source::{SourceFile, demux_error, file_len},
    survey::{Refusal, StreamSurvey, Survey},
};

/// A file with Opus that was read once from end to end.
pub(super) struct OpusFile<'a> {
    source: SourceFile,
    survey: Survey,
    options: &'a ImportOptions,
}

impl<'a> OpusFile<'a> {
    pub(super) fn survey(
        path: &Path,
        options: &'a ImportOptions,
        watch: &mut Watch<'_>,
    ) -> Result<Self, Refusal> {
        watch.begin(Stage::Survey, file_len(path)?)?;
        let is_given_up = &AtomicBool::new(false);
        // Both read the whole file and neither needs the other. A change in between shows when
        // the file is copied.
        let (source, survey) = thread::scope(|scope| {
            let hash = move || SourceFile::open(path, is_given_up);
            let hashing = thread::Builder::new().spawn_scoped(scope, hash);
            let survey = Survey::of(path, options, watch);
            is_given_up.store(survey.is_err(), Ordering::Relaxed);
            let source = hashing.ok().and_then(|hashing| hashing.join().ok());
            (source.unwrap_or_else(hash), survey)
        });
        let survey = survey?;
        Ok(Self { source: source?, survey, options })
    }

    pub(super) fn import(
        self,
        store: &Store,
        name: &RecordingName,
        watch: &mut Watch<'_>,
    ) -> Result<Imported, Error> {
        let path = self.source.path();
        let fault = |error| demux_error(path, error);
        let mut streams = Streams::open(path, &self.options.demuxing()).map_err(fault)?;
        let numbers = self.survey.streams.iter().map(|stream| stream.number);
        let sha256 = self.source.sha256();
        let targets =
            targets(name, numbers, store, path, self.options.replace, |stream, found| {
                compare(path, &sha256, Some(stream), self.options, found)
            })?;
        let (earlier, replaced) = counts(&targets);
        let (mut recordings, mut starts, mut of_start) = (Vec::new(), Vec::new(), Vec::new());
        for (target, stream) in first_last(targets.into_iter().zip(&self.survey.streams)) {
            let (options, exact) = (self.options, self.options.exact.unwrap_or(stream.has_silk));
            watch.measures_sync = exact;
            let recorded = record(path, store, target, exact, options, watch, |blob, watch| {
                let changed = || Error::from(Reason::SourceChanged { path: path.to_owned() });
                let found = streams.go_to(stream.number).or_else(|error| {
                    // The survey could read it, so it has most likely changed.
                    self.source.check_unchanged().and(Err(fault(error)))
                });
                let demuxer = found?.ok_or_else(changed)?;
                let (description, findings) = self.describe(stream, demuxer);
                of_start.extend(findings);
                watch.begin(Stage::Write, self.source.bytes)?;
                if self.survey.is_canonical {
                    self.source.copy_to(blob, watch)?;
                    Ok(description)
                } else {
                    self.remux(description, demuxer, blob, watch)
                }
            });
            let (recording, start) = recorded?;
            recordings.push(recording);
            starts.extend(start);
        }
        let recordings = last_first(recordings);
        let findings = self.survey.findings.into_iter().chain(of_start).collect();
        Ok(Imported { recordings, earlier, replaced, starts, findings })
    }

    /// Writes the packets of a stream as a canonical Ogg Opus stream.
    fn remux(
        &self,
        mut description: Description,
        demuxer: &mut OpusStream,
        blob: &mut BlobWriter,
        watch: &mut Watch<'_>,
    ) -> Result<Description, Error> {
        description.timeline =
            write_stream(demuxer, description.timeline, blob, self.source.path(), watch)?;
        clip(&mut description.gaps, description.timeline.coded_length());
        self.source.check_unchanged()?;
        Ok(description)
    }

    /// Describes a stream, before it is written, with findings about its start.
    fn describe(&self, stream: &StreamSurvey, demuxer: &OpusStream) -> (Description, Vec<Finding>) {
        let stored = if self.survey.is_canonical { StoredAs::Verbatim } else { StoredAs::Remuxed };
        let (head, tags) = (demuxer.head().clone(), demuxer.tags().clone());
        let path = self.source.path();
        let (start, findings) = start_of_stream(path, demuxer, self.options);
        let source = Source::of_file(path, stored)
            .content(self.source.bytes, self.source.sha256())
            .format(self.survey.container.name(), "opus")
            .stream(stream.number)
            .findings(stream.violations.clone());
        let description = Description::new(head, tags, stream.timeline, source)
            .gaps(stream.gaps.clone())
            .extensions(stream.extensions)
            .start(start);
        (description, findings)
    }
}

/// Returns when an import says that a stream with Opus began, from its comments and, if the stream
/// begins with the file, its name. The findings say what is doubtful about that.
pub fn start_of_stream(
    path: &Path,
    stream: &OpusStream,
    options: &ImportOptions,
) -> (Option<Start>, Vec<Finding>) {
    let comments: Vec<_> = stream.tags().comments().collect();
    let origin = origin(path, &comments, stream.begins_with_file(), options);
    let finding = |message| Finding { stream: stream.number(), is_violation: false, message };
    (origin.start, origin.findings.into_iter().map(finding).collect())
}

/// The same without findings, for a stream of which the comments are known.
pub(super) fn start(
    path: &Path,
    comments: &[impl AsRef<str>],
    begins_with_file: bool,
    options: &ImportOptions,
) -> Option<Start> {
    origin(path, comments, begins_with_file, options).start
}

fn origin(
    path: &Path,
    comments: &[impl AsRef<str>],
    begins_with_file: bool,
    options: &ImportOptions,
) -> Origin {
    let tags = comments.iter().filter_map(|comment| comment.as_ref().split_once('='));
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    let samples = Samples::of_rate(SAMPLE_RATE);
    Origin::of(&[], tags, &file_name, begins_with_file, samples, options)
}

/// Writes the packets of a stream and returns their timeline.
fn write_stream(
    demuxer: &mut OpusStream,
    timeline: Timeline,
    blob: &mut BlobWriter,
    path: &Path,
    watch: &mut Watch<'_>,
) -> Result<Timeline, Error> {
    let fault = |error| demux_error(path, error);
    let write_error = |reason| write_error(path, reason);
    // A source can trim more at the end than the last page that we write holds. Packets that do
    // not play at all are left out.
    let play_end = timeline.coded_length() - timeline.end_trim();
    let serial = demuxer.serial().unwrap_or(SERIAL);
    let mut writer =
        OggOpusWriter::new(blob, serial, demuxer.head(), demuxer.tags()).map_err(write_error)?;
    let mut coded_length = 0;
    while coded_length < play_end {
        let Some(packet) = demuxer.next_packet().map_err(fault)? else { break };
        coded_length += u64::from(packet.duration);
        writer.write(packet.data).map_err(write_error)?;
        watch.packet(packet.data.len(), packet.duration)?;
    }
    let end_trim = coded_length.saturating_sub(play_end);
    writer.finish(end_trim).map_err(write_error)?;
    Timeline::new(demuxer.head().pre_skip(), coded_length, end_trim)
        .map_err(|_| Error::from(Reason::SourceChanged { path: path.to_owned() }))
}

/// Leaves out what is lost beyond the end of a stream.
fn clip(gaps: &mut Vec<Gap>, coded_length: u64) {
    gaps.retain(|gap| gap.position < coded_length);
    for gap in gaps {
        gap.samples = gap.samples.min(coded_length - gap.position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_end_with_the_stream() {
        let mut gaps = vec![Gap::new(0, 960), Gap::new(1920, 960), Gap::new(2880, 960)];
        clip(&mut gaps, 2400);
        assert_eq!(gaps, [Gap::new(0, 960), Gap::new(1920, 480)]);
        clip(&mut gaps, 0);
        assert_eq!(gaps, []);
    }
}
