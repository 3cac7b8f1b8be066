use std::mem;

use opus_packet::{CodedPos, MAX_PACKET_DURATION, Mode, Packet, PacketSource, Toc, shortest_frame};
use opus_packet_index::{SYNC_SPACING, SyncEntry};

use crate::{BoxError, Error, PacketDecoder, streams::next_stream};

/// Measures a sync map: for a start in every half second, which output of a decoder that
/// begins there is exact.
///
/// A decoder from every start runs beside one that has heard all packets, until the output
/// of both (as `f32`, bit for bit) has been the same for a second; from the first equal
/// packet on the start then counts as exact. A start that is not after 30 seconds is given
/// up. Equal output is measured, not proved to last, and there is one thing that a second
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
/// `source` must stand before its first packet; `new_decoder` makes decoders for it. They must
/// give the channels of the streams before they are mixed to those of the output (of the
/// decoder here it is `LibopusDecoder::unmixed`): a mix does not show the peaks in a stream.
pub fn build_sync_map<P, D, E>(
    mut source: P,
    mut new_decoder: impl FnMut() -> Result<D, E>,
) -> Result<Vec<SyncEntry>, Error>
where
    P: PacketSource,
    D: PacketDecoder<f32>,
    E: Into<BoxError>,
{
    let mut make = move || new_decoder().map_err(|error| Error::Decoder { source: error.into() });
    let mut race = Race::new(make()?);
    while let Some(packet) = source
        .next_packet()
        .map_err(|error| Error::Source { packet: race.packets, source: error.into() })?
    {
        race.packet(packet, &mut make)?;
    }
    Ok(race.finish())
}

/// The decoder that has heard all packets, and those that run beside it.
struct Race<D> {
    sequential: Runner<D>,
    racers: Vec<Racer<D>>,
    rested: Vec<D>,
    entries: Vec<SyncEntry>,
    /// Entries that are exact without an end so far.
    open: Vec<usize>,
    packets: u64,
    position: u64,
    /// Of every Opus stream.
    was_celt: Vec<bool>,
    /// A packet of one of them.
    stream: Vec<u8>,
}

/// A decoder and what it gave last.
struct Runner<D> {
    decoder: D,
    pcm: Vec<f32>,
    len: usize,
    /// Whether there was a peak beyond full scale in it.
    is_loud: bool,
}

struct Racer<D> {
    runner: Runner<D>,
    number: usize,
    /// From where on all output has been the same.
    exact_from: Option<u64>,
}

/// What becomes of a racer.
enum Outcome {
    Running,
    Exact { from: u64 },
    GivenUp,
}

impl<D: PacketDecoder<f32>> Race<D> {
    fn new(decoder: D) -> Self {
        Self {
            sequential: Runner::new(decoder),
            racers: Vec::new(),
            rested: Vec::new(),
            entries: vec![SyncEntry::ALL],
            open: Vec::new(),
            packets: 0,
            position: 0,
            was_celt: Vec::new(),
            stream: Vec::new(),
        }
    }

    fn packet(
        &mut self,
        packet: Packet<'_>,
        make: &mut impl FnMut() -> Result<D, Error>,
    ) -> Result<(), Error> {
        if self.is_made_up(packet.data) {
            self.close();
        }
        let end = self.position + u64::from(packet.duration);
        // No packet is as long as half a second.
        if wide(self.entries.len()) * SYNC_SPACING < end {
            self.start(make)?;
        }
        let was_loud = self.sequential.is_loud;
        self.sequential.decode(self.packets, packet)?;
        for number in (0..self.racers.len()).rev() {
            let Some(racer) = self.racers.get_mut(number) else { continue };
            let place = self.position..end;
            match racer.run(self.packets, packet, place, &self.sequential, was_loud)? {
                Outcome::Running => {}
                Outcome::Exact { from } => self.retire(number, Some(from)),
                Outcome::GivenUp => self.retire(number, None),
            }
        }
        (self.packets, self.position) = (self.packets + 1, end);
        Ok(())
    }

    /// Whether the decoder makes up audio here: to conceal a loss, or to go smoothly from
    /// one way of coding to another.
    fn is_made_up(&mut self, packet: &[u8]) -> bool {
        let streams = usize::from(self.sequential.decoder.layout().streams.get());
        let (mut rest, mut is_made_up) = (packet, false);
        for number in 0..streams {
            // One that cannot be split cannot be decoded.
            let Ok(packet) = next_stream(&mut rest, number + 1 == streams, &mut self.stream) else {
                return true;
            };
            let is_celt = packet.first().is_some_and(|&toc| Toc::new(toc).mode() == Mode::Celt);
            let was_celt = self.was_celt.get_mut(number).map(|was| mem::replace(was, is_celt));
            if was_celt.is_none() {
                self.was_celt.push(is_celt);
            }
            is_made_up |= was_celt.is_some_and(|was| was != is_celt)
                || !shortest_frame(packet).is_ok_and(|len| len > 1);
        }
        is_made_up
    }

    /// Nothing is known of what comes now about the starts that run no more.
    fn close(&mut self) {
        for number in self.open.drain(..) {
            if let Some(entry) = self.entries.get_mut(number) {
                *entry = entry.ending(wide(number), CodedPos::new(self.position));
            }
        }
    }

    /// A decoder begins with the next packet.
    fn start(&mut self, make: &mut impl FnMut() -> Result<D, Error>) -> Result<(), Error> {
        let mut decoder = match self.rested.pop() {
            Some(decoder) => decoder,
            None => make()?,
        };
        decoder.reset().map_err(decode_error(self.packets))?;
        let number = self.entries.len();
        self.entries.push(SyncEntry::NONE);
        self.racers.push(Racer { runner: Runner::new(decoder), number, exact_from: None });
        Ok(())
    }

    fn retire(&mut self, racer: usize, exact_from: Option<u64>) {
        let Racer { runner, number, .. } = self.racers.swap_remove(racer);
        self.rested.push(runner.decoder);
        let Some(from) = exact_from else { return };
        if let Some(entry) = self.entries.get_mut(number) {
            *entry = SyncEntry::new(wide(number), CodedPos::new(from), None);
            self.open.push(number);
        }
    }

    /// Racers that are exact at the end have been so up to the end.
    fn finish(mut self) -> Vec<SyncEntry> {
        for number in (0..self.racers.len()).rev() {
            let exact_from = self.racers.get(number).and_then(|racer| racer.exact_from);
            self.retire(number, exact_from);
        }
        self.entries
    }
}

impl<D: PacketDecoder<f32>> Racer<D> {
    /// Decodes the packet in this `place`, and holds it against the sequential output. Before
    /// it, that had a peak or not.
    fn run(
        &mut self,
        number: u64,
        packet: Packet<'_>,
        place: std::ops::Range<u64>,
        sequential: &Runner<D>,
        was_loud: bool,
    ) -> Result<Outcome, Error> {
        let was_loud = was_loud || self.runner.is_loud;
        self.runner.decode(number, packet)?;
        if !self.runner.gave_the_same_as(sequential) {
            self.exact_from = None;
        } else if self.exact_from.is_none() && !was_loud {
            self.exact_from = Some(place.start);
        }
        Ok(match self.exact_from {
            Some(from) if place.end - from >= CONFIRMATION => Outcome::Exact { from },
            None if place.end > wide(self.number) * SYNC_SPACING + LIMIT => Outcome::GivenUp,
            _ => Outcome::Running,
        })
    }
}

impl<D: PacketDecoder<f32>> Runner<D> {
    fn new(decoder: D) -> Self {
        let most = usize::try_from(MAX_PACKET_DURATION).unwrap_or(usize::MAX);
        let pcm = vec![0.0; most * decoder.layout().channels];
        Self { decoder, pcm, len: 0, is_loud: false }
    }

    fn decode(&mut self, number: u64, packet: Packet<'_>) -> Result<(), Error> {
        let decoded = self.decoder.decode(packet.data, &mut self.pcm);
        let decoded = decoded.map_err(decode_error(number))?;
        if u32::try_from(decoded) != Ok(packet.duration) {
            let expected = packet.duration;
            return Err(Error::DecodedLength { packet: number, decoded, expected });
        }
        self.len = decoded * self.decoder.layout().channels;
        self.is_loud = self.output().iter().any(|sample| sample.abs() > 1.0);
        Ok(())
    }

    fn output(&self) -> &[f32] {
        self.pcm.get(..self.len).unwrap_or_default()
    }

    fn gave_the_same_as(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.output(), other.output());
        ours.len() == theirs.len()
            && ours.iter().zip(theirs).all(|(one, other)| one.to_bits() == other.to_bits())
    }
}

fn decode_error<E: Into<BoxError>>(packet: u64) -> impl Fn(E) -> Error {
    move |error| Error::Decode { packet, source: error.into() }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// For how long output must be the same, and when it is given up: 1 and 30 seconds at 48 kHz.
const CONFIRMATION: u64 = 48_000;
const LIMIT: u64 = 30 * 48_000;
