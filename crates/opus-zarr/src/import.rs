use std::path::Path;

use ogg_opus_demux::OggOpusReader;
use opus_packet::Timeline;
use opus_zarr_store::{
    BlobReader, Description, IndexWriter, RecordingName, Source, Store, StoredAs,
};

use crate::{Error, Recording, source::SourceFile};

/// Imports an Ogg Opus file into a store, as a new recording with this name, and
/// opens it. The store is made if there is none.
///
/// Strict: a file with any fault is refused with its place. The recording appears
/// complete, or not at all. Memory does not grow with the file (by some 2 kB an hour
/// of audio, for the attributes).
///
/// The file is stored byte for byte if every packet lies in one page; else its
/// packets are put into new pages.
pub fn import(
    path: impl AsRef<Path>,
    store: impl AsRef<Path>,
    name: &str,
) -> Result<Recording, Error> {
    let name: RecordingName = name.parse().map_err(opus_zarr_store::Error::from)?;
    let source = SourceFile::survey(path.as_ref())?;
    let store = Store::open_or_create(store)?;
    let writer = store.create_recording(&name)?;

    let mut blob = writer.blob()?;
    source.write_to(&mut blob)?;
    let blob = blob.finish()?;

    // The index is always made from the blob as it is stored, so that making it
    // again gives the same, and what was written has been read back once.
    let mut index = writer.index()?;
    let timeline = index_blob(blob.reader(), &mut index, &name)?;
    let index = index.finish()?;
    if timeline != Some(source.timeline) {
        let reason = "the blob has another timeline than the file".to_owned();
        return Err(opus_zarr_store::Error::Inconsistent { reason }.into());
    }

    let description = describe(source, path.as_ref());
    let reader = writer.commit(description, &blob, &index)?;
    Ok(Recording::new(name, reader))
}

/// Writes a row for every packet of the blob; gives the timeline.
pub(crate) fn index_blob(
    blob: BlobReader<'_>,
    index: &mut IndexWriter,
    recording: &RecordingName,
) -> Result<Option<Timeline>, Error> {
    let fault = |reason| Error::Blob { recording: recording.clone(), reason };
    let mut reader = OggOpusReader::new(blob).map_err(fault)?;
    while let Some(packet) = reader.next_ogg_packet().map_err(fault)? {
        let offset = packet.offset.ok_or_else(|| opus_zarr_store::Error::Inconsistent {
            reason: format!("the packet at coded sample {} crosses a page", packet.position),
        })?;
        let length = u64::try_from(packet.data.len()).unwrap_or(u64::MAX);
        index.push(offset, length, packet.duration)?;
    }
    Ok(reader.timeline())
}

fn describe(source: SourceFile, path: &Path) -> Description {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Description {
        source: Source {
            name,
            bytes: source.bytes,
            sha256: source.sha256(),
            container: "ogg".to_owned(),
            codec: "opus".to_owned(),
            stored: if source.is_canonical { StoredAs::Verbatim } else { StoredAs::Remuxed },
        },
        head: source.head,
        tags: source.tags,
        timeline: source.timeline,
    }
}
