//! What is derived from a blob: its index and its sync map.

use std::num::NonZeroUsize;

use ogg_opus_demux::OggOpusReader;
use opus_packet::{OpusHead, Packet, SAMPLE_RATE, Timeline};
use opus_packet_index::SyncEntry;
use opus_segment_decode::{LibopusDecoder, SyncConstruction, build_sync_map};
use opus_zarr_store::{BlobReader, IndexWriter, RecordingName, RecordingReader, Source, SyncInfo};

use crate::{
    Error,
    error::Reason,
    progress::{Stage, Watch},
};

/// Writes a row for each packet of the blob and returns the timeline. Constructs the sync map on the
/// way, if asked to.
pub(crate) fn index_blob(
    blob: BlobReader<'_>,
    index: &mut IndexWriter,
    mut sync: Option<&mut SyncConstruction>,
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
        if let Some(sync) = &mut sync {
            let packet = Packet { data: packet.data, duration: packet.duration };
            sync.packet(packet).map_err(|reason| inconsistent(reason.to_string()))?;
        }
        watch.packet(packet.data.len(), packet.duration)?;
    }
    let timeline = reader.timeline();
    if reader.next_link().map_err(fault)? {
        return Err(inconsistent("the blob holds a second stream".to_owned()).into());
    }
    Ok(timeline)
}

/// A sync map and the decoder for which it holds.
pub(crate) struct SyncMap {
    pub(crate) entries: Vec<SyncEntry>,
    pub(crate) decoder: &'static str,
}

impl SyncMap {
    /// None if the packets do not suffice.
    pub(crate) fn constructed(construction: SyncConstruction) -> Option<Self> {
        let entries = construction.finish()?;
        Some(Self { entries, decoder: SyncInfo::ANY_DECODER })
    }

    /// Measures the sync map of a blob.
    pub(crate) fn measured(
        blob: BlobReader<'_>,
        head: &OpusHead,
        threads: NonZeroUsize,
        recording: &RecordingName,
        watch: &mut Watch<'_>,
    ) -> Result<Self, Error> {
        let packets = OggOpusReader::strict(blob).map_err(|reason| {
            Error::from(Reason::Blob { recording: recording.clone(), source: reason })
        })?;
        let map = build_sync_map(watch.packets(packets), threads, || LibopusDecoder::unmixed(head));
        let entries = map.map_err(|reason| {
            if watch.is_cancelled() {
                Error::from(Reason::Cancelled)
            } else {
                Error::from(Reason::Read { recording: recording.clone(), source: reason })
            }
        })?;
        let decoder = LibopusDecoder::identity().map_err(Reason::Decoder)?;
        Ok(Self { entries, decoder })
    }

    /// Derives the sync map of a stored recording.
    pub(crate) fn of(
        reader: &RecordingReader,
        threads: NonZeroUsize,
        watch: &mut Watch<'_>,
    ) -> Result<Self, Error> {
        let constructed = construction(&reader.info().source, reader.head())
            .map(|construction| Self::constructed_of(reader, construction, watch))
            .transpose()?
            .flatten();
        match constructed {
            Some(map) => Ok(map),
            None => Self::measured_of(reader, threads, watch),
        }
    }

    /// Derives the sync map of a stored recording in the way in which the stored map was derived.
    fn again(
        reader: &RecordingReader,
        threads: NonZeroUsize,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Self>, Error> {
        let decoder = reader.info().sync.as_ref().map(|sync| sync.decoder.as_str());
        if decoder == Some(SyncInfo::ANY_DECODER) {
            let construction = SyncConstruction::new(reader.head().mapping().streams());
            Self::constructed_of(reader, construction, watch)
        } else {
            Self::measured_of(reader, threads, watch).map(Some)
        }
    }

    fn measured_of(
        reader: &RecordingReader,
        threads: NonZeroUsize,
        watch: &mut Watch<'_>,
    ) -> Result<Self, Error> {
        watch.begin(Stage::Sync, reader.info().blob_bytes)?;
        Self::measured(reader.blob_reader(), reader.head(), threads, reader.name(), watch)
    }

    fn constructed_of(
        reader: &RecordingReader,
        construction: SyncConstruction,
        watch: &mut Watch<'_>,
    ) -> Result<Option<Self>, Error> {
        watch.begin(Stage::Sync, reader.info().blob_bytes)?;
        construct(reader.blob_reader(), construction, reader.name(), watch)
    }
}

/// Begins the construction of a sync map, if the packets were encoded for it: with sync points at
/// most a second apart.
pub(crate) fn construction(source: &Source, head: &OpusHead) -> Option<SyncConstruction> {
    let interval = source.transcoding.as_ref()?.settings.sync_interval?;
    let is_short = interval <= u64::from(SAMPLE_RATE);
    is_short.then(|| SyncConstruction::new(head.mapping().streams()))
}

fn construct(
    blob: BlobReader<'_>,
    mut construction: SyncConstruction,
    recording: &RecordingName,
    watch: &mut Watch<'_>,
) -> Result<Option<SyncMap>, Error> {
    let fault = |reason| Error::from(Reason::Blob { recording: recording.clone(), source: reason });
    let mut reader = OggOpusReader::strict(blob).map_err(fault)?;
    while let Some(packet) = reader.next_located().map_err(fault)? {
        let (data, duration) = (packet.data, packet.duration);
        let taken = construction.packet(Packet { data, duration });
        taken.map_err(|reason| opus_zarr_store::Error::inconsistent(reason.to_string()))?;
        watch.packet(data.len(), duration)?;
    }
    Ok(SyncMap::constructed(construction))
}

/// Derives the sync map again and returns the number of the first entry that differs from
/// the stored one.
pub(crate) fn wrong_sync_entry(
    reader: &RecordingReader,
    stored: &[SyncEntry],
    threads: NonZeroUsize,
    watch: &mut Watch<'_>,
) -> Result<Option<usize>, Error> {
    let derived = SyncMap::again(reader, threads, watch)?.map_or_else(Vec::new, |map| map.entries);
    let same = stored.iter().zip(&derived).take_while(|(stored, derived)| stored == derived);
    let first = same.count();
    Ok((first < stored.len().max(derived.len())).then_some(first))
}
