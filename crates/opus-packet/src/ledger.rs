use core::fmt;

use crate::CodedPos;

/// Counts the samples that a demuxer returns: those it read, and those that stand in for
/// lost ones.
///
/// Samples are per channel at 48 kHz.
///
/// ```
/// use opus_packet::Ledger;
///
/// let mut ledger = Ledger::default();
/// assert_eq!(ledger.read(960).get(), 0);
/// ledger.check_loss(1920)?;
/// assert_eq!(ledger.conceal(1920_u32).get(), 960);
/// assert_eq!(ledger.position().get(), 2880);
/// assert!(ledger.check_loss(u64::MAX).is_err());
/// # Ok::<(), opus_packet::TooMuchLost>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Ledger {
    read: u64,
    concealed: u64,
}

/// Lost audio. Packets that ask for concealment stand in for it (RFC 7845 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// The first lost sample.
    pub position: CodedPos,
    /// Number of lost samples, per channel at 48 kHz.
    pub samples: u64,
    /// Whether the number of samples is a guess: the source does not state it.
    pub is_inferred: bool,
}

/// More audio is lost than a recording can lack: 24 hours more than was read.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{lost} samples are lost after {read} were read; expected at most 24 hours more lost than read"
)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names the fields")]
pub struct TooMuchLost {
    pub lost: u64,
    pub read: u64,
}

impl Ledger {
    /// The position of the next sample.
    #[inline]
    pub fn position(self) -> CodedPos {
        // Neither comes near 2^63: every packet took bytes of the source, and `check_loss`
        // bounds what is concealed.
        CodedPos::new(self.read.saturating_add(self.concealed))
    }

    /// Counts a packet that was read, and returns its position.
    #[inline]
    pub fn read(&mut self, duration: u32) -> CodedPos {
        let position = self.position();
        self.read = self.read.saturating_add(u64::from(duration));
        position
    }

    /// Counts samples that stand in for lost ones, and returns their position.
    #[inline]
    pub fn conceal(&mut self, samples: impl Into<u64>) -> CodedPos {
        let position = self.position();
        self.concealed = self.concealed.saturating_add(samples.into());
        position
    }

    /// Checks that `samples` more may be lost. Times in a source can claim any gap, and
    /// whatever they claim is filled with packets.
    ///
    /// # Errors
    ///
    /// All losses together would last a day longer than what was read.
    pub fn check_loss(self, samples: u64) -> Result<(), TooMuchLost> {
        let (lost, read) = (self.concealed.saturating_add(samples), self.read);
        if lost > read.saturating_add(MAX_LOST_BEYOND_READ) {
            return Err(TooMuchLost { lost, read });
        }
        Ok(())
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, samples, is_inferred } = self;
        let inferred = if *is_inferred { " (inferred)" } else { "" };
        write!(f, "{samples} samples{inferred} are lost before coded sample {position}; concealed")
    }
}

impl Gap {
    /// A gap whose length the source states.
    pub fn new(position: CodedPos, samples: u64) -> Self {
        Self { position, samples, is_inferred: false }
    }

    /// Sets whether the number of samples is a guess.
    #[must_use]
    pub fn inferred(self, is_inferred: bool) -> Self {
        Self { is_inferred, ..self }
    }
}

/// 24 hours.
const MAX_LOST_BEYOND_READ: u64 = 24 * 3600 * 48_000;
