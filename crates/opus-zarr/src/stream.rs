use std::{cell::Cell, convert::Infallible, num::NonZeroUsize, ops::Range};

use opus_packet::{CodedPos, PlayPos};
use opus_packet_index::{SyncDecoder, SyncRead, SyncStart};
use opus_segment_decode::{LibopusDecoder, Output, PreRoll, Sample, SegmentReader, SegmentStream};
use opus_zarr_store::RecordingReader;

use crate::{Error, ReadMode, error::Reason, index::Index};

/// The samples of a range, interleaved by channel, decoded as they are taken.
///
/// The memory it takes does not grow with the range. In one thread it holds at most a minute of
/// packets and one packet of samples. In several, it also holds decoded pieces, at most two more
/// than there are [threads](crate::Recording::set_threads): up to 25 seconds each or, with more than
/// four channels, 4.8 million samples. Dropping the stream ends its threads.
/// [`Recording::stream`](crate::Recording::stream) creates one.
pub struct SampleStream<'a, S> {
    reader: &'a RecordingReader,
    segments: Segments<'a, S>,
}

type Segments<'a, S> = SegmentStream<Index<'a>, &'a RecordingReader, Starts<'a>, LibopusDecoder, S>;

/// Tells where decoding may begin.
enum Starts<'a> {
    Measured {
        reader: &'a RecordingReader,
        decoder: SyncDecoder,
        /// Whether the map could not be read. It is not read again, and one warning is enough.
        has_failed: Cell<bool>,
    },
    Assumed(PreRoll),
}

impl<'a, S: Sample> SampleStream<'a, S> {
    pub(crate) fn new(
        reader: &'a RecordingReader,
        (mode, sync_decoder): (ReadMode, SyncDecoder),
        play: Range<PlayPos>,
        decoder: LibopusDecoder,
    ) -> Result<Self, Error> {
        let timeline = reader.timeline();
        let starts = match mode {
            ReadMode::Exact => {
                Starts::Measured { reader, decoder: sync_decoder, has_failed: Cell::new(false) }
            }
            ReadMode::Approximate { pre_roll } => {
                Starts::Assumed(PreRoll::new(pre_roll, &timeline))
            }
        };
        let segments = SegmentReader::new(Index::Stored(reader), reader, timeline)
            .stream(play, starts, decoder)
            .map_err(|reason| {
                Error::from(Reason::Read { recording: reader.name().clone(), source: reason })
            })?;
        Ok(Self { reader, segments })
    }

    /// Decodes long ranges in this many threads. The starts must be exact.
    pub(crate) fn threads(self, threads: NonZeroUsize, output: &Output) -> Self {
        let (head, output) = (self.reader.head().clone(), output.clone());
        let new_decoder = move || LibopusDecoder::with_output(&head, &output);
        Self { segments: self.segments.threads(threads, new_decoder), ..self }
    }

    /// Fills `out` with the next samples and returns their number, over all channels. The number is
    /// smaller than the room in `out` only at the end of the range or before an unreadable packet.
    ///
    /// On error, no samples precede the unreadable part. A later call retries from the same
    /// position.
    pub fn read(&mut self, out: &mut [S]) -> Result<usize, Error> {
        self.with_any_index(|segments| segments.read(out))
    }

    /// Number of samples still to come, over all channels.
    pub fn left(&self) -> usize {
        self.segments.left()
    }

    pub(crate) fn read_to_end(&mut self, samples: &mut Vec<S>) -> Result<(), Error> {
        self.with_any_index(|segments| segments.read_to_end(samples))
    }

    pub(crate) fn into_decoder(self) -> LibopusDecoder {
        self.segments.into_decoder()
    }

    /// Reads, and walks all packets if the index is missing or damaged.
    fn with_any_index<T>(
        &mut self,
        mut read: impl FnMut(&mut Segments<'a, S>) -> Result<T, opus_segment_decode::Error>,
    ) -> Result<T, Error> {
        let mut result = read(&mut self.segments);
        let index = self.segments.index_mut();
        if let (Err(fault), Index::Stored(_)) = (&result, &index)
            && fault.is_index_fault()
        {
            tracing::warn!(recording = %self.reader.name(), ?fault, "reading without the index");
            *index = Index::walked(self.reader);
            // Looking back would mean to walk from the start.
            self.segments.single_threaded();
            result = read(&mut self.segments);
        }
        result.map_err(|reason| {
            Error::from(Reason::Read { recording: self.reader.name().clone(), source: reason })
        })
    }
}

impl SyncRead for Starts<'_> {
    type Error = Infallible;

    fn start(&self, position: CodedPos) -> Result<SyncStart, Infallible> {
        match self {
            Self::Assumed(pre_roll) => pre_roll.start(position),
            Self::Measured { has_failed, .. } if has_failed.get() => Ok(SyncStart::BEGINNING),
            Self::Measured { reader, decoder, has_failed } => {
                Ok(reader.sync_start(position, *decoder).unwrap_or_else(|fault| {
                    tracing::warn!(recording = %reader.name(), ?fault, "decoding from the start");
                    has_failed.set(true);
                    SyncStart::BEGINNING
                }))
            }
        }
    }
}
