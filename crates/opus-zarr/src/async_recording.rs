use std::{ops::Range, sync::Arc};

use opus_packet::PlayPos;
use opus_segment_decode::{Sample, SegmentPlan};
use opus_zarr_store::{AsyncRecordingReader, AsyncStorage, RecordingInfo, RecordingName};

use crate::{Error, decoders::Decoders};

/// The same as [`Recording`](crate::Recording) for async code: it waits where the storage
/// does. What it decodes it decodes in the task that polls it, some 1.5 ms for a second of
/// audio.
#[derive(Debug)]
pub struct AsyncRecording {
    reader: AsyncRecordingReader,
    decoders: Decoders,
}

impl AsyncRecording {
    /// Opens a recording of the store in a storage: one request.
    pub async fn open(storage: Arc<dyn AsyncStorage>, name: &str) -> Result<Self, Error> {
        let name: RecordingName = name.parse().map_err(opus_zarr_store::Error::from)?;
        let reader = AsyncRecordingReader::open(storage, &name).await?;
        Ok(Self { reader, decoders: Decoders::default() })
    }

    /// What the store says about the recording.
    pub fn info(&self) -> &RecordingInfo {
        self.reader.info()
    }

    /// Reads a range of play samples, as [`Recording::read`](crate::Recording::read) does:
    /// one request to the index, unless its chunk is at hand, and one to the blob. Without
    /// an index it is an error: to walk all packets from the start is not for a task.
    pub async fn read<S: Sample>(&self, range: Range<u64>) -> Result<Vec<S>, Error> {
        let fault = |reason| Error::Read { recording: self.reader.name().clone(), reason };
        let play = PlayPos::new(range.start)..PlayPos::new(range.end);
        let timeline = self.reader.timeline();
        let target = timeline.coded(play).map_err(|error| fault(error.into()))?;
        let span = self.reader.span(SegmentPlan::approximate_lookup(&timeline, &target)).await?;
        let plan = SegmentPlan::new(span, target)
            .map_err(|reason| fault(opus_segment_decode::Error::IndexRange { reason }))?;
        let mut bytes = Vec::new();
        self.reader.read(plan.bytes(), &mut bytes).await?;
        self.decoders
            .lend(self.reader.head(), |decoder| plan.decode(&bytes, decoder))?
            .map_err(fault)
    }
}
