mod agreement;
mod block;
mod construction;
mod memory;
mod race;
mod racer;
mod workers;

use std::{num::NonZeroUsize, thread};

pub use agreement::{AgreedStart, Agreement};
pub use construction::SyncConstruction;
use opus_packet::PacketSource;
use opus_packet_index::SyncEntry;

use self::{race::Race, workers::Workers};
use crate::{BoxError, Error, PacketDecoder, error::Reason};

/// Measures a sync map: one start every 0.4 seconds, and the output range in which a decoder
/// that begins there is exact.
///
/// A decoder from each start runs beside a sequential decoder of all packets until the memory of
/// both is equal: their output (as `f32`, bit for bit) has been equal for half a second, and two
/// CELT frames that are not transient have followed without lost audio; in SILK half a second
/// suffices, and a change of mode can wipe all memory at once. The start then counts as exact from
/// the first equal packet on, and with any other decoder from where memory is equal. If memory is not
/// equal after 30 seconds, the start only counts where its output was measured to be equal for the
/// longest time; with more than 16 Opus streams per packet, that is decided sooner, down to 3 seconds
/// for 255 streams.
///
/// Equal memory does not include what only serves to make up audio. A start therefore counts only
/// up to the next packet that asks for concealment, changes the mode without a redundant frame,
/// changes SILK's bandwidth, or continues an earlier CELT packet in a redundant frame, unless its
/// decoder was still running beside the sequential one and its output stayed equal. If all decoders
/// that run there fail, two starts about 3 and 8 seconds before it run again. Only the beginning
/// counts without limit.
///
/// Output as `i16` depends on the memory of a limiter as well, which is not measured. Reads go back
/// to a packet after which it is known ([`PacketDecoder::hold`]), usually the one before the range.
///
/// With several Opus streams per packet, all of this applies to each stream.
///
/// Where the encoder placed sync points, [`SyncConstruction`] needs no decoder.
///
/// `source` must be positioned before its first packet, and `new_decoder` creates decoders for
/// it. They must return the channels of the streams before mixing, as `LibopusDecoder::unmixed`
/// does, because a mix can hide the differences of a stream.
///
/// The caller's thread reads `source` and creates decoders while `threads` threads decode. With
/// one thread, the caller's thread does everything. The map does not depend on `threads`.
///
/// # Errors
///
/// Returns the error of the first packet that cannot be read or decoded, or for which no decoder
/// can be created.
///
/// # Panics
///
/// Panics if `source`, `new_decoder` or a decoder panics.
pub fn build_sync_map<P, D, E>(
    source: P,
    threads: NonZeroUsize,
    mut new_decoder: impl FnMut() -> Result<D, E>,
) -> Result<Vec<SyncEntry>, Error>
where
    P: PacketSource,
    D: PacketDecoder<f32> + Send,
    E: Into<BoxError>,
{
    let make = move || new_decoder().map_err(|error| Reason::NewDecoder(error.into()).into());
    let race = Race::new(source, threads, make)?;
    thread::scope(|scope| {
        let mut workers = Workers::start(scope, race.threads(), race.room());
        race.run(&mut workers)
    })
}
