use std::{ops::Range, path::Path};

use ogg_opus_demux::OggOpusReader;
use opus_packet::{OpusHead, PlayPos};
use opus_packet_index::{IndexRead, SyncEntry};
use opus_segment_decode::{
    APPROXIMATE_PRE_ROLL, LibopusDecoder, Sample, SegmentReader, build_sync_map, read_source,
};
use opus_zarr_store::{
    BlobReader, IndexInfo, RecordingInfo, RecordingName, RecordingReader, Store,
};

use crate::{Error, decoders::Decoders, import::index_blob};

/// A recording in a store.
///
/// Reads take `&self`: threads may share one. Positions are play samples: per
/// channel, at 48 kHz, from the first sample that plays. Ranges are half-open.
#[derive(Debug)]
pub struct Recording {
    reader: RecordingReader,
    decoders: Decoders,
}

/// How near the samples that a range read gives are to those of a full decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadMode {
    /// Bit for bit the samples of a full decode: decoding begins where the sync map of the
    /// recording says that it may.
    Exact,
    /// Position and length are exact, values are not: decoding begins so many
    /// samples before the range (RFC 7845 section 4.6), and a decoder remembers
    /// more than that.
    Approximate {
        /// Samples per channel at 48 kHz.
        pre_roll: u32,
    },
}

/// Why a recording cannot be read exactly now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum NotExact {
    #[error("it has no sync map: `build_sync` makes one")]
    NoSyncMap,
    #[error("its sync map is for {measured:?}, this is {decoder:?}: `build_sync` makes it anew")]
    OtherDecoder { measured: String, decoder: String },
}

impl Recording {
    /// Opens a recording of a store.
    pub fn open(store: impl AsRef<Path>, name: &str) -> Result<Self, Error> {
        let name: RecordingName = name.parse().map_err(opus_zarr_store::Error::from)?;
        Ok(Self::new(RecordingReader::open(store, &name)?))
    }

    /// Opens a recording of a store that is open: in whatever storage it is kept.
    pub fn open_in(store: &Store, name: &str) -> Result<Self, Error> {
        let name: RecordingName = name.parse().map_err(opus_zarr_store::Error::from)?;
        Ok(Self::new(store.open_recording(&name)?))
    }

    /// Reads a recording that is open.
    pub fn new(reader: RecordingReader) -> Self {
        Self { reader, decoders: Decoders::default() }
    }

    /// The name of the recording in its store.
    pub fn name(&self) -> &str {
        self.reader.name().as_str()
    }

    /// What the store says about the recording.
    pub fn info(&self) -> &RecordingInfo {
        self.reader.info()
    }

    /// How near to a full decode [`read`](Self::read) is: exact if it can be.
    pub fn read_mode(&self) -> ReadMode {
        match self.exactness() {
            Ok(()) => ReadMode::Exact,
            Err(_) => ReadMode::Approximate { pre_roll: APPROXIMATE_PRE_ROLL },
        }
    }

    /// Whether it can be read exactly, or why not.
    pub fn exactness(&self) -> Result<(), NotExact> {
        exactness(self.info())
    }

    /// Reads a range of play samples, `i16` or `f32`, interleaved by channel: exact if there
    /// is a sync map for this decoder, or else approximate. See [`ReadMode`].
    ///
    /// A range that begins within the first 80 ms is exact in any case: it is decoded from
    /// the first packet on. Without an index, or with a damaged one, it walks all packets
    /// from the start, warns through `tracing`, and gives the same samples. So it does with
    /// a damaged sync map, decoding them all.
    ///
    /// # Errors
    ///
    /// A range that is empty, reversed, or reaches beyond the end; bytes that do
    /// not pass their checksum; packets that the decoder refuses.
    pub fn read<S: Sample>(&self, range: Range<u64>) -> Result<Vec<S>, Error> {
        self.read_as(self.read_mode(), range)
    }

    /// The same in the mode that is asked for. Beside the errors of [`read`](Self::read),
    /// exact reading is one where it is not possible.
    pub fn read_as<S: Sample>(&self, mode: ReadMode, range: Range<u64>) -> Result<Vec<S>, Error> {
        let play = PlayPos::new(range.start)..PlayPos::new(range.end);
        if mode == ReadMode::Exact {
            let recording = self.reader.name().clone();
            self.exactness().map_err(|reason| Error::NotExact { recording, reason })?;
        }
        self.decoders.lend(self.reader.head(), |decoder| {
            match self.read_indexed(mode, play.clone(), decoder) {
                Err(fault) if fault.is_index_fault() => {
                    tracing::warn!(recording = %self.name(), %fault, "reading without the index");
                    self.read_without_index(mode, play, decoder)
                }
                result => result.map_err(self.read_error()),
            }
        })?
    }

    fn read_indexed<S: Sample>(
        &self,
        mode: ReadMode,
        play: Range<PlayPos>,
        decoder: &mut LibopusDecoder,
    ) -> Result<Vec<S>, opus_segment_decode::Error> {
        let segments = SegmentReader::new(&self.reader, &self.reader, self.reader.timeline());
        match mode {
            ReadMode::Approximate { pre_roll } => {
                segments.read_approximate(play, pre_roll, decoder)
            }
            ReadMode::Exact => {
                match segments.read_exact(play.clone(), &self.reader, &mut *decoder) {
                    Err(fault @ opus_segment_decode::Error::Sync { .. }) => {
                        tracing::warn!(recording = %self.name(), %fault, "decoding from the start");
                        let none: [SyncEntry; 0] = [];
                        segments.read_exact(play, none.as_slice(), decoder)
                    }
                    result => result,
                }
            }
        }
    }

    /// Measures a sync map and puts it in the place of the present one, if any: from then
    /// on reads are exact. Takes the time of some four full decodes, or more where the decoder
    /// remembers for long, as in speech.
    pub fn build_sync(&mut self) -> Result<(), Error> {
        let sync = sync_map_of(self.reader.blob_reader(), self.reader.head(), self.reader.name())?;
        self.reader.replace_sync(&sync, LibopusDecoder::identity()?)?;
        Ok(())
    }

    /// Numbers of the packets that hold a range of play samples: a binary search
    /// over the checkpoints and in one chunk of the index.
    pub fn find(&self, range: Range<u64>) -> Result<Range<u64>, Error> {
        let play = PlayPos::new(range.start)..PlayPos::new(range.end);
        let coded = self.reader.timeline().coded(play).map_err(|e| self.read_error()(e.into()))?;
        Ok(self.reader.span(coded)?.packets())
    }

    /// Whether there is an index of the right length. Whether it is whole is
    /// checked piece by piece when it is read.
    pub fn has_index(&self) -> bool {
        self.index_info().is_some()
    }

    /// What the index is and costs; none if it is missing or cut off.
    pub fn index_info(&self) -> Option<IndexInfo> {
        self.reader.index_info()
    }

    /// Makes the index again, from the blob. The result is the index of the
    /// import, byte for byte. The documents of both arrays are restored as well.
    pub fn rebuild_index(&mut self) -> Result<(), Error> {
        let name = self.reader.name().clone();
        self.reader.replace_index(|blob, index| index_blob(blob, index, &name).map(drop))
    }

    /// Reads the recording as the Ogg Opus file that it is kept as.
    pub fn ogg_opus(&self) -> BlobReader<'_> {
        self.reader.blob_reader()
    }

    pub(crate) fn reader(&self) -> &RecordingReader {
        &self.reader
    }

    fn read_without_index<S: Sample>(
        &self,
        mode: ReadMode,
        play: Range<PlayPos>,
        decoder: &mut LibopusDecoder,
    ) -> Result<Vec<S>, Error> {
        let source = OggOpusReader::strict(self.reader.blob_reader())
            .map_err(|reason| Error::Blob { recording: self.reader.name().clone(), reason })?;
        let pre_roll = match mode {
            ReadMode::Exact => None,
            ReadMode::Approximate { pre_roll } => Some(pre_roll),
        };
        read_source(source, &self.reader.timeline(), play, pre_roll, decoder)
            .map_err(self.read_error())
    }

    fn read_error(&self) -> impl Fn(opus_segment_decode::Error) -> Error + '_ {
        |reason| Error::Read { recording: self.reader.name().clone(), reason }
    }
}

/// Whether a recording can be read exactly by the decoder of this program.
pub(crate) fn exactness(info: &RecordingInfo) -> Result<(), NotExact> {
    let measured = &info.sync.as_ref().ok_or(NotExact::NoSyncMap)?.decoder;
    let decoder = LibopusDecoder::identity().unwrap_or("none");
    match *measured == *decoder {
        true => Ok(()),
        false => {
            let (measured, decoder) = (measured.clone(), decoder.to_owned());
            Err(NotExact::OtherDecoder { measured, decoder })
        }
    }
}

/// Measures the sync map of a blob.
pub(crate) fn sync_map_of(
    blob: BlobReader<'_>,
    head: &OpusHead,
    recording: &RecordingName,
) -> Result<Vec<SyncEntry>, Error> {
    let source = OggOpusReader::strict(blob)
        .map_err(|reason| Error::Blob { recording: recording.clone(), reason })?;
    build_sync_map(source, || LibopusDecoder::unmixed(head))
        .map_err(|reason| Error::Read { recording: recording.clone(), reason })
}
