//! Whether a recording is as it was written: what can be told without a container and
//! without a decoder.

mod documents;
mod fault;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod hostile;
mod rows;
mod shards;
#[cfg(test)]
mod tests;

use crate::{
    Error, Part, RecordingName, Storage,
    layout::BLOB_CHUNK,
    object::{self, is_absent, name_of},
    recording::{StoredRecording, document_key, part_keys},
    storage::{Ready, ready},
};

pub(crate) use documents::compare;
pub use fault::{Fault, FaultKind, Faults, Place};

/// What is checked, and how much of the audio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VerifyOptions {
    /// What is checked.
    pub level: VerifyLevel,
    /// Which share of the blob's chunks is read, from 0 to 1: the same chunks every time.
    /// The first and the last one always are. All else is checked whole.
    pub sample: f64,
}

/// What is checked; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifyLevel {
    /// The documents of the store, of the recording and of its arrays say what layout 1
    /// says, and fit together. Reads no audio.
    Metadata,
    /// Every chunk of both arrays has the checksum that stands behind it and the one of
    /// the attributes; the shards are what layout 1 says to the byte; the blob has its
    /// SHA-256, if all of it is read.
    Checksums,
    /// The rows of the index follow one another, fit the attributes and lie in the blob,
    /// where there is a packet of that duration for each of them.
    Index,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Verification {
    /// What is wrong.
    pub faults: Faults<Fault>,
    /// Chunks of both arrays that were read.
    pub chunks: u64,
    /// Packets that were looked at.
    pub packets: u64,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { level: VerifyLevel::Index, sample: 1.0 }
    }
}

impl VerifyOptions {
    /// Whether the chunk that holds this byte of a blob is among those that are read.
    pub fn takes_byte(&self, byte: u64, blob_bytes: u64) -> bool {
        let (chunk, last) = (byte / BLOB_CHUNK, blob_bytes.saturating_sub(1) / BLOB_CHUNK);
        chunk == 0 || chunk == last || self.takes(chunk)
    }

    /// Whether the chunk with this number, or what else is counted, is among those of the sample.
    pub fn takes(&self, number: u64) -> bool {
        // splitmix64: looks random, so that no rhythm of the audio goes together with it.
        let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let [a, b, c, d, ..] = (mixed ^ (mixed >> 31)).to_be_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) < self.sample * 4_294_967_296.0
    }

    fn takes_all(&self) -> bool {
        self.sample >= 1.0
    }
}

/// Checks a recording of the store in a storage. What is wrong with it is no error but a
/// [`Fault`].
///
/// # Errors
///
/// If there is no such recording, or it has a layout that this version does not know.
pub fn verify(
    storage: &dyn Storage,
    name: &RecordingName,
    options: &VerifyOptions,
) -> Result<Verification, Error> {
    let mut verifier = Verifier { storage, options, found: Verification::default() };
    if let Some(recording) = verifier.open(name)? {
        verifier.documents(&recording);
        if options.level >= VerifyLevel::Checksums {
            verifier.blob(&recording);
            verifier.index(&recording);
            verifier.sync(&recording);
        }
    }
    Ok(verifier.found)
}

/// On the way through a recording.
struct Verifier<'a> {
    storage: &'a dyn Storage,
    options: &'a VerifyOptions,
    found: Verification,
}

impl Verifier<'_> {
    /// None if its document is no recording, which then is among the faults.
    fn open(&mut self, name: &RecordingName) -> Result<Option<StoredRecording>, Error> {
        let error = match ready(StoredRecording::open(&Ready(self.storage), name)) {
            Ok(recording) => return Ok(Some(recording)),
            Err(error) => error,
        };
        let document = document_key(name);
        match error {
            Error::Layout { .. } | Error::Codec { .. } => Err(error),
            Error::NoSuchRecording { .. }
            | Error::NotAStore { .. }
            | Error::IsARecording { .. } => {
                // Without its document a recording is not there, but what lies under its
                // name tells that there was one.
                if !self.has_parts(name) {
                    return Err(error);
                }
                self.fault(&document, FaultKind::Lost);
                Ok(None)
            }
            Error::Metadata { reason, .. } => {
                self.fault(&document, FaultKind::Document { reason });
                Ok(None)
            }
            error => {
                self.failure(&document, error);
                Ok(None)
            }
        }
    }

    /// Every chunk of the sync map. Whether what it says is true, only a decoder can tell.
    fn sync(&mut self, recording: &StoredRecording) {
        let Ok(Some(sync)) = &recording.sync else { return };
        for (number, key) in (0..).zip(sync.keys()) {
            self.found.chunks += 1;
            if let Err(error) = ready(sync.chunk(&Ready(self.storage), number)) {
                self.failure(&key, error);
            }
        }
    }

    fn has_parts(&self, name: &RecordingName) -> bool {
        part_keys(name).iter().any(|key| self.read(key, Part::Range(0..1)).is_ok())
    }

    fn read(&self, key: &str, part: Part) -> Result<Vec<u8>, Error> {
        ready(object::read(&Ready(self.storage), key, part))
    }

    /// Something is wrong with an object.
    fn fault(&mut self, key: &str, kind: FaultKind) {
        self.place_fault(key, None, None, kind);
    }

    fn place_fault(
        &mut self,
        key: &str,
        bytes: Option<std::ops::Range<u64>>,
        packet: Option<u64>,
        kind: FaultKind,
    ) {
        let object = name_of(self.storage, key);
        self.found.faults.push(Fault { place: Place { object, bytes, packet }, kind });
    }

    /// An object could not be read.
    fn failure(&mut self, key: &str, error: Error) {
        match error {
            error if is_absent(&error) => self.fault(key, FaultKind::Lost),
            Error::Io { source, .. } => {
                self.fault(key, FaultKind::Unreadable { reason: source.to_string() });
            }
            Error::Damaged { offset, end, reason, .. } => {
                self.place_fault(key, Some(offset..end), None, FaultKind::Damaged { reason });
            }
            Error::Index { reason, .. } => self.fault(key, FaultKind::Rows(reason)),
            error => self.fault(key, FaultKind::Unreadable { reason: error.to_string() }),
        }
    }
}
