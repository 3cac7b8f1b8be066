use std::ops::Range;

use opus_packet::CodedPos;
use opus_packet_index::{SyncDecoder, SyncStart};
use opus_segment_decode::{Agreement, LibopusDecoder, Need, RangeDecoder, Sample};
use opus_zarr_store::AsyncRecordingReader;

use crate::{
    Error, Exactness, NotExact,
    agreed::Agreed,
    error::Reason,
    starts::{Proof, Rule},
};

/// The samples of a range, interleaved by channel, decoded as they are taken by async code.
///
/// It holds at most a minute of packets and one packet of samples, however long the range.
/// [`AsyncRecording::stream`](crate::AsyncRecording::stream) creates one.
pub struct AsyncSampleStream<'a, S> {
    reader: &'a AsyncRecordingReader,
    rule: Rule,
    proof: Proof,
    agreed: &'a Agreed,
    end: CodedPos,
    range: RangeDecoder<LibopusDecoder, S>,
}

impl<'a, S: Sample> AsyncSampleStream<'a, S> {
    pub(crate) fn new(
        reader: &'a AsyncRecordingReader,
        (rule, proof, agreed): (Rule, Proof, &'a Agreed),
        target: Range<CodedPos>,
        decoder: LibopusDecoder,
    ) -> Self {
        let end = target.end;
        Self { reader, rule, proof, agreed, end, range: RangeDecoder::new(target, decoder) }
    }

    /// Fills `out` with the next samples and returns their number, over all channels. The number is
    /// 0 only at the end of the range or if `out` is empty. It may be smaller than the room in `out`,
    /// because samples that are ready are returned without waiting for more.
    ///
    /// Dropping the future before it is ready loses no samples. On error, a later call retries from
    /// the same position.
    pub async fn read(&mut self, out: &mut [S]) -> Result<usize, Error> {
        loop {
            let count = self.range.read(out).map_err(|reason| self.fault(reason))?;
            match self.range.need() {
                Some(need) if count == 0 && !out.is_empty() => self.supply(need).await?,
                _ => return Ok(count),
            }
        }
    }

    /// What makes all samples read so far exact, or why they may not be.
    pub fn exactness(&self) -> Result<Exactness, NotExact> {
        self.proof.exactness()
    }

    /// Number of samples still to come, over all channels.
    pub fn left(&self) -> usize {
        self.range.left()
    }

    pub(crate) async fn read_to_end(&mut self, samples: &mut Vec<S>) -> Result<(), Error> {
        loop {
            self.range.read_ready(samples).map_err(|reason| self.fault(reason))?;
            match self.range.need() {
                Some(need) => self.supply(need).await?,
                None => return Ok(()),
            }
        }
    }

    pub(crate) fn into_decoder(self) -> LibopusDecoder {
        self.range.into_decoder()
    }

    async fn supply(&mut self, need: Need) -> Result<(), Error> {
        let supplied = match need {
            Need::Start(position) => {
                let found = match self.rule {
                    Rule::Map(decoder) => Some(self.reader.sync_start(position, decoder).await?),
                    Rule::Agreement(decoder, _) => self.agreed(position, decoder).await,
                    Rule::PreRoll(_) => None,
                };
                self.range.start(self.rule.start(&mut self.proof, position, found))
            }
            Need::Packets(samples) => {
                let span = self.reader.span(samples).await?;
                self.range.packets(span)
            }
            Need::Bytes(bytes) => {
                let mut blob = Vec::new();
                self.reader.read(bytes, &mut blob).await?;
                self.range.bytes(blob)
            }
        };
        supplied.map_err(|reason| self.fault(reason))
    }

    /// A start on which decoders agree, as in [`SampleStream`](crate::SampleStream).
    async fn agreed(&self, position: CodedPos, decoder: SyncDecoder) -> Option<SyncStart> {
        if let Some(known) = self.agreed.known(position, decoder) {
            return known;
        }
        let found = self.search(position, decoder).await;
        found.unwrap_or_else(|fault| {
            tracing::debug!(recording = %self.reader.name(), ?fault, "cannot look back");
            None
        })
    }

    async fn search(
        &self,
        position: CodedPos,
        decoder: SyncDecoder,
    ) -> Result<Option<SyncStart>, Error> {
        let end = CodedPos::new(self.reader.info().coded_length);
        let mut agreement = Agreement::new(position..self.end, end, decoder);
        let mut pair = self.agreed.take(self.reader.head())?;
        while let Some(samples) = agreement.need() {
            let (span, mut blob) = (self.reader.span(samples).await?, Vec::new());
            self.reader.read(span.bytes(), &mut blob).await?;
            agreement.supply(span, blob, &mut pair).map_err(|reason| self.fault(reason))?;
        }
        self.agreed.put(pair);
        Ok(self.agreed.remember(position, agreement.found(), decoder))
    }

    fn fault(&self, reason: opus_segment_decode::Error) -> Error {
        Error::from(Reason::Read { recording: self.reader.name().clone(), source: reason })
    }
}
