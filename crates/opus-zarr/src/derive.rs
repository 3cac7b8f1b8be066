//! What is derived from a blob: its index and its sync map.

use std::num::NonZeroU64;

use ogg_opus_demux::OggOpusReader;
use opus_packet::{OpusHead, SAMPLE_RATE, Timeline};
use opus_packet_index::SyncEntry;
use opus_segment_decode::{LibopusDecoder, build_sync_map};
use opus_zarr_store::{BlobReader, IndexWriter, RecordingName, RecordingReader, Source};

use crate::{
    Error,
    decoders::processors,
    error::Reason,
    progress::{Stage, Watch},
};

/// Writes a row for each packet of the blob and returns the timeline.
pub(crate) fn index_blob(
    blob: BlobReader<'_>,
    index: &mut IndexWriter,
    recording: &RecordingName,
    watch: &mut Watch<'_>,
) -> Result<Option<Timeline>, Error> {
    let fault = |reason| Error::from(Reason::Blob { recording: recording.clone(), source: reason });
    let inconsistent = |reason: String| opus_zarr_store::Error::inconsistent(reason);
    let mut reader = OggOpusReader::strict(blob).map_err(fault)?;
    while let Some(packet) = reader.next_located().map_err(fault)? {
        let offset = packet.offset.ok_or_else(|| {
            inconsistent(format!("the packet at coded sample {} crosses a page", packet.position))
        })?;
        let length = u64::try_from(packet.data.len()).unwrap_or(u64::MAX);
        index.push(offset, length, packet.duration)?;
        watch.packet(packet.data.len(), packet.duration)?;
    }
    let timeline = reader.timeline();
    if reader.next_link().map_err(fault)? {
        return Err(inconsistent("the blob holds a second stream".to_owned()).into());
    }
    Ok(timeline)
}

/// Measures the sync map of a stored recording.
pub(crate) fn measure_sync(
    reader: &RecordingReader,
    watch: &mut Watch<'_>,
) -> Result<Vec<SyncEntry>, Error> {
    let info = reader.info();
    watch.begin(Stage::Sync, info.blob_bytes)?;
    sync_map_of(reader.blob_reader(), reader.head(), &info.source, reader.name(), watch)
}

/// Measures the sync map of a blob on all processors.
pub(crate) fn sync_map_of(
    blob: BlobReader<'_>,
    head: &OpusHead,
    source: &Source,
    recording: &RecordingName,
    watch: &mut Watch<'_>,
) -> Result<Vec<SyncEntry>, Error> {
    let packets = OggOpusReader::strict(blob).map_err(|reason| {
        Error::from(Reason::Blob { recording: recording.clone(), source: reason })
    })?;
    let map = build_sync_map(watch.packets(packets), sync_interval(source), processors(), || {
        LibopusDecoder::unmixed(head)
    });
    map.map_err(|reason| {
        if watch.is_cancelled() {
            Error::from(Reason::Cancelled)
        } else {
            Error::from(Reason::Read { recording: recording.clone(), source: reason })
        }
    })
}

/// Returns the distance between sync points, unless a decoder needs less than that anyway.
fn sync_interval(source: &Source) -> Option<NonZeroU64> {
    let interval = source.transcoding.as_ref()?.settings.sync_interval?;
    NonZeroU64::new(interval).filter(|interval| interval.get() <= u64::from(SAMPLE_RATE))
}

/// Measures the sync map again and returns the number of the first entry that differs from
/// the stored one.
pub(crate) fn wrong_sync_entry(
    reader: &RecordingReader,
    stored: &[SyncEntry],
    watch: &mut Watch<'_>,
) -> Result<Option<usize>, Error> {
    let measured = measure_sync(reader, watch)?;
    let same = stored.iter().zip(&measured).take_while(|(stored, measured)| stored == measured);
    let first = same.count();
    Ok((first < stored.len().max(measured.len())).then_some(first))
}
