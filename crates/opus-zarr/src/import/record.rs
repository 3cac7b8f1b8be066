use std::path::Path;

use opus_zarr_store::{
    BlobWriter, Description, RecordingInfo, RecordingName, Start, Store, StoredAs,
};

use super::{StartChange, exact::has_current_sync, notes::add_notes, same::Held};
use crate::{
    Error, ImportOptions, Recording,
    derive::{SyncMap, construction, index_blob},
    error::Reason,
    progress::{Stage, Watch},
    source::copy_error,
};

/// A recording to write.
pub(super) struct Target {
    name: RecordingName,
    /// The stream of the file, counted from 1.
    pub(super) stream: u64,
    /// The recording that an earlier import wrote.
    pub(super) earlier: Option<Recording>,
    /// The start that it gets, if this import finds another.
    start: Option<Start>,
    /// Whether it takes the place of another one.
    replaces: bool,
}

/// How many recordings an earlier import wrote, and how many are replaced.
pub(super) fn counts(targets: &[Target]) -> (usize, usize) {
    let count = |is: fn(&Target) -> bool| targets.iter().filter(|target| is(target)).count();
    (count(|target| target.earlier.is_some()), count(|target| target.replaces))
}

/// Writes a recording whose blob `write` writes from a file, with a sync map if `exact`. Also returns how
/// the start of an earlier one changed.
pub(super) fn record(
    path: &Path,
    store: &Store,
    target: Target,
    exact: bool,
    options: &ImportOptions,
    watch: &mut Watch<'_>,
    write: impl FnOnce(&mut BlobWriter, &mut Watch<'_>) -> Result<Description, Error>,
) -> Result<(Recording, Option<StartChange>), Error> {
    let (name, threads) = (&target.name, options.transcode.threads);
    if let Some(mut recording) = target.earlier {
        if exact && !has_current_sync(recording.info()) {
            recording.replace_sync(threads, watch)?;
        }
        add_notes(&mut recording, &options.notes)?;
        let start = target.start.map(|start| StartChange::make(&mut recording, start));
        return Ok((recording, start.transpose()?));
    }
    let mut writer = match target.replaces {
        true => store.replace_recording(name)?,
        false => store.create_recording(name)?,
    };
    let mut blob = writer.blob()?;
    let description = write(&mut blob, watch)?.user(options.notes.clone());
    let blob = blob.finish()?;
    let source = &description.source;
    let is_the_file = blob.len() == source.bytes && blob.sha256() == source.sha256;
    if source.stored == StoredAs::Verbatim && !is_the_file {
        return Err(Error::from(Reason::SourceChanged { path: path.to_owned() }));
    }

    // Building the index from the stored blob makes it reproducible, and reads back everything
    // that was written.
    watch.begin(Stage::Index, blob.len())?;
    let mut index = writer.index()?;
    let mut sync = construction(&description.source, &description.head).filter(|_| exact);
    let timeline = index_blob(blob.reader(), &mut index, sync.as_mut(), name, watch)?;
    let index = index.finish()?;
    if timeline != Some(description.timeline) {
        let reason = "the timeline of the blob differs from that of the file";
        return Err(opus_zarr_store::Error::inconsistent(reason).into());
    }
    if exact {
        let sync = match sync.and_then(SyncMap::constructed) {
            Some(constructed) => constructed,
            None => {
                watch.begin(Stage::Sync, blob.len())?;
                SyncMap::measured(blob.reader(), &description.head, threads, name, watch)?
            }
        };
        writer.write_sync(&sync.entries, sync.decoder)?;
    }
    let reader = writer.commit(description, &blob, &index)?;
    Ok((Recording::new(reader), None))
}

/// Decides which recordings to write for the streams of a file. `compare` compares a stream with the
/// recording that already has its name, which stays or, if `replaces`, does not.
pub(super) fn targets(
    name: &RecordingName,
    streams: impl Iterator<Item = u64>,
    store: &Store,
    path: &Path,
    replaces: bool,
    mut compare: impl FnMut(u64, &RecordingInfo) -> Result<Held, Error>,
) -> Result<Vec<Target>, Error> {
    let mut targets = Vec::new();
    for (stream, number) in streams.zip(1u64..) {
        let name = match number {
            1 => name.clone(),
            _ => format!("{name}.{number}").parse().map_err(opus_zarr_store::Error::from)?,
        };
        targets.push(Target { name, stream, earlier: None, start: None, replaces: false });
    }
    for target in &mut targets {
        if !store.contains(&target.name)? {
            continue;
        }
        match Recording::open(store, target.name.as_str()) {
            Ok(found) => match compare(target.stream, found.info())? {
                Held::Same => target.earlier = Some(found),
                Held::OtherStart(start) => {
                    (target.earlier, target.start) = (Some(found), Some(*start));
                }
                _ if replaces => target.replaces = true,
                other => match other.error(path, store, &target.name) {
                    None => target.earlier = Some(found),
                    Some(error) => return Err(error),
                },
            },
            Err(error) if error.is_unreadable() => return Err(error),
            // A damaged recording takes the name, and creating another says so.
            Err(_) => drop(store.create_recording(&target.name)?),
        }
    }
    Ok(targets)
}

/// Moves the first recording of a file to the end, so that its presence means that all are
/// complete.
pub(super) fn first_last<T>(of_streams: impl Iterator<Item = T>) -> Vec<T> {
    let mut made: Vec<T> = of_streams.collect();
    let first = made.len().min(1);
    made.rotate_left(first);
    made
}

/// Restores the order of the streams.
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

/// Serial number of streams without one. It is fixed so that equal files give equal blobs.
pub(crate) const SERIAL: u32 = 1;
