use std::ops::{ControlFlow, Range};

use opus_packet::{CodedPos, PlayPos};
use opus_packet_index::IndexRead;
use opus_segment_decode::{APPROXIMATE_PRE_ROLL, LibopusDecoder, Output, OutputRate, Sample};
use opus_zarr_store::{
    BlobReader, IndexInfo, RecordingInfo, RecordingName, RecordingReader, Store,
};

use crate::{
    Error, SampleStream,
    decoders::Decoders,
    derive::{index_blob, measure_sync, wrong_sync_entry},
    progress::{Progress, Stage, Watch},
};

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
    #[error("sync maps are for output at 48000 Hz, this is at {rate} Hz")]
    OtherRate { rate: u32 },
}

impl Recording {
    /// Opens a recording of a store.
    ///
    /// ```no_run
    /// use opus_zarr::{Recording, Store};
    ///
    /// # fn main() -> Result<(), opus_zarr::Error> {
    /// let store = Store::open("archive.zarr")?;
    /// let recording = Recording::open(&store, "station-4")?;
    /// // A second of audio, interleaved if there are several channels.
    /// let samples: Vec<f32> = recording.read(48_000..96_000)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(store: &Store, name: &str) -> Result<Self, Error> {
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
        exactness(self.info(), self.output().rate)
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
        let mut samples = Vec::new();
        self.with_stream(mode, range, |stream| stream.read_to_end(&mut samples))?;
        Ok(samples)
    }

    /// The same into the memory of the caller, which must hold exactly the samples of the
    /// range, all channels: see [`sample_count`](Self::sample_count).
    pub fn read_into<S: Sample>(&self, range: Range<u64>, out: &mut [S]) -> Result<(), Error> {
        self.with_stream(self.read_mode(), range, |stream| {
            let (found, expected) = (out.len(), stream.left());
            if found != expected {
                let recording = self.reader.name().clone();
                return Err(Error::Buffer { recording, found, expected });
            }
            let mut filled = 0;
            while let Some(room) = out.get_mut(filled..).filter(|room| !room.is_empty()) {
                filled += stream.read(room)?;
            }
            Ok(())
        })
    }

    /// The samples of a long range, as [`read`](Self::read) gives them, decoded as they
    /// are taken: in memory that does not grow with the range.
    pub fn stream<S: Sample>(&self, range: Range<u64>) -> Result<SampleStream<'_, S>, Error> {
        self.stream_as(self.read_mode(), range)
    }

    /// The same in the mode that is asked for.
    pub fn stream_as<S: Sample>(
        &self,
        mode: ReadMode,
        range: Range<u64>,
    ) -> Result<SampleStream<'_, S>, Error> {
        if mode == ReadMode::Exact {
            let recording = self.reader.name().clone();
            self.exactness().map_err(|reason| Error::NotExact { recording, reason })?;
        }
        let play = PlayPos::new(range.start)..PlayPos::new(range.end);
        SampleStream::new(&self.reader, mode, play, self.decoders.take(self.reader.head())?)
    }

    /// What reads give: at first all channels, at 48 kHz.
    pub fn output(&self) -> &Output {
        self.decoders.output()
    }

    /// Changes what reads give from now on. Ranges go on counting samples at 48 kHz: see
    /// [`OutputRate`](crate::OutputRate).
    ///
    /// A sync map is measured at 48 kHz: at other rates reads are approximate. Which channels
    /// are given does not matter to it.
    ///
    /// # Errors
    ///
    /// A channel that the recording does not have, or none; reads go on as before.
    pub fn set_output(&mut self, output: Output) -> Result<(), Error> {
        self.decoders = Decoders::new(self.reader.head(), output)?;
        Ok(())
    }

    /// How many samples a range of play samples gives at the rate of the output, per channel.
    pub fn sample_count(&self, range: Range<u64>) -> Result<u64, Error> {
        let samples = self.output().rate.samples(&self.coded(range)?);
        Ok(samples.end - samples.start)
    }

    fn with_stream<S: Sample>(
        &self,
        mode: ReadMode,
        range: Range<u64>,
        read: impl FnOnce(&mut SampleStream<'_, S>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut stream = self.stream_as(mode, range)?;
        let result = read(&mut stream);
        self.decoders.put(stream.into_decoder());
        result
    }

    /// Measures the sync map and stores it, in place of an earlier one. Reads are exact
    /// afterwards. `watch` follows the work and can cancel it, which changes nothing
    /// ([`Progress`]).
    ///
    /// The work is that of about four full decodes, or more where the decoder remembers for
    /// long, as in speech. All processors share it.
    ///
    /// ```no_run
    /// use opus_zarr::{ReadMode, Recording, Store, unwatched};
    ///
    /// # fn main() -> Result<(), opus_zarr::Error> {
    /// let mut recording = Recording::open(&Store::open("archive.zarr")?, "station-4")?;
    /// recording.build_sync(unwatched)?;
    /// assert_eq!(recording.read_mode(), ReadMode::Exact);
    /// # Ok(())
    /// # }
    /// ```
    pub fn build_sync(
        &mut self,
        mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.replace_sync(&mut Watch::new(&mut watch))
    }

    pub(crate) fn replace_sync(&mut self, watch: &mut Watch<'_>) -> Result<(), Error> {
        let sync = measure_sync(&self.reader, watch)?;
        self.reader.replace_sync(&sync, LibopusDecoder::identity().map_err(Error::Decoder)?)?;
        Ok(())
    }

    /// Measures the sync map like [`build_sync`](Self::build_sync), but only compares it with the
    /// stored one. Returns the number of the first entry that differs, or none if all are equal.
    ///
    /// # Errors
    ///
    /// The recording has no sync map for this decoder, or the map cannot be read.
    pub fn check_sync(
        &self,
        mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Option<usize>, Error> {
        let recording = || self.reader.name().clone();
        exactness(self.info(), OutputRate::Hz48000)
            .map_err(|reason| Error::NotExact { recording: recording(), reason })?;
        let no_map = || Error::NotExact { recording: recording(), reason: NotExact::NoSyncMap };
        let stored = self.reader.sync_entries()?.ok_or_else(no_map)?;
        wrong_sync_entry(&self.reader, &stored, &mut Watch::new(&mut watch))
    }

    /// Numbers of the packets that hold a range of play samples: a binary search
    /// over the checkpoints and in one chunk of the index.
    pub fn find(&self, range: Range<u64>) -> Result<Range<u64>, Error> {
        Ok(self.reader.span(self.coded(range)?)?.packets())
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

    /// Builds the index again from the blob, byte for byte the one of the import, and restores
    /// the documents of both arrays. `watch` follows the work and can cancel it, which changes
    /// nothing ([`Progress`]).
    pub fn rebuild_index(
        &mut self,
        mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let (name, bytes) = (self.reader.name().clone(), self.info().blob_bytes);
        let watch = &mut Watch::new(&mut watch);
        watch.begin(Stage::Index, bytes)?;
        self.reader.replace_index(|blob, index| index_blob(blob, index, &name, watch).map(drop))
    }

    /// Reads the recording as the Ogg Opus file that it is kept as.
    pub fn ogg_opus(&self) -> BlobReader<'_> {
        self.reader.blob_reader()
    }

    pub(crate) fn reader(&self) -> &RecordingReader {
        &self.reader
    }

    fn coded(&self, play: Range<u64>) -> Result<Range<CodedPos>, Error> {
        let play = PlayPos::new(play.start)..PlayPos::new(play.end);
        self.reader.timeline().coded(play).map_err(|reason| Error::Read {
            recording: self.reader.name().clone(),
            reason: reason.into(),
        })
    }
}

/// Whether a recording can be read exactly by the decoder of this program.
pub(crate) fn exactness(info: &RecordingInfo, rate: OutputRate) -> Result<(), NotExact> {
    let measured = &info.sync.as_ref().ok_or(NotExact::NoSyncMap)?.decoder;
    let decoder = LibopusDecoder::identity().unwrap_or("none");
    if *measured != *decoder {
        let (measured, decoder) = (measured.clone(), decoder.to_owned());
        return Err(NotExact::OtherDecoder { measured, decoder });
    }
    match rate {
        OutputRate::Hz48000 => Ok(()),
        rate => Err(NotExact::OtherRate { rate: rate.hz() }),
    }
}
