use std::{ops::Range, sync::Arc};

use opus_packet::{CodedPos, PlayPos};
use opus_packet_index::SyncStart;
use opus_segment_decode::{APPROXIMATE_PRE_ROLL, Output, PreRoll, Sample, SegmentPlan};
use opus_zarr_store::{AsyncRecordingReader, AsyncStorage, RecordingInfo, RecordingName};

use crate::{Error, decoders::Decoders, recording::exactness};

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

    /// What reads give: at first all channels, at 48 kHz.
    pub fn output(&self) -> &Output {
        self.decoders.output()
    }

    /// Changes what reads give from now on: see
    /// [`Recording::set_output`](crate::Recording::set_output).
    pub fn set_output(&mut self, output: Output) -> Result<(), Error> {
        self.decoders = Decoders::new(self.reader.head(), output)?;
        Ok(())
    }

    /// Reads a range of play samples, as [`Recording::read`](crate::Recording::read) does:
    /// one request to the index, unless its chunk is at hand, one to the blob, and for exact
    /// samples one to the sync map. Without an index it is an error: to walk all packets
    /// from the start is not for a task.
    pub async fn read<S: Sample>(&self, range: Range<u64>) -> Result<Vec<S>, Error> {
        let play = PlayPos::new(range.start)..PlayPos::new(range.end);
        let timeline = self.reader.timeline();
        let target = timeline.coded(play).map_err(|error| self.fault(error.into()))?;
        if exactness(self.info(), self.output().rate).is_err() {
            let start = PreRoll::new(APPROXIMATE_PRE_ROLL, &timeline).start_for(target.start);
            return self.decode(start..target.end, target, Vec::new()).await;
        }
        let (mut samples, mut from) = (Vec::new(), target.start);
        while from < target.end {
            let SyncStart { start, until } = self.reader.sync_start(from).await?;
            let piece = from..until.min(target.end);
            from = piece.end;
            samples = self.decode(start..piece.end, piece, samples).await?;
        }
        Ok(samples)
    }

    /// Adds the samples of `target`, decoding those of `lookup`.
    async fn decode<S: Sample>(
        &self,
        lookup: Range<CodedPos>,
        target: Range<CodedPos>,
        mut samples: Vec<S>,
    ) -> Result<Vec<S>, Error> {
        let span = self.reader.span(lookup).await?;
        let plan = SegmentPlan::new(span, target).map_err(|reason| self.fault(reason))?;
        let mut bytes = Vec::new();
        self.reader.read(plan.bytes(), &mut bytes).await?;
        let mut decoder = self.decoders.take(self.reader.head())?;
        let decoded: Result<Vec<S>, _> = plan.decode(&bytes, &mut decoder);
        self.decoders.put(decoder);
        samples.extend(decoded.map_err(|reason| self.fault(reason))?);
        Ok(samples)
    }

    fn fault(&self, reason: opus_segment_decode::Error) -> Error {
        Error::Read { recording: self.reader.name().clone(), reason }
    }
}
