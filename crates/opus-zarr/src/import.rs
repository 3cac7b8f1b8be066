use std::{path::Path, thread};

use ogg_opus_demux::{OggOpusReader, OggOpusWriter, WriteError};
use opus_packet::Timeline;
use opus_segment_decode::LibopusDecoder;
use opus_zarr_store::{
    BlobReader, BlobWriter, Description, IndexWriter, RecordingName, Source, Store, StoredAs,
};

use crate::{
    Error, Finding, ImportOptions, Recording,
    demuxer::{Demuxer, Streams},
    recording::sync_map_of,
    source::{SourceFile, copy_error},
    survey::{StreamSurvey, Survey},
};

/// What an import made.
#[derive(Debug)]
pub struct Imported {
    /// The recordings, at least one, in the order of the streams in the file.
    pub recordings: Vec<Recording>,
    /// What there is to know about the file; of very many only the first.
    pub findings: Vec<Finding>,
}

/// Imports a file with Opus (Ogg, WebM, Matroska, MP4 or CAF, told by its content) into a
/// store that is made if there is none.
///
/// A file with several streams (tracks, links of a chain) becomes as many recordings:
/// `name`, `name.2`, `name.3` and so on. What is wrong with the file is reported, lost
/// audio is concealed so that time does not shift. Each recording appears complete, or
/// not at all. Memory does not grow with the file (by some 2 kB an hour of audio, for the
/// attributes; with MP4 by some 12 bytes a packet, for its tables).
pub fn import(
    path: impl AsRef<Path>,
    store: impl AsRef<Path>,
    name: &str,
) -> Result<Imported, Error> {
    import_with(path, store, name, &ImportOptions::default())
}

/// The same, with options.
pub fn import_with(
    path: impl AsRef<Path>,
    store: impl AsRef<Path>,
    name: &str,
    options: &ImportOptions,
) -> Result<Imported, Error> {
    let name: RecordingName = name.parse().map_err(opus_zarr_store::Error::from)?;
    // A file that cannot be imported makes no store.
    let surveyed = Surveyed::of(path.as_ref(), options)?;
    surveyed.import(&Store::open_or_create(store)?, &name, options)
}

/// The same, into a store that is open: in whatever storage it is kept.
pub fn import_into(
    path: impl AsRef<Path>,
    store: &Store,
    name: &str,
    options: &ImportOptions,
) -> Result<Imported, Error> {
    let name: RecordingName = name.parse().map_err(opus_zarr_store::Error::from)?;
    Surveyed::of(path.as_ref(), options)?.import(store, &name, options)
}

/// A file that has been read once from end to end.
struct Surveyed {
    source: SourceFile,
    survey: Survey,
}

impl Surveyed {
    fn of(path: &Path, options: &ImportOptions) -> Result<Self, Error> {
        // Each reads all of it, and neither needs the other. That it changes in between is
        // found when it is copied.
        let (source, survey) = thread::scope(|scope| {
            let hashing = thread::Builder::new().spawn_scoped(scope, || SourceFile::open(path));
            let survey = Survey::of(path, options);
            let source = hashing.ok().and_then(|hashing| hashing.join().ok());
            (source.unwrap_or_else(|| SourceFile::open(path)), survey)
        });
        Ok(Self { source: source?, survey: survey? })
    }

    fn import(
        self,
        store: &Store,
        name: &RecordingName,
        options: &ImportOptions,
    ) -> Result<Imported, Error> {
        let Self { source, survey } = self;
        let names = names(name, survey.streams.len(), store)?;
        let recordings = if survey.is_canonical {
            copy(&source, &survey, store, names, options)?
        } else {
            remux(&source, &survey, store, names, options)?
        };
        Ok(Imported { recordings, findings: survey.findings })
    }
}

impl Imported {
    /// The first recording: of most files the only one.
    ///
    /// # Panics
    ///
    /// Never, if `recordings` is as the import gave it.
    pub fn into_first(self) -> Recording {
        self.recordings.into_iter().next().expect("an import makes at least one recording")
    }
}

/// Writes a row for every packet of the blob; gives the timeline.
pub(crate) fn index_blob(
    blob: BlobReader<'_>,
    index: &mut IndexWriter,
    recording: &RecordingName,
) -> Result<Option<Timeline>, Error> {
    let fault = |reason| Error::Blob { recording: recording.clone(), reason };
    let inconsistent = |reason| opus_zarr_store::Error::Inconsistent { reason };
    let mut reader = OggOpusReader::strict(blob).map_err(fault)?;
    while let Some(packet) = reader.next_ogg_packet().map_err(fault)? {
        let offset = packet.offset.ok_or_else(|| {
            inconsistent(format!("the packet at coded sample {} crosses a page", packet.position))
        })?;
        let length = u64::try_from(packet.data.len()).unwrap_or(u64::MAX);
        index.push(offset, length, packet.duration)?;
    }
    let timeline = reader.timeline();
    if reader.next_link().map_err(fault)? {
        return Err(inconsistent("the blob holds a second stream".to_owned()).into());
    }
    Ok(timeline)
}

/// The names of so many recordings, none of which is taken.
fn names(name: &RecordingName, count: usize, store: &Store) -> Result<Vec<RecordingName>, Error> {
    let mut names = vec![name.clone()];
    for number in 2..=count {
        let name = format!("{name}.{number}").parse().map_err(opus_zarr_store::Error::from)?;
        names.push(name);
    }
    for name in &names {
        if store.contains(name)? {
            // The error is that of writing it.
            store.create_recording(name)?;
        }
    }
    Ok(names)
}

/// The file is the blob.
fn copy(
    source: &SourceFile,
    survey: &Survey,
    store: &Store,
    names: Vec<RecordingName>,
    options: &ImportOptions,
) -> Result<Vec<Recording>, Error> {
    let mut streams = Streams::new(source.path(), options)?;
    let mut recordings = Vec::new();
    for (name, stream) in names.into_iter().zip(&survey.streams) {
        let Some(demuxer) = streams.next_stream()? else { break };
        let description = describe(source, survey, stream, StoredAs::Verbatim, demuxer);
        recordings.push(record(source, store, name, options, |blob| {
            source.copy_to(blob)?;
            Ok(description)
        })?);
    }
    Ok(recordings)
}

/// The packets of each stream become a canonical Ogg Opus stream.
fn remux(
    source: &SourceFile,
    survey: &Survey,
    store: &Store,
    names: Vec<RecordingName>,
    options: &ImportOptions,
) -> Result<Vec<Recording>, Error> {
    let mut streams = Streams::new(source.path(), options)?;
    let mut recordings = Vec::new();
    let mut number = 0;
    for (name, stream) in names.into_iter().zip(&survey.streams) {
        while number < stream.number {
            number += 1;
            if streams.next_stream()?.is_none() {
                return Err(Error::SourceChanged { path: source.path().to_owned() });
            }
        }
        let Some(demuxer) = streams.current() else { break };
        let description = describe(source, survey, stream, StoredAs::Remuxed, demuxer);
        recordings.push(record(source, store, name, options, |blob| {
            let timeline = write_stream(demuxer, stream.timeline, blob, source)?;
            source.check_unchanged()?;
            Ok(Description { timeline, ..description })
        })?);
    }
    Ok(recordings)
}

/// Makes a recording of a blob that `write` writes.
fn record(
    source: &SourceFile,
    store: &Store,
    name: RecordingName,
    options: &ImportOptions,
    write: impl FnOnce(&mut BlobWriter) -> Result<Description, Error>,
) -> Result<Recording, Error> {
    let mut writer = store.create_recording(&name)?;
    let mut blob = writer.blob()?;
    let description = write(&mut blob)?;
    let blob = blob.finish()?;
    if description.source.stored == StoredAs::Verbatim {
        // The same bytes, so that they need not be hashed twice.
        source.check_copy(blob.len(), blob.sha256())?;
    }

    // The index is always made from the blob as it is stored, so that making it
    // again gives the same, and what was written has been read back once.
    let mut index = writer.index()?;
    let timeline = index_blob(blob.reader(), &mut index, &name)?;
    let index = index.finish()?;
    if timeline != Some(description.timeline) {
        let reason = "the blob has another timeline than the file".to_owned();
        return Err(opus_zarr_store::Error::Inconsistent { reason }.into());
    }
    if options.exact {
        let sync = sync_map_of(blob.reader(), &description.head, &name)?;
        writer.write_sync(&sync, LibopusDecoder::identity()?)?;
    }
    let reader = writer.commit(description, &blob, &index)?;
    Ok(Recording::new(reader))
}

/// Writes the packets of a stream; gives the timeline of what is written.
fn write_stream(
    demuxer: &mut Demuxer,
    timeline: Timeline,
    blob: &mut BlobWriter,
    source: &SourceFile,
) -> Result<Timeline, Error> {
    let fault = |reason| Error::Source { path: source.path().to_owned(), reason };
    let write_error = |reason| match reason {
        WriteError::Io { source: error } => copy_error(source.path(), error),
        reason => Error::Remux { path: source.path().to_owned(), reason },
    };
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
    }
    let end_trim = coded_len.saturating_sub(play_end);
    writer.finish(end_trim).map_err(write_error)?;
    Timeline::new(demuxer.head().pre_skip(), coded_len, end_trim)
        .map_err(|_| Error::SourceChanged { path: source.path().to_owned() })
}

fn describe(
    source: &SourceFile,
    survey: &Survey,
    stream: &StreamSurvey,
    stored: StoredAs,
    demuxer: &Demuxer,
) -> Description {
    Description {
        head: demuxer.head().clone(),
        tags: demuxer.tags().clone(),
        timeline: stream.timeline,
        gaps: stream.gaps.clone(),
        real_rate: None,
        start: None,
        source: Source {
            name: source.name(),
            bytes: source.bytes,
            sha256: source.sha256(),
            container: survey.container.to_owned(),
            codec: "opus".to_owned(),
            stored,
            stream: stream.number,
            findings: stream.violations.clone(),
            transcoding: None,
            metadata: Vec::new(),
        },
    }
}

/// Serial number of streams that had none. Fixed, so that the same file gives the same
/// blob.
const SERIAL: u32 = 1;
