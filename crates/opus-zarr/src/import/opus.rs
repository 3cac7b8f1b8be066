use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use ogg_opus_demux::OggOpusWriter;
use opus_packet::{OpusTags, PacketSource, SAMPLE_RATE, Timeline};
use opus_zarr_store::{BlobWriter, Description, RecordingName, Source, Start, Store, StoredAs};

use super::record::{SERIAL, names, record, write_error};
use crate::{
    Error, ImportOptions, Imported,
    demuxer::{OpusStream, Streams},
    origin::Origin,
    progress::{ImportStage, Watch},
    source::{SourceFile, file_len},
    survey::{StreamSurvey, Survey},
};

/// A file with Opus that has been read once from end to end.
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
    ) -> Result<Self, Error> {
        watch.begin(ImportStage::Survey, file_len(path)?)?;
        let is_given_up = &AtomicBool::new(false);
        // Each reads all of it, and neither needs the other. That it changes in between is
        // found when it is copied.
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
        let mut streams = Streams::open(self.source.path(), self.options)?;
        let mut recordings = Vec::new();
        let mut number = 0;
        let names = names(name, self.survey.streams.len(), store)?;
        for (name, stream) in names.iter().zip(&self.survey.streams) {
            while number < stream.number {
                number += 1;
                if streams.next_stream()?.is_none() {
                    return Err(Error::SourceChanged { path: self.source.path().to_owned() });
                }
            }
            let Some(demuxer) = streams.current() else { break };
            let path = self.source.path();
            recordings.push(record(
                path,
                store,
                name,
                self.options.exact.unwrap_or(false),
                watch,
                |blob, watch| {
                    watch.begin(ImportStage::Write, self.source.bytes)?;
                    match self.survey.is_canonical {
                        true => self.copy(stream, demuxer, blob, watch),
                        false => self.remux(stream, demuxer, blob, watch),
                    }
                },
            )?);
        }
        Ok(Imported { recordings, findings: self.survey.findings })
    }

    /// The file is the blob.
    fn copy(
        &self,
        stream: &StreamSurvey,
        demuxer: &OpusStream,
        blob: &mut BlobWriter,
        watch: &mut Watch<'_>,
    ) -> Result<Description, Error> {
        self.source.copy_to(blob, watch)?;
        Ok(self.describe(stream, StoredAs::Verbatim, demuxer))
    }

    /// The packets of a stream become a canonical Ogg Opus stream.
    fn remux(
        &self,
        stream: &StreamSurvey,
        demuxer: &mut OpusStream,
        blob: &mut BlobWriter,
        watch: &mut Watch<'_>,
    ) -> Result<Description, Error> {
        let description = self.describe(stream, StoredAs::Remuxed, demuxer);
        let timeline = write_stream(demuxer, stream.timeline, blob, self.source.path(), watch)?;
        self.source.check_unchanged()?;
        Ok(Description { timeline, ..description })
    }

    /// As far as its name and tags say it.
    fn start(&self, tags: &OpusTags) -> Option<Start> {
        let comments: Vec<_> = tags.comments().collect();
        let tags = comments.iter().filter_map(|comment| comment.split_once('='));
        Origin::of(&[], tags, &self.source.name(), SAMPLE_RATE, self.options).start
    }

    fn describe(
        &self,
        stream: &StreamSurvey,
        stored: StoredAs,
        demuxer: &OpusStream,
    ) -> Description {
        Description {
            head: demuxer.head().clone(),
            tags: demuxer.tags().clone(),
            timeline: stream.timeline,
            gaps: stream.gaps.clone(),
            real_rate: None,
            start: self.start(demuxer.tags()),
            source: Source {
                name: self.source.name(),
                bytes: self.source.bytes,
                sha256: self.source.sha256(),
                container: self.survey.container.to_owned(),
                codec: "opus".to_owned(),
                stored,
                stream: stream.number,
                findings: stream.violations.clone(),
                transcoding: None,
                metadata: Vec::new(),
            },
        }
    }
}

/// Writes the packets of a stream; gives the timeline of what is written.
fn write_stream(
    demuxer: &mut OpusStream,
    timeline: Timeline,
    blob: &mut BlobWriter,
    path: &Path,
    watch: &mut Watch<'_>,
) -> Result<Timeline, Error> {
    let fault = |reason| Error::Source { path: path.to_owned(), reason };
    let write_error = |reason| write_error(path, reason);
    // Outside Ogg more may be trimmed at the end than a page holds. What does not play
    // at all is left out.
    let play_end = timeline.coded_len() - timeline.end_trim();
    let end = if demuxer.serial().is_some() { timeline.coded_len() } else { play_end };
    let serial = demuxer.serial().unwrap_or(SERIAL);
    let mut writer =
        OggOpusWriter::new(blob, serial, demuxer.head(), demuxer.tags()).map_err(write_error)?;
    let mut coded_len = 0;
    while coded_len < end {
        let Some(packet) = demuxer.next_packet().map_err(fault)? else { break };
        coded_len += u64::from(packet.duration);
        writer.write(packet.data).map_err(write_error)?;
        watch.packet(packet.data.len(), packet.duration)?;
    }
    let end_trim = coded_len.saturating_sub(play_end);
    writer.finish(end_trim).map_err(write_error)?;
    Timeline::new(demuxer.head().pre_skip(), coded_len, end_trim)
        .map_err(|_| Error::SourceChanged { path: path.to_owned() })
}
