//! Whether a recording is unchanged since its import. The store verifies what it can; the rest takes
//! a demuxer and a decoder.

mod audio;
mod stream;
mod sync;

use std::{error::Error as StdError, num::NonZeroUsize, ops::ControlFlow, sync::Arc};

use opus_packet::InvalidTimeline;
use opus_segment_decode::LibopusDecoder;
use opus_zarr_store::{
    ArrayKind, Component, FaultKind as StoreFault, Faults, Place, RecordingInfo, RecordingName,
    RecordingReader, Storage, Store, VerifyLevel, VerifyOptions,
};

use crate::{
    Error, Recording,
    decoders::processors,
    error::{Reason, store_error_in},
    facts::check_derivable,
    progress::{Progress, Stage, Watch},
};

/// The result of a verification.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Verification {
    /// The faults found.
    pub faults: Faults<Fault>,
    /// What cannot be read right now, each object once. It may be intact, and what depends on it was
    /// not checked.
    pub unreadable: Faults<Fault>,
    /// Number of chunks whose checksums were compared, over all arrays.
    pub chunks: u64,
    /// Number of packets whose durations were compared with the index.
    pub packets: u64,
    /// Number of packets decoded.
    pub decoded: u64,
    /// Why nothing was decoded, although the level asks for it. This is not a fault of the recording.
    pub not_decoded: Option<Error>,
}

/// A problem in a stored recording, and its place. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {kind}")]
#[non_exhaustive]
pub struct Fault {
    /// Where the problem is.
    pub place: Place,
    /// What the problem is.
    pub kind: FaultKind,
}

/// A problem in a stored recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum FaultKind {
    /// A problem that the store finds by itself.
    #[error(transparent)]
    Store(#[from] StoreFault),
    #[error("invalid Ogg Opus stream: {reason}")]
    Stream { reason: String },
    #[error("the packet crosses a page")]
    CrossesPage,
    #[error("a second stream follows")]
    SecondStream,
    #[error(
        "packet of {duration} samples in {length} bytes at byte {offset}, but the index states {}",
        described(indexed)
    )]
    Row { offset: u64, length: u64, duration: u32, indexed: Option<(u64, u64, u64)> },
    #[error("the stream has {found} packets, expected {expected}")]
    PacketCount { found: u64, expected: u64 },
    #[error("its OpusHead differs from the attributes")]
    Head,
    #[error("its OpusTags differ from the attributes")]
    Tags,
    #[error("{0}")]
    Timeline(InvalidTimeline),
    #[error(
        "play length {found} and coded length {found_coded}, but the attributes state {expected} and {expected_coded}"
    )]
    Length { found: u64, found_coded: u64, expected: u64, expected_coded: u64 },
    #[error(
        "gap of {samples} samples at coded sample {position}, expected between packets and after the previous gap"
    )]
    Gap { position: u64, samples: u64 },
    #[error("cannot be decoded: {reason}")]
    Decode { reason: String },
    #[error("decoded {found} samples, expected {expected}")]
    Decoded { found: usize, expected: u64 },
    #[error("the sync map does not fit this decoder, first at entry {first}")]
    SyncMap { first: usize },
    #[error(
        "entry {entry} of the sync map is wrong: from coded sample {position} on, decoding from this start differs from decoding from an earlier one"
    )]
    SyncEntry { entry: u64, position: u64 },
    #[error("entry {entry} of the sync map cannot be checked: {reason}")]
    SyncUnchecked { entry: u64, reason: String },
}

fn described(indexed: &Option<(u64, u64, u64)>) -> String {
    match indexed {
        Some((offset, length, duration)) => {
            format!("{duration} samples in {length} bytes at byte {offset}")
        }
        None => "no packet".to_owned(),
    }
}

/// Estimates the bytes of the blob that are read, over all passes.
fn bytes_to_read(options: &VerifyOptions, info: &RecordingInfo) -> u64 {
    let all = info.blob_bytes;
    #[allow(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "an estimate"
    )]
    let some = (all as f64 * options.sample.clamp(0.0, 1.0)) as u64;
    match options.level {
        VerifyLevel::Metadata => 0,
        VerifyLevel::Checksums => some,
        // The packets are read once more for their durations.
        VerifyLevel::Index => 2 * some,
        VerifyLevel::Packets => 2 * some + all,
        _ => 3 * some + all,
    }
}

/// Verifies a recording as it is stored now, as far as `options` ask. Damage is not an error but a
/// [`Fault`], and neither is what [cannot be read right now](Verification::unreadable). `watch` follows the work and can cancel it ([`Progress`]). All processors decode
/// packets, unless `options` set the number of threads.
///
/// ```no_run
/// use opus_zarr::{Store, VerifyLevel, VerifyOptions, unwatched, verify};
///
/// # fn main() -> Result<(), opus_zarr::Error> {
/// let store = Store::open("archive.zarr")?;
/// let options = VerifyOptions::default().level(VerifyLevel::Decode).sample(0.05);
/// let found = verify(&store, "station-4", &options, unwatched)?;
/// for fault in found.faults.listed() {
///     eprintln!("{fault}");
/// }
/// println!("{} packets decoded, {} faults", found.decoded, found.faults.total());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The store has no such recording, or not any more, or this version does not know its layout.
pub fn verify(
    store: &Store,
    name: &str,
    options: &VerifyOptions,
    mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Verification, Error> {
    let name = name.parse().map_err(opus_zarr_store::Error::from)?;
    verify_stored(store.storage(), &name, options, processors(), &mut Watch::new(&mut watch))
}

impl Recording {
    /// Verifies the recording as it is stored now: see [`verify()`](crate::verify()). Unless the
    /// options say otherwise, as many threads decode as are [set](Self::set_threads).
    pub fn verify(
        &self,
        options: &VerifyOptions,
        mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Verification, Error> {
        let watch = &mut Watch::new(&mut watch);
        let (storage, name) = (self.reader().storage(), self.reader().name());
        verify_stored(storage, name, options, self.threads(), watch)
    }
}

fn verify_stored(
    storage: &Arc<dyn Storage>,
    name: &RecordingName,
    options: &VerifyOptions,
    threads: NonZeroUsize,
    watch: &mut Watch<'_>,
) -> Result<Verification, Error> {
    // If it cannot be opened, the store finds out why.
    let reader = RecordingReader::open_in(storage.clone(), name);
    let total = reader.as_ref().map_or(0, |reader| bytes_to_read(options, reader.info()));
    watch.begin(Stage::Verify, total)?;
    let mut found = Verification::of(verify_storage(&**storage, name, options, watch)?);
    let reader = match reader {
        Ok(reader) => reader,
        // It could be read a moment later.
        Err(error) if found.faults.is_empty() && found.unreadable.is_empty() => {
            return Err(error.into());
        }
        Err(_) => return Ok(found),
    };
    if options.level >= VerifyLevel::Packets {
        stream::check(&reader, &mut found, watch)?;
    }
    if options.level >= VerifyLevel::Decode {
        match LibopusDecoder::new(reader.head()) {
            Ok(decoder) => {
                let threads = options.threads.unwrap_or(threads);
                audio::check(&reader, decoder, options, threads, &mut found, watch)?;
                if check_derivable(reader.info()).is_ok() {
                    sync::check(&reader, options, threads, &mut found, watch)?;
                }
            }
            Err(reason) => found.not_decoded = Some(Reason::Decoder(reason).into()),
        }
    }
    Ok(found)
}

/// Verifies what the store can verify of itself.
fn verify_storage(
    storage: &dyn Storage,
    name: &RecordingName,
    options: &VerifyOptions,
    watch: &mut Watch<'_>,
) -> Result<opus_zarr_store::Verification, Error> {
    let mut done = 0;
    let verified = opus_zarr_store::verify(storage, name, options, |progress| {
        let bytes = usize::try_from(progress.bytes - done).unwrap_or(usize::MAX);
        done = progress.bytes;
        if watch.bytes(bytes).is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if watch.is_cancelled() { Err(Error::from(Reason::Cancelled)) } else { Ok(verified?) }
}

impl Verification {
    /// Takes over what a store has found.
    fn of(stored: opus_zarr_store::Verification) -> Self {
        let (chunks, packets) = (stored.chunks, stored.packets);
        let fault =
            |fault: opus_zarr_store::Fault| Fault { place: fault.place, kind: fault.kind.into() };
        let (faults, unreadable) = (stored.faults.map(fault), stored.unreadable.map(fault));
        Self { faults, unreadable, chunks, packets, ..Self::default() }
    }

    /// Notes that an array cannot be read right now, unless that is known. Returns false for an error
    /// of another kind.
    fn note_unreadable(
        &mut self,
        array: ArrayKind,
        reader: &RecordingReader,
        error: &(dyn StdError + 'static),
    ) -> bool {
        let Some(source) = store_error_in(error).filter(|error| error.is_unreadable()) else {
            return false;
        };
        let data = Component::Data(array);
        if !self.unreadable.listed().iter().any(|fault| fault.place.component == data) {
            let reason = source.source().map_or_else(|| source.to_string(), ToString::to_string);
            let place = Place::in_array(reader, array, None);
            self.unreadable.push(Fault { place, kind: StoreFault::Unreadable { reason }.into() });
        }
        true
    }

    /// Adds a fault of the blob, or of one of its packets.
    fn fault(&mut self, reader: &RecordingReader, packet: Option<u64>, kind: FaultKind) {
        self.fault_of(ArrayKind::Blob, reader, packet, kind);
    }

    /// Adds a fault of an array.
    fn fault_of(
        &mut self,
        array: ArrayKind,
        reader: &RecordingReader,
        packet: Option<u64>,
        kind: FaultKind,
    ) {
        self.faults.push(Fault { place: Place::in_array(reader, array, packet), kind });
    }
}
