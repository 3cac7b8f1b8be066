use std::ops::{ControlFlow, Range};

use jiff::Timestamp;
use opus_segment_decode::Sample;
use opus_zarr_store::RecordingName;

use super::{Deployment, Gaps, Member, Piece, piece::Run};
use crate::{Error, NotExact, Recording, error::Reason};

/// A piece of a range with its samples.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct UtcSamples<S> {
    /// Where they are from.
    pub piece: Piece,
    /// The samples, interleaved by channel.
    pub samples: Vec<S>,
    /// The recordings whose samples may not be exact; none if all are.
    pub inexact: Vec<InexactPart>,
}

/// A recording whose samples in a range may not be exact.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InexactPart {
    /// The recording.
    pub recording: RecordingName,
    /// Why not.
    pub reason: NotExact,
}

impl Deployment {
    /// Reads what was recorded in a range of time: the samples recorded at its start or later, and
    /// before its end. One piece or, with [`Gaps::Split`], one per part without gaps.
    ///
    /// Each sample is that of a [read](Recording::read) of its recording.
    ///
    /// # Errors
    ///
    /// Those of [`pieces`](Self::pieces), and those of the reads.
    pub fn read_utc<S: Sample>(
        &self,
        range: Range<Timestamp>,
        gaps: Gaps,
    ) -> Result<Vec<UtcSamples<S>>, Error> {
        let read = |piece: Piece| {
            let mut samples = Vec::new();
            let inexact = self.stream_piece(&piece, |block| {
                samples.extend_from_slice(block);
                ControlFlow::Continue(())
            })?;
            Ok(UtcSamples { piece, samples, inexact })
        };
        self.pieces(range, gaps)?.into_iter().map(read).collect()
    }

    /// Streams what was recorded in a range of time: the same samples as
    /// [`read_utc`](Self::read_utc), passed to `each` in blocks until it breaks off, in memory that does
    /// not grow with the range. Returns the recordings whose samples may not be exact.
    ///
    /// Opens one recording at a time.
    pub fn stream_utc<S: Sample>(
        &self,
        range: Range<Timestamp>,
        gaps: Gaps,
        mut each: impl FnMut(&Piece, &[S]) -> ControlFlow<()>,
    ) -> Result<Vec<InexactPart>, Error> {
        let (mut inexact, mut flow) = (Vec::new(), ControlFlow::Continue(()));
        for piece in self.pieces(range, gaps)? {
            let part = self.stream_piece(&piece, |block| {
                flow = each(&piece, block);
                flow
            })?;
            inexact.extend(part);
            if flow.is_break() {
                break;
            }
        }
        Ok(inexact)
    }

    /// Streams one of the [pieces](Self::pieces) of a range, like [`stream_utc`](Self::stream_utc).
    pub fn stream_piece<S: Sample>(
        &self,
        piece: &Piece,
        mut each: impl FnMut(&[S]) -> ControlFlow<()>,
    ) -> Result<Vec<InexactPart>, Error> {
        let (mut inexact, mut buffer) = (Vec::new(), vec![S::default(); BUFFER]);
        for run in &piece.runs {
            let flow = match run {
                Run::Silent(samples) => {
                    buffer.fill(S::default());
                    self.silence(piece, samples, &buffer, &mut each)
                }
                Run::Recorded(member, samples) => {
                    let recording = self.open_member(member)?;
                    let mode = self.mode.unwrap_or_else(|| recording.read_mode());
                    let mut stream = recording.stream_as::<S>(mode, samples.clone())?;
                    let mut flow = ControlFlow::Continue(());
                    while flow.is_continue() {
                        let count = stream.read(&mut buffer)?;
                        match buffer.get(..count) {
                            None | Some([]) => break,
                            Some(block) => flow = each(block),
                        }
                    }
                    let reason = stream.exactness().err();
                    let part = |reason| InexactPart { recording: member.name.clone(), reason };
                    inexact.extend(reason.map(part));
                    flow
                }
            };
            if flow.is_break() {
                break;
            }
        }
        Ok(inexact)
    }

    /// Reads a part of one of the [pieces](Self::pieces) of a range: these of its
    /// [samples](Piece::samples), as far as it has them, interleaved by channel.
    pub fn read_part<S: Sample>(
        &self,
        piece: &Piece,
        samples: Range<u64>,
    ) -> Result<Vec<S>, Error> {
        let mut read = Vec::new();
        self.stream_piece(&piece.part(&samples), |block| {
            read.extend_from_slice(block);
            ControlFlow::Continue(())
        })?;
        Ok(read)
    }

    /// The number of samples per channel that a read of a piece returns, at the rate of the output.
    ///
    /// # Errors
    ///
    /// A recording cannot be opened. At 48 kHz none is.
    pub fn sample_count(&self, piece: &Piece) -> Result<u64, Error> {
        let mut count = 0u64;
        for run in &piece.runs {
            count = count.saturating_add(match run {
                Run::Silent(samples) => self.silent_count(samples),
                Run::Recorded(_, samples) if self.divisor() == 1 => samples.end - samples.start,
                Run::Recorded(member, samples) => {
                    self.open_member(member)?.sample_count(samples.clone())?
                }
            });
        }
        Ok(count)
    }

    fn silence<S: Sample>(
        &self,
        piece: &Piece,
        samples: &Range<i128>,
        zeros: &[S],
        each: &mut impl FnMut(&[S]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let channels = self.output.channels.count(piece.channels);
        let channels = u64::try_from(channels).unwrap_or(u64::MAX);
        let mut left = self.silent_count(samples).saturating_mul(channels);
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
            each(zeros.get(..count).unwrap_or_default())?;
            left -= u64::try_from(count).unwrap_or(left);
        }
        ControlFlow::Continue(())
    }

    /// Silent samples at the rate of the output: every second, third and so on.
    fn silent_count(&self, samples: &Range<i128>) -> u64 {
        let divisor = i128::from(self.divisor());
        let until = |sample: i128| -(-sample).div_euclid(divisor);
        u64::try_from(until(samples.end) - until(samples.start)).unwrap_or(u64::MAX)
    }

    fn divisor(&self) -> u32 {
        self.output.rate.divisor()
    }

    fn open_member(&self, member: &Member) -> Result<Recording, Error> {
        let mut recording = Recording::open(&self.store, member.name.as_str())?;
        if !member.is_current(recording.info()) {
            return Err(Reason::Changed { recording: member.name.clone() }.into());
        }
        recording.set_output(self.output.clone())?;
        if let Some(threads) = self.threads {
            recording.set_threads(threads);
        }
        Ok(recording)
    }
}

/// Samples of all channels in a block, at most.
const BUFFER: usize = 65_536;
