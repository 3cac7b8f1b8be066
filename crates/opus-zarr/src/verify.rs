//! Whether a recording is as it was imported: what the store can tell of itself, and what
//! takes a demuxer and a decoder.

mod audio;
mod stream;
mod sync;

use std::{path::Path, sync::Arc};

use opus_packet::InvalidTimeline;
use opus_segment_decode::{LibopusDecoder, LibopusError, OutputRate};
use opus_zarr_store::{
    FaultKind as StoreFault, Faults, LocalStorage, Place, RecordingName, RecordingReader, Storage,
    Store,
};

use crate::{Error, Recording, recording::exactness};

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

/// Checks a recording of the store in a directory. What is wrong with it is no error but a
/// [`Fault`].
///
/// # Errors
///
/// If there is no such recording, or it has a layout that this version does not know.
pub fn verify(
    store: impl AsRef<Path>,
    name: &str,
    options: &VerifyOptions,
) -> Result<Verification, Error> {
    let name = name.parse().map_err(opus_zarr_store::Error::from)?;
    let storage: Arc<dyn Storage> = Arc::new(LocalStorage::new(store));
    verify_stored(&storage, &name, options)
}

/// The same in a store that is open: in whatever storage it is kept.
pub fn verify_in(
    store: &Store,
    name: &str,
    options: &VerifyOptions,
) -> Result<Verification, Error> {
    let name = name.parse().map_err(opus_zarr_store::Error::from)?;
    verify_stored(store.storage(), &name, options)
}

impl Recording {
    /// Checks the recording as it is stored now: see [`verify()`](crate::verify()).
    pub fn verify(&self, options: &VerifyOptions) -> Result<Verification, Error> {
        verify_stored(self.reader().storage(), self.reader().name(), options)
    }
}

fn verify_stored(
    storage: &Arc<dyn Storage>,
    name: &RecordingName,
    options: &VerifyOptions,
) -> Result<Verification, Error> {
    let stored = opus_zarr_store::verify(&**storage, name, &options.of_store())?;
    let (chunks, packets) = (stored.chunks, stored.packets);
    let faults = stored.faults.map(|fault| Fault { place: fault.place, kind: fault.kind.into() });
    let mut found = Verification { faults, chunks, packets, ..Verification::default() };
    // If it cannot be opened, the store has said why.
    if options.level >= VerifyLevel::Packets
        && let Ok(reader) = RecordingReader::open_in(storage.clone(), name)
    {
        stream::check(&reader, &mut found);
        if options.level >= VerifyLevel::Decode {
            match LibopusDecoder::new(reader.head()) {
                Ok(decoder) => {
                    audio::check(&reader, decoder, options, &mut found);
                    if exactness(reader.info(), OutputRate::Hz48000).is_ok() {
                        sync::check(&reader, options, &mut found);
                    }
                }
                Err(reason) => found.not_decoded = Some(reason),
            }
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
