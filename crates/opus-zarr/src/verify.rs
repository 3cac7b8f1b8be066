//! Whether a recording is as it was imported: what the store can tell of itself, and what
//! takes a demuxer and a decoder.

mod audio;
mod stream;
mod sync;

use std::{ops::ControlFlow, sync::Arc};

use opus_packet::InvalidTimeline;
use opus_segment_decode::{LibopusDecoder, LibopusError, OutputRate};
use opus_zarr_store::{
    FaultKind as StoreFault, Faults, Place, RecordingInfo, RecordingName, RecordingReader, Storage,
    Store,
};

use crate::{
    Error, Recording,
    progress::{Progress, Stage, Watch},
    recording::exactness,
};

/// What is checked, and how much of the audio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VerifyOptions {
    /// What is checked.
    pub level: VerifyLevel,
    /// Which share of the blob's chunks is checked, and of the packets in them: from 0 to
    /// 1, the same every time, always with the first and the last chunk; and of the entries of
    /// the sync map, always with the first and the last that can be checked. All else that is not
    /// audio is checked whole; so is the stream of pages at the level of the packets,
    /// which can only be followed from its start.
    pub sample: f64,
}

/// What is checked; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifyLevel {
    /// The documents of the store, of the recording and of its arrays. Reads no audio.
    Metadata,
    /// Every chunk and shard, to the byte, and the SHA-256 of the blob.
    Checksums,
    /// The rows of the index, and the durations of the packets that they lead to.
    Index,
    /// The blob is a valid Ogg Opus stream with exactly the packets of the index, and with
    /// the head, the tags and the length of the attributes; gaps are where packets end.
    Packets,
    /// Every packet decodes to as many samples as it says. If there is a sync map for this
    /// decoder and all packets are decoded, it is measured again and is the same; if not all are,
    /// entries of it are held against the entries before them, for a second.
    Decode,
}

/// What was found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Verification {
    /// What is wrong: the first thousand, and how many more.
    pub faults: Faults<Fault>,
    /// Chunks of both arrays whose checksums were compared.
    pub chunks: u64,
    /// Packets whose durations were compared with the index.
    pub packets: u64,
    /// Packets that were decoded.
    pub decoded: u64,
    /// Why nothing was decoded though it was asked for: no fault of the recording.
    pub not_decoded: Option<LibopusError>,
}

/// What is wrong with a recording, and where. `Display` is one complete line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {kind}")]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What.
    pub kind: FaultKind,
}

/// What can be wrong with a recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum FaultKind {
    /// Told by the store alone.
    #[error(transparent)]
    Store(#[from] StoreFault),
    #[error("no valid Ogg Opus stream: {reason}")]
    Stream { reason: String },
    #[error("the packet crosses a page")]
    CrossesPage,
    #[error("a second stream follows")]
    SecondStream,
    #[error(
        "{length} bytes at byte {offset} of {duration} samples, which the index says to be {}",
        described(indexed)
    )]
    Row { offset: u64, length: u64, duration: u32, indexed: Option<(u64, u64, u64)> },
    #[error("the stream has {found} packets, expected {expected}")]
    PacketCount { found: u64, expected: u64 },
    #[error("its OpusHead is not the one of the attributes")]
    Head,
    #[error("its OpusTags are not those of the attributes")]
    Tags,
    #[error("{0}")]
    Timeline(InvalidTimeline),
    #[error(
        "{found} samples that play of {found_coded}, the attributes say {expected} of {expected_coded}"
    )]
    Length { found: u64, found_coded: u64, expected: u64, expected_coded: u64 },
    #[error(
        "gap of {samples} samples at coded sample {position}: expected between packets, behind the gap before"
    )]
    Gap { position: u64, samples: u64 },
    #[error("does not decode: {reason}")]
    Decode { reason: String },
    #[error("{found} samples decoded, expected {expected}")]
    Decoded { found: usize, expected: u64 },
    #[error("the sync map is not what this decoder gives, first at entry {first}")]
    SyncMap { first: usize },
    #[error(
        "entry {entry} of the sync map is wrong: from coded sample {position} on, a decoder that begins there does not give what one that begins before gives"
    )]
    SyncEntry { entry: u64, position: u64 },
    #[error("entry {entry} of the sync map could not be checked: {reason}")]
    SyncUnchecked { entry: u64, reason: String },
}

fn described(indexed: &Option<(u64, u64, u64)>) -> String {
    match indexed {
        Some((offset, length, duration)) => {
            format!("{length} bytes at byte {offset} of {duration} samples")
        }
        None => "none".to_owned(),
    }
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self { level: VerifyLevel::Packets, sample: 1.0 }
    }
}

impl VerifyOptions {
    /// Sets what is verified.
    #[must_use]
    pub fn level(mut self, level: VerifyLevel) -> Self {
        self.level = level;
        self
    }

    /// Sets the share of the audio that is verified, from 0 to 1.
    #[must_use]
    pub fn sample(mut self, sample: f64) -> Self {
        self.sample = sample;
        self
    }

    /// Estimates the bytes of the blob that are read, over all passes.
    fn bytes(&self, info: &RecordingInfo) -> u64 {
        let all = info.blob_bytes;
        #[allow(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "an estimate"
        )]
        let some = (all as f64 * self.sample.clamp(0.0, 1.0)) as u64;
        match self.level {
            VerifyLevel::Metadata => 0,
            VerifyLevel::Checksums => some,
            // The packets are read once more for their durations.
            VerifyLevel::Index => 2 * some,
            VerifyLevel::Packets => 2 * some + all,
            VerifyLevel::Decode => 3 * some + all,
        }
    }

    fn of_store(&self) -> opus_zarr_store::VerifyOptions {
        let level = match self.level {
            VerifyLevel::Metadata => opus_zarr_store::VerifyLevel::Metadata,
            VerifyLevel::Checksums => opus_zarr_store::VerifyLevel::Checksums,
            VerifyLevel::Index | VerifyLevel::Packets | VerifyLevel::Decode => {
                opus_zarr_store::VerifyLevel::Index
            }
        };
        opus_zarr_store::VerifyOptions { level, sample: self.sample }
    }
}

/// Verifies a recording as it is stored now, as far as `options` ask. Damage is not an error but a
/// [`Fault`]. `watch` follows the work and can cancel it ([`Progress`]).
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
/// The store has no such recording, or this version does not know its layout.
pub fn verify(
    store: &Store,
    name: &str,
    options: &VerifyOptions,
    mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Verification, Error> {
    let name = name.parse().map_err(opus_zarr_store::Error::from)?;
    verify_stored(store.storage(), &name, options, &mut Watch::new(&mut watch))
}

impl Recording {
    /// Verifies the recording as it is stored now: see [`verify()`](crate::verify()).
    pub fn verify(
        &self,
        options: &VerifyOptions,
        mut watch: impl FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<Verification, Error> {
        let watch = &mut Watch::new(&mut watch);
        verify_stored(self.reader().storage(), self.reader().name(), options, watch)
    }
}

fn verify_stored(
    storage: &Arc<dyn Storage>,
    name: &RecordingName,
    options: &VerifyOptions,
    watch: &mut Watch<'_>,
) -> Result<Verification, Error> {
    // If it cannot be opened, the store finds out why.
    let reader = RecordingReader::open_in(storage.clone(), name).ok();
    watch.begin(Stage::Verify, reader.as_ref().map_or(0, |reader| options.bytes(reader.info())))?;
    let stored = opus_zarr_store::verify(&**storage, name, &options.of_store())?;
    let (chunks, packets) = (stored.chunks, stored.packets);
    let faults = stored.faults.map(|fault| Fault { place: fault.place, kind: fault.kind.into() });
    let mut found = Verification { faults, chunks, packets, ..Verification::default() };
    let Some(reader) = reader else { return Ok(found) };
    if options.level >= VerifyLevel::Packets {
        stream::check(&reader, &mut found, watch)?;
    }
    if options.level >= VerifyLevel::Decode {
        match LibopusDecoder::new(reader.head()) {
            Ok(decoder) => {
                audio::check(&reader, decoder, options, &mut found, watch)?;
                if exactness(reader.info(), OutputRate::Hz48000).is_ok() {
                    sync::check(&reader, options, &mut found, watch)?;
                }
            }
            Err(reason) => found.not_decoded = Some(reason),
        }
    }
    Ok(found)
}

impl Verification {
    /// Something is wrong with the blob, or a packet of it.
    fn fault(&mut self, reader: &RecordingReader, packet: Option<u64>, kind: FaultKind) {
        self.fault_of("opus_blob", reader, packet, kind);
    }

    /// Something is wrong with an array.
    fn fault_of(
        &mut self,
        array: &str,
        reader: &RecordingReader,
        packet: Option<u64>,
        kind: FaultKind,
    ) {
        let object = format!("{}/{}/{array}", reader.storage(), reader.name());
        self.faults.push(Fault { place: Place { object, bytes: None, packet }, kind });
    }
}
