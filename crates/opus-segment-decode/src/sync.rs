mod block;
mod race;
mod racer;
mod workers;

use std::{
    num::{NonZeroU64, NonZeroUsize},
    thread,
};

use opus_packet::PacketSource;
use opus_packet_index::SyncEntry;

use self::{race::Race, workers::Workers};
use crate::{BoxError, Error, PacketDecoder};

/// Measures a sync map: for a start in every half second, which output of a decoder that
/// begins there is exact.
///
/// A decoder from every start runs beside one that has heard all packets, until the output
/// of both (as `f32`, bit for bit) has been the same for a second; from the first equal
/// packet on the start then counts as exact. A start that is not after 30 seconds is given
/// up, and sooner where a packet holds more than 16 Opus streams: for 255 it is 3 seconds.
/// Equal output is measured, not proved to last, and there is one thing that a second
/// of equal output says nothing about: what a decoder makes up where it conceals audio
/// comes of other memory. So a start counts only up to the next packet that asks for
/// concealment, or in which the mode changes to or from CELT, unless it was still running
/// beside and stayed the same. Only the beginning counts for ever.
///
/// The output as `i16` is exact there as well: libopus limits peaks softly before it rounds,
/// which has a memory that ends with a packet without peaks. A start counts only behind one.
///
/// Where there are several Opus streams in a packet, all this is looked for in each of them.
///
/// Where an encoder has placed sync points (packets that refer to none before) so many coded
/// samples apart, the first at the beginning, `sync_interval` says so: then only the last starts at
/// or before them are measured, and nothing is said of others.
/// What is said of a start does not depend on it. If it is not true, reads begin further back
/// than they need to.
///
/// `source` must stand before its first packet; `new_decoder` makes decoders for it. They must
/// give the channels of the streams before they are mixed to those of the output (of the
/// decoder here it is `LibopusDecoder::unmixed`): a mix does not show the peaks in a stream.
///
/// So many `threads` decode, while that of the caller reads `source` and makes decoders; with
/// one thread, the caller's does all. The map is the same with any number.
///
/// # Errors
///
/// The first packet that cannot be read, decoded, or have a decoder made for it.
///
/// # Panics
///
/// If `source`, `new_decoder` or a decoder does.
pub fn build_sync_map<P, D, E>(
    source: P,
    sync_interval: Option<NonZeroU64>,
    threads: NonZeroUsize,
    mut new_decoder: impl FnMut() -> Result<D, E>,
) -> Result<Vec<SyncEntry>, Error>
where
    P: PacketSource,
    D: PacketDecoder<f32> + Send,
    E: Into<BoxError>,
{
    let make = move || new_decoder().map_err(|error| Error::Decoder { source: error.into() });
    let race = Race::new(source, sync_interval, threads, make)?;
    thread::scope(|scope| {
        let mut workers = Workers::start(scope, race.threads(), race.room());
        race.run(&mut workers)
    })
}
