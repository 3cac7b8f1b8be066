use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use opus_packet::{Packet, PacketSource, SAMPLE_RATE};

use crate::Error;

/// How far an import is, or the measuring of a sync map, which is a stage of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done.
    pub stage: ImportStage,
    /// Bytes done in this stage: of the file, or of the packets that were made of it.
    pub bytes: u64,
    /// Bytes that there are to do in it, or somewhat more.
    pub total_bytes: u64,
    /// Audio that was gone through in this stage.
    pub audio: Duration,
    /// Time since it all began.
    pub elapsed: Duration,
    /// How long this stage goes on, at the pace it has had; none while it has none.
    pub left: Option<Duration>,
}

/// What an import is doing, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportStage {
    /// Reads a file with Opus once, to know what it holds.
    Survey,
    /// Writes the blob: copies, takes packets over, or encodes.
    Write,
    /// Makes the index of the blob.
    Index,
    /// Measures the sync map.
    Sync,
}

/// Tells a caller how far an import is, and asks whether to go on.
pub(crate) struct Watch<'a> {
    tell: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>,
    began: Instant,
    stage: ImportStage,
    stage_began: Instant,
    total_bytes: u64,
    /// Done in this stage.
    bytes: u64,
    samples: u64,
    /// Samples when it was told last.
    told: u64,
    is_cancelled: bool,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(tell: &'a mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Self {
        let began = Instant::now();
        Self {
            tell,
            began,
            stage: ImportStage::Survey,
            stage_began: began,
            total_bytes: 0,
            bytes: 0,
            samples: 0,
            told: 0,
            is_cancelled: false,
        }
    }

    pub(crate) fn begin(&mut self, stage: ImportStage, total_bytes: u64) -> Result<(), Error> {
        (self.stage, self.total_bytes, self.stage_began) = (stage, total_bytes, Instant::now());
        (self.bytes, self.samples, self.told) = (0, 0, 0);
        self.tell()
    }

    /// Takes note of bytes that were read in this stage.
    pub(crate) fn bytes(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        self.tell()
    }

    /// Takes note of a packet; tells it once a second of audio.
    pub(crate) fn packet(&mut self, bytes: usize, samples: u32) -> Result<(), Error> {
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        self.samples += u64::from(samples);
        if self.samples - self.told < u64::from(SAMPLE_RATE) {
            return Ok(());
        }
        self.told = self.samples;
        self.tell()
    }

    /// Takes note of where in the file an encoder is, and of what it made.
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

    fn tell(&mut self) -> Result<(), Error> {
        let progress = Progress {
            stage: self.stage,
            bytes: self.bytes,
            total_bytes: self.total_bytes,
            audio: Duration::from_millis(self.samples * 1000 / u64::from(SAMPLE_RATE)),
            elapsed: self.began.elapsed(),
            left: left(self.stage_began.elapsed(), self.bytes, self.total_bytes),
        };
        self.is_cancelled |= (self.tell)(&progress).is_break();
        if self.is_cancelled { Err(Error::Cancelled) } else { Ok(()) }
    }
}

/// Watches nothing.
pub(crate) fn go_on(_: &Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// What is left of a stage that took so long for so many bytes.
fn left(elapsed: Duration, bytes: u64, total: u64) -> Option<Duration> {
    let left = u128::from(total.saturating_sub(bytes));
    let nanos = (elapsed.as_nanos() * left).checked_div(bytes.into())?;
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

/// A source of packets that are watched.
pub(crate) struct Watched<'w, 'a, S> {
    source: S,
    watch: &'w mut Watch<'a>,
}

/// Why there is no packet.
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
            let told = self.watch.packet(packet.data.len(), packet.duration);
            told.map_err(|_| WatchedError::Cancelled)?;
        }
        Ok(packet)
    }
}
