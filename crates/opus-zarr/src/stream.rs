use std::{num::NonZeroUsize, ops::Range};

use opus_packet::CodedPos;
use opus_segment_decode::{LibopusDecoder, Output, Sample, SegmentReader, SegmentStream};
use opus_zarr_store::RecordingReader;

use crate::{Error, Exactness, NotExact, error::Reason, index::Index, starts::Starts};

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

impl<'a, S: Sample> SampleStream<'a, S> {
    pub(crate) fn new(
        reader: &'a RecordingReader,
        range: Range<CodedPos>,
        starts: Starts<'a>,
        decoder: LibopusDecoder,
    ) -> Self {
        let segments = SegmentReader::new(Index::Stored(reader), reader, reader.timeline());
        Self { reader, segments: segments.stream_coded(range, starts, decoder) }
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

    /// What makes all samples read so far exact, or why they may not be.
    pub fn exactness(&self) -> Result<Exactness, NotExact> {
        self.segments.starts().exactness()
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
