use std::{ops::Range, path::Path};

use ogg_opus_demux::OggOpusReader;
use opus_packet::PlayPos;
use opus_packet_index::IndexRead;
use opus_segment_decode::{
    APPROXIMATE_PRE_ROLL, LibopusDecoder, Sample, SegmentReader, read_source_approximate,
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
    /// Position and length are exact, values are not: decoding begins so many
    /// samples before the range (RFC 7845 section 4.6), and a decoder remembers
    /// more than that.
    Approximate {
        /// Samples per channel at 48 kHz.
        pre_roll: u32,
    },
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

    /// How near to a full decode [`read`](Self::read) is.
    pub fn read_mode(&self) -> ReadMode {
        ReadMode::Approximate { pre_roll: APPROXIMATE_PRE_ROLL }
    }

    /// Reads a range of play samples, `i16` or `f32`, interleaved by channel.
    ///
    /// Approximate: see [`ReadMode`]. A range that begins within the first 80 ms is
    /// exact: it is decoded from the first packet on. Without an index, or with a
    /// damaged one, it walks all packets from the start, warns through `tracing`, and
    /// gives the same samples.
    ///
    /// # Errors
    ///
    /// A range that is empty, reversed, or reaches beyond the end; bytes that do
    /// not pass their checksum; packets that the decoder refuses.
    pub fn read<S: Sample>(&self, range: Range<u64>) -> Result<Vec<S>, Error> {
        let play = PlayPos::new(range.start)..PlayPos::new(range.end);
        let segments = SegmentReader::new(&self.reader, &self.reader, self.reader.timeline());
        self.decoders.lend(self.reader.head(), |decoder| {
            match segments.read_approximate(play.clone(), &mut *decoder) {
                Err(fault) if fault.is_index_fault() => {
                    tracing::warn!(recording = %self.name(), %fault, "reading without the index");
                    self.read_without_index(play, decoder)
                }
                result => result.map_err(self.read_error()),
            }
        })?
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
        play: Range<PlayPos>,
        decoder: &mut LibopusDecoder,
    ) -> Result<Vec<S>, Error> {
        let source = OggOpusReader::strict(self.reader.blob_reader())
            .map_err(|reason| Error::Blob { recording: self.reader.name().clone(), reason })?;
        read_source_approximate(source, &self.reader.timeline(), play, decoder)
            .map_err(self.read_error())
    }

    fn read_error(&self) -> impl Fn(opus_segment_decode::Error) -> Error + '_ {
        |reason| Error::Read { recording: self.reader.name().clone(), reason }
    }
}
