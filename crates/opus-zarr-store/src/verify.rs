//! Whether a recording is unchanged since it was written, as far as that can be told without
//! a demuxer and a decoder.

mod documents;
mod fault;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod hostile;
mod options;
mod rows;
mod shards;
#[cfg(test)]
mod tests;

use std::{
    io,
    ops::{ControlFlow, Range},
};

use crate::{
    Error, ErrorKind, Part, RecordingName, Storage,
    error::Reason,
    layout::ArrayKind,
    object::{self, name_of},
    recording::{StoredRecording, document_key, part_keys},
    storage::{Ready, ready},
};

pub use fault::{Component, Fault, FaultKind, Faults, Place};
pub use options::{VerifyLevel, VerifyOptions};

/// The result of a verification.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Verification {
    /// The faults found.
    pub faults: Faults<Fault>,
    /// What cannot be read right now, each object once. It may be intact, and what depends on it was
    /// not checked.
    pub unreadable: Faults<Fault>,
    /// Number of chunks read, over all arrays.
    pub chunks: u64,
    /// Number of packets checked.
    pub packets: u64,
}

/// The progress of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyProgress {
    /// Bytes read so far.
    pub bytes: u64,
    /// Bytes to read in all, an estimate.
    pub total_bytes: u64,
}

/// Verifies a recording of the store in a storage, as far as `options` ask. Damage is not an
/// error but a [`Fault`].
///
/// `watch` is called after every read of chunks or packets. If it returns
/// [`ControlFlow::Break`], the verification stops with an error of the kind
/// [`Cancelled`](ErrorKind::Cancelled).
///
/// ```
/// use std::ops::ControlFlow;
///
/// use opus_zarr_store::{ErrorKind, MemoryStorage, VerifyOptions, verify};
///
/// let (storage, name) = (MemoryStorage::new(), "a".parse()?);
/// let go_on = |_| ControlFlow::Continue(());
/// let error = verify(&storage, &name, &VerifyOptions::default(), go_on).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotAStore);
/// # Ok::<(), opus_zarr_store::InvalidName>(())
/// ```
///
/// # Errors
///
/// Fails if the recording or the store does not exist, or disappears meanwhile, and if the recording
/// has an unsupported layout.
pub fn verify(
    storage: &dyn Storage,
    name: &RecordingName,
    options: &VerifyOptions,
    mut watch: impl FnMut(VerifyProgress) -> ControlFlow<()>,
) -> Result<Verification, Error> {
    let mut verifier = Verifier::new(storage, options, &mut watch);
    if let Some(recording) = verifier.open(name)? {
        verifier.documents(&recording);
        if options.level >= VerifyLevel::Checksums {
            verifier.progress.total_bytes = options.total_bytes(&recording);
            verifier.blob(&recording);
            verifier.index(&recording);
            verifier.sync(&recording);
        }
    }
    if verifier.is_cancelled {
        return Err(Reason::Cancelled.into());
    }
    verifier.check_presence(name)?;
    Ok(verifier.found)
}

/// A verification in progress.
struct Verifier<'a> {
    storage: &'a dyn Storage,
    options: &'a VerifyOptions,
    watch: &'a mut dyn FnMut(VerifyProgress) -> ControlFlow<()>,
    progress: VerifyProgress,
    is_cancelled: bool,
    found: Verification,
}

impl<'a> Verifier<'a> {
    fn new(
        storage: &'a dyn Storage,
        options: &'a VerifyOptions,
        watch: &'a mut dyn FnMut(VerifyProgress) -> ControlFlow<()>,
    ) -> Self {
        Self {
            storage,
            options,
            watch,
            progress: VerifyProgress { bytes: 0, total_bytes: 0 },
            is_cancelled: false,
            found: Verification::default(),
        }
    }

    /// Opens the recording. Returns `None` if its document is not that of a recording, which is
    /// then a fault.
    fn open(&mut self, name: &RecordingName) -> Result<Option<StoredRecording>, Error> {
        let error = match ready(StoredRecording::open(&Ready(self.storage), name)) {
            Ok(recording) => return Ok(Some(recording)),
            Err(error) => error,
        };
        let at = Object { component: Component::Recording, key: document_key(name) };
        match error.kind() {
            ErrorKind::UnsupportedLayout
            | ErrorKind::TooLarge
            | ErrorKind::Codec
            | ErrorKind::NotARecording => {
                return Err(error);
            }
            ErrorKind::NoSuchRecording | ErrorKind::NotAStore | ErrorKind::IsARecording => {
                // A recording without its document does not exist, but objects under its name
                // show that it did.
                if !self.has_parts(name)? {
                    return Err(error);
                }
                self.fault(&at, FaultKind::Missing);
            }
            _ => self.failure(&at, error),
        }
        Ok(None)
    }

    /// Checks every chunk of the sync map. Only a decoder can check its content.
    fn sync(&mut self, recording: &StoredRecording) {
        let Ok(Some(sync)) = &recording.sync else { return };
        for (number, key) in (0..).zip(sync.keys()) {
            if self.is_cancelled {
                return;
            }
            self.found.chunks += 1;
            if let Err(error) = ready(sync.check_chunk(&Ready(self.storage), number)) {
                let component = Component::Data(ArrayKind::Sync);
                self.failure(&Object { component, key }, error);
            }
            self.advance(0);
        }
    }

    fn has_parts(&self, name: &RecordingName) -> Result<bool, Error> {
        for key in part_keys(name) {
            match self.read(&key, Part::Range(0..1)) {
                Ok(_) => return Ok(true),
                Err(error) if error.is_unreadable() => return Err(error),
                Err(_) => {}
            }
        }
        Ok(false)
    }

    /// Checks that the recording is still there if objects are missing. If it was removed, or its disk,
    /// it is not damaged.
    fn check_presence(&self, name: &RecordingName) -> Result<(), Error> {
        if !self.found.faults.listed().iter().any(|fault| fault.kind == FaultKind::Missing) {
            return Ok(());
        }
        let opened = ready(StoredRecording::open(&Ready(self.storage), name));
        match opened.map_err(|error| (error.kind(), error)) {
            Err((ErrorKind::NoSuchRecording | ErrorKind::NotAStore, error))
                if !self.has_parts(name)? =>
            {
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Whether an object of this kind is among those that cannot be read right now.
    fn is_unreadable(&self, component: Component) -> bool {
        self.found.unreadable.listed().iter().any(|fault| fault.place.component == component)
    }

    fn read(&self, key: &str, part: Part) -> Result<Vec<u8>, Error> {
        ready(object::read(&Ready(self.storage), key, part))
    }

    /// Reports that bytes have been read, and asks whether to go on.
    fn advance(&mut self, bytes: u64) {
        self.progress.bytes += bytes;
        self.progress.total_bytes = self.progress.total_bytes.max(self.progress.bytes);
        self.is_cancelled |= (self.watch)(self.progress).is_break();
    }

    /// Notes a fault of a whole object.
    fn fault(&mut self, at: &Object, kind: FaultKind) {
        self.place_fault(at, None, None, kind);
    }

    fn place_fault(
        &mut self,
        at: &Object,
        bytes: Option<Range<u64>>,
        packet: Option<u64>,
        kind: FaultKind,
    ) {
        let object = name_of(self.storage, &at.key);
        let place = Place { object, component: at.component, bytes, packet };
        self.found.faults.push(Fault { place, kind });
    }

    /// Notes an object that could not be read.
    fn failure(&mut self, at: &Object, error: Error) {
        if error.is_missing() {
            return self.fault(at, FaultKind::Missing);
        }
        let is_unreadable = error.is_unreadable();
        match error.into_reason() {
            Reason::Io { source, .. } if is_unreadable => self.unreadable(at, &source),
            Reason::Io { source, .. } => {
                self.fault(at, FaultKind::Damaged { reason: source.to_string() });
            }
            Reason::Damaged { bytes, reason, .. } => {
                self.place_fault(at, Some(bytes), None, FaultKind::Damaged { reason });
            }
            Reason::Index { fault, .. } => {
                self.fault(at, FaultKind::Rows { reason: fault.to_string() });
            }
            Reason::TooLarge { excess, .. } => {
                self.fault(at, FaultKind::Document { reason: excess.to_string() });
            }
            Reason::Metadata { reason, .. } => self.fault(at, FaultKind::Document { reason }),
            reason => self.fault(at, FaultKind::Damaged { reason: reason.to_string() }),
        }
    }

    /// Notes an object that cannot be read right now.
    fn unreadable(&mut self, at: &Object, source: &io::Error) {
        let object = name_of(self.storage, &at.key);
        if self.found.unreadable.listed().iter().any(|fault| fault.place.object == object) {
            return;
        }
        let place = Place { object, component: at.component, bytes: None, packet: None };
        let kind = FaultKind::Unreadable { reason: source.to_string() };
        self.found.unreadable.push(Fault { place, kind });
    }
}

/// An object by its key, and what it is a part of.
struct Object {
    component: Component,
    key: String,
}
