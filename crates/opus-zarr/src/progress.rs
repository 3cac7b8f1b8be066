use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use opus_packet::{Packet, PacketSource, SAMPLE_RATE};

use crate::{Error, error::Reason};

/// The progress of a long operation.
///
/// An operation calls its `watch` with it at the start of each stage, and then at least once for
/// each second of audio, always in the thread that called the operation. If `watch` returns
/// [`ControlFlow::Break`], the operation stops with an error of the kind
/// [`Cancelled`](crate::ErrorKind::Cancelled) and leaves nothing half done.
///
/// ```no_run
/// use std::ops::ControlFlow;
///
/// use opus_zarr::{Progress, Recording, Store};
///
/// # fn main() -> Result<(), opus_zarr::Error> {
/// let mut recording = Recording::open(&Store::open("archive.zarr")?, "station-4")?;
/// recording.build_sync(|progress: &Progress| {
///     eprintln!("{:?}: {} of {} bytes", progress.stage, progress.bytes, progress.total_bytes);
///     let is_too_slow = progress.elapsed.as_secs() > 60;
///     if is_too_slow { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
/// })?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The present stage.
    pub stage: Stage,
    /// Bytes done in this stage: of the source file, or of the stored recording.
    pub bytes: u64,
    /// Bytes to do in this stage, or slightly more.
    pub total_bytes: u64,
    /// Length of the audio processed in this stage.
    pub audio: Duration,
    /// Time since the operation began.
    pub elapsed: Duration,
    /// Time that the rest of this stage takes at its pace so far. None at its start.
    pub left: Option<Duration>,
    /// Whether a sync map is going to be measured, which takes far longer than the other stages.
    pub(crate) measures_sync: bool,
}

/// A stage of a long operation. An import goes through the first four in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Reads a file with Opus once, to learn what it holds.
    Survey,
    /// Writes the blob: copies a file, repacks its packets, or encodes.
    Write,
    /// Builds the index from the blob.
    Index,
    /// Measures the sync map.
    Sync,
    /// Verifies what is stored.
    Verify,
}

/// Watches nothing and never cancels: the `watch` of an operation that nobody watches.
///
/// ```no_run
/// use opus_zarr::{ImportOptions, Store, import, unwatched};
///
/// # fn main() -> Result<(), opus_zarr::Error> {
/// let store = Store::open_or_create("archive.zarr")?;
/// import("station-4.opus", &store, "station-4", &ImportOptions::default(), unwatched)?;
/// # Ok(())
/// # }
/// ```
pub fn unwatched(_: &Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Reports progress to a caller, and asks whether to go on.
pub(crate) struct Watch<'a> {
    watch: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>,
    began: Instant,
    stage: Stage,
    stage_began: Instant,
    total_bytes: u64,
    /// Bytes done in this stage.
    bytes: u64,
    samples: u64,
    /// Samples at the last report.
    reported: u64,
    is_cancelled: bool,
    /// As in [`Progress`].
    pub(crate) measures_sync: bool,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(watch: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Self {
        let began = Instant::now();
        Self {
            watch,
            began,
            stage: Stage::Survey,
            stage_began: began,
            total_bytes: 0,
            bytes: 0,
            samples: 0,
            reported: 0,
            is_cancelled: false,
            measures_sync: false,
        }
    }

    pub(crate) fn begin(&mut self, stage: Stage, total_bytes: u64) -> Result<(), Error> {
        (self.stage, self.total_bytes, self.stage_began) = (stage, total_bytes, Instant::now());
        (self.bytes, self.samples, self.reported) = (0, 0, 0);
        self.report()
    }

    /// Adds bytes done in this stage.
    pub(crate) fn bytes(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        self.report()
    }

    /// Adds a packet. Reports once for each second of audio.
    pub(crate) fn packet(&mut self, bytes: usize, samples: u32) -> Result<(), Error> {
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        self.samples += u64::from(samples);
        if self.samples - self.reported < u64::from(SAMPLE_RATE) {
            return Ok(());
        }
        self.reported = self.samples;
        self.report()
    }

    /// Notes the position of an encoder in its file, and the packet it made.
    pub(crate) fn encoded(&mut self, bytes: u64, samples: u32) -> Result<(), Error> {
        self.bytes = bytes.clamp(self.bytes, self.total_bytes.max(self.bytes));
        self.packet(0, samples)
    }

    pub(crate) fn packets<S: PacketSource>(&mut self, source: S) -> Watched<'_, 'a, S> {
        Watched { source, watch: self }
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.is_cancelled
    }

    fn report(&mut self) -> Result<(), Error> {
        let progress = Progress {
            stage: self.stage,
            // The total may be an estimate.
            bytes: self.bytes.min(self.total_bytes),
            total_bytes: self.total_bytes,
            audio: Duration::from_millis(self.samples * 1000 / u64::from(SAMPLE_RATE)),
            elapsed: self.began.elapsed(),
            left: left(self.stage_began.elapsed(), self.bytes, self.total_bytes),
            measures_sync: self.measures_sync,
        };
        self.is_cancelled |= (self.watch)(&progress).is_break();
        if self.is_cancelled { Err(Error::from(Reason::Cancelled)) } else { Ok(()) }
    }
}

/// Estimates the rest of a stage from its pace.
fn left(elapsed: Duration, bytes: u64, total: u64) -> Option<Duration> {
    let left = u128::from(total.saturating_sub(bytes));
    let nanos = (elapsed.as_nanos() * left).checked_div(bytes.into())?;
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

/// A source of packets that reports its progress.
pub(crate) struct Watched<'w, 'a, S> {
    source: S,
    watch: &'w mut Watch<'a>,
}

/// Why a watched source has no packet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchedError<E> {
    #[error(transparent)]
    Source(E),
    #[error("cancelled")]
    Cancelled,
}

impl<S: PacketSource> PacketSource for Watched<'_, '_, S> {
    type Error = WatchedError<S::Error>;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Self::Error> {
        let packet = self.source.next_packet().map_err(WatchedError::Source)?;
        if let Some(packet) = &packet {
            let watched = self.watch.packet(packet.data.len(), packet.duration);
            watched.map_err(|_| WatchedError::Cancelled)?;
        }
        Ok(packet)
    }
}
