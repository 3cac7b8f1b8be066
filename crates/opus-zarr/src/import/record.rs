use std::path::Path;

use opus_segment_decode::LibopusDecoder;
use opus_zarr_store::{BlobWriter, Description, RecordingInfo, RecordingName, Store, StoredAs};

use super::same::Held;
use crate::{
    Error, Recording,
    derive::{index_blob, sync_map_of},
    error::Reason,
    progress::{Stage, Watch},
    source::copy_error,
};

/// A recording that is to be made.
pub(super) struct Target {
    name: RecordingName,
    /// Which stream of the file, counted from 1.
    pub(super) stream: u64,
    /// It was made by an earlier import.
    pub(super) earlier: Option<Recording>,
}

/// Makes a recording of a blob that `write` writes from a file; with a sync map, if it is to
/// be exact.
pub(super) fn record(
    path: &Path,
    store: &Store,
    target: Target,
    exact: bool,
    watch: &mut Watch<'_>,
    write: impl FnOnce(&mut BlobWriter, &mut Watch<'_>) -> Result<Description, Error>,
) -> Result<Recording, Error> {
    let name = &target.name;
    if let Some(mut recording) = target.earlier {
        if exact && recording.exactness().is_err() {
            recording.replace_sync(watch)?;
        }
        return Ok(recording);
    }
    let mut writer = store.create_recording(name)?;
    let mut blob = writer.blob()?;
    let description = write(&mut blob, watch)?;
    let blob = blob.finish()?;
    let source = &description.source;
    let is_the_file = blob.len() == source.bytes && blob.sha256() == source.sha256;
    if source.stored == StoredAs::Verbatim && !is_the_file {
        return Err(Error::from(Reason::SourceChanged { path: path.to_owned() }));
    }

    // The index is always made from the blob as it is stored, so that making it
    // again gives the same, and what was written has been read back once.
    watch.begin(Stage::Index, blob.len())?;
    let mut index = writer.index()?;
    let timeline = index_blob(blob.reader(), &mut index, name, watch)?;
    let index = index.finish()?;
    if timeline != Some(description.timeline) {
        let reason = "the blob has another timeline than the file";
        return Err(opus_zarr_store::Error::inconsistent(reason).into());
    }
    if exact {
        watch.begin(Stage::Sync, blob.len())?;
        let sync = sync_map_of(blob.reader(), &description.head, &description.source, name, watch)?;
        writer.write_sync(&sync, LibopusDecoder::identity().map_err(Reason::Decoder)?)?;
    }
    let reader = writer.commit(description, &blob, &index)?;
    Ok(Recording::new(reader))
}

/// Decides what to make of the streams of a file. `compare` says what a recording that has a name
/// already is to the stream.
pub(super) fn targets(
    name: &RecordingName,
    streams: impl Iterator<Item = u64>,
    store: &Store,
    path: &Path,
    mut compare: impl FnMut(u64, &RecordingInfo) -> Result<Held, Error>,
) -> Result<Vec<Target>, Error> {
    let mut targets = Vec::new();
    for (stream, number) in streams.zip(1u64..) {
        let name = match number {
            1 => name.clone(),
            _ => format!("{name}.{number}").parse().map_err(opus_zarr_store::Error::from)?,
        };
        targets.push(Target { name, stream, earlier: None });
    }
    for target in &mut targets {
        if !store.contains(&target.name)? {
            continue;
        }
        match Recording::open(store, target.name.as_str()) {
            Ok(found) => {
                match compare(target.stream, found.info())?.error(path, store, &target.name) {
                    None => target.earlier = Some(found),
                    Some(error) => return Err(error),
                }
            }
            // A damaged recording: writing it says that the name is taken.
            Err(_) => drop(store.create_recording(&target.name)?),
        }
    }
    Ok(targets)
}

/// The order in which the recordings of a file are made: with the first one last, it is there only
/// if all are.
pub(super) fn first_last<T>(of_streams: impl Iterator<Item = T>) -> Vec<T> {
    let mut made: Vec<T> = of_streams.collect();
    let first = made.len().min(1);
    made.rotate_left(first);
    made
}

/// The order of the streams again.
pub(super) fn last_first<T>(mut made: Vec<T>) -> Vec<T> {
    let last = made.len().min(1);
    made.rotate_right(last);
    made
}

pub(super) fn write_error(path: &Path, reason: ogg_opus_demux::Error) -> Error {
    match reason.into_io() {
        Ok(error) => copy_error(path, error),
        Err(reason) => Error::from(Reason::Remux { path: path.to_owned(), source: reason }),
    }
}

/// Serial number of streams that had none. Fixed, so that the same file gives the same
/// blob.
pub(super) const SERIAL: u32 = 1;
