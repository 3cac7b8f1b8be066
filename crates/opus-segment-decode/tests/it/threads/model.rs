//! A recording whose decoder remembers how many packets it has heard.

use std::{
    cell::Cell,
    num::{NonZeroU8, NonZeroUsize},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use opus_packet::{CodedPos, PlayPos, Timeline};
use opus_packet_index::{BlobRead, IndexBuilder, IndexRead, SYNC_SPACING, Span, SyncEntry};
use opus_segment_decode::{DecoderLayout, OutputRate, PacketDecoder, SegmentReader, SegmentStream};

pub(crate) const SECOND: u64 = 48_000;
pub(crate) const PACKETS: usize = 200 * 50;
/// Samples per packet, and in the recording.
const PACKET: usize = 960;
pub(crate) const LENGTH: u64 = 200 * SECOND;

/// What is known of the starts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Map {
    /// Exact after 30 packets, to the end.
    Complete,
    /// Also, starts less than 100 packets before some packets are not exact in these.
    Relays,
    /// Also, the first of these needs all packets.
    Gap,
    Missing,
}

impl Map {
    pub(crate) const ALL: [Self; 4] = [Self::Complete, Self::Relays, Self::Gap, Self::Missing];
}

/// The packets at which something fails.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Broken {
    pub(crate) index: Option<usize>,
    pub(crate) blob: Option<usize>,
    pub(crate) decoder: Option<usize>,
    pub(crate) panic: Option<usize>,
    /// Only the first time.
    pub(crate) once: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("broken")]
pub(crate) struct Failure;

pub(crate) struct Recording {
    kind: Map,
    pub(crate) map: Vec<SyncEntry>,
    /// A full decode.
    all: Vec<i16>,
    index: Span,
    bytes: Vec<u8>,
    broken: Broken,
    repaired: [Arc<AtomicBool>; 2],
    requests: Cell<[usize; 2]>,
    /// Counts the decoders.
    pub(crate) made: Arc<AtomicUsize>,
}

type Stream<'a> = SegmentStream<&'a Recording, &'a Recording, &'a [SyncEntry], Decoder, i16>;

impl Recording {
    pub(crate) fn new(kind: Map) -> Self {
        let (mut builder, mut bytes, mut rows) = (IndexBuilder::default(), Vec::new(), Vec::new());
        for number in 0..u16::try_from(PACKETS).unwrap() {
            let offset = u64::try_from(bytes.len()).unwrap();
            rows.push(builder.push(offset, 3, 960).unwrap());
            // CELT, 20 ms, one frame.
            bytes.push(31 << 3);
            bytes.extend(number.to_be_bytes());
        }
        let index = Span::parse(0, coded(0), rows, u64::try_from(bytes.len()).unwrap()).unwrap();
        Self {
            kind,
            map: map(kind),
            all: decode_all(kind),
            index,
            bytes,
            broken: Broken::default(),
            repaired: Default::default(),
            requests: Cell::default(),
            made: Arc::default(),
        }
    }

    pub(crate) fn broken(kind: Map, broken: Broken) -> Self {
        Self { broken, ..Self::new(kind) }
    }

    pub(crate) fn stream(&self, range: Range<u64>, threads: usize) -> Stream<'_> {
        let decoder = Decoder::new(self.kind, self.broken, &self.repaired[0], &self.made);
        let (kind, broken) = (self.kind, self.broken);
        let (repaired, made) = (self.repaired[0].clone(), self.made.clone());
        // The closure alone must not keep the counter alive for longer than the stream.
        let more = move || Ok::<_, Failure>(Decoder::new(kind, broken, &repaired, &made));
        let timeline = Timeline::new(0, LENGTH, 0).unwrap();
        SegmentReader::new(self, self, timeline)
            .stream(
                PlayPos::new(range.start)..PlayPos::new(range.end),
                self.map.as_slice(),
                decoder,
            )
            .unwrap()
            .threads(NonZeroUsize::new(threads).unwrap(), more)
    }

    /// The requests to the index and the blob since the last call.
    pub(crate) fn requests(&self) -> [usize; 2] {
        self.requests.take()
    }

    pub(crate) fn decoders(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    /// These samples of a full decode.
    pub(crate) fn expected(&self, range: &Range<u64>) -> &[i16] {
        let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap());
        &self.all[start..end]
    }

    fn request(&self, kind: usize) {
        let mut requests = self.requests.get();
        requests[kind] += 1;
        self.requests.set(requests);
    }
}

impl IndexRead for Recording {
    type Error = Failure;

    fn span(&self, samples: Range<CodedPos>) -> Result<Span, Failure> {
        self.request(0);
        let found = self.index.span(samples).map_err(|_| Failure)?;
        let packets = packets(found.packets());
        if self.broken.index.is_some_and(|broken| packets.contains(&broken)) {
            return Err(Failure);
        }
        Ok(found)
    }
}

impl BlobRead for Recording {
    type Error = Failure;

    fn read(&self, bytes: Range<u64>, out: &mut Vec<u8>) -> Result<(), Failure> {
        self.request(1);
        let packets = packets(bytes.start / 3..bytes.end / 3);
        if self.broken.blob.is_some_and(|broken| packets.contains(&broken))
            && !(self.broken.once && self.repaired[1].swap(true, Ordering::Relaxed))
        {
            return Err(Failure);
        }
        self.bytes.as_slice().read(bytes, out).map_err(|_| Failure)
    }
}

pub(crate) struct Decoder {
    kind: Map,
    broken: Broken,
    repaired: Arc<AtomicBool>,
    heard: usize,
    _made: Arc<AtomicUsize>,
}

impl Decoder {
    fn new(kind: Map, broken: Broken, repaired: &Arc<AtomicBool>, made: &Arc<AtomicUsize>) -> Self {
        made.fetch_add(1, Ordering::Relaxed);
        Self { kind, broken, repaired: repaired.clone(), heard: 0, _made: made.clone() }
    }

    /// The output of a packet depends on how many packets were heard before, up to its memory.
    fn sound(&mut self, number: usize, pcm: &mut [i16]) {
        let memory = self.heard.min(memory(self.kind, number));
        self.heard += 1;
        for (place, sample) in pcm.iter_mut().take(PACKET).enumerate() {
            let value = number * 31 + memory * 7 + place;
            *sample = i16::try_from(value % 32_749).unwrap();
        }
    }
}

impl PacketDecoder<i16> for Decoder {
    type Error = Failure;

    fn layout(&self) -> DecoderLayout {
        DecoderLayout { channels: 1, streams: NonZeroU8::MIN, rate: OutputRate::Hz48000 }
    }

    fn reset(&mut self) -> Result<(), Failure> {
        self.heard = 0;
        Ok(())
    }

    fn decode(&mut self, packet: &[u8], pcm: &mut [i16]) -> Result<usize, Failure> {
        let number = usize::from(u16::from_be_bytes([packet[1], packet[2]]));
        assert!(self.broken.panic != Some(number), "planned");
        if self.broken.decoder == Some(number)
            && !(self.broken.once && self.repaired.swap(true, Ordering::Relaxed))
        {
            return Err(Failure);
        }
        self.sound(number, pcm);
        Ok(PACKET)
    }
}

fn decode_all(kind: Map) -> Vec<i16> {
    let mut decoder = Decoder::new(kind, Broken::default(), &Arc::default(), &Arc::default());
    let sound = |number| {
        let mut pcm = [0; PACKET];
        decoder.sound(number, &mut pcm);
        pcm
    };
    (0..PACKETS).flat_map(sound).collect()
}

/// How many packets the output of a packet depends on.
fn memory(kind: Map, number: usize) -> usize {
    let is_deep = DEEP.contains(&number);
    match kind {
        Map::Relays if is_deep => 100,
        Map::Gap if number == DEEP[0] => PACKETS,
        Map::Gap if is_deep => 100,
        _ => 30,
    }
}

/// Packets 77 s, 77.5 s and 140.02 s from the start.
const DEEP: [usize; 3] = [3850, 3875, 7001];

/// The map of these memories. An entry lasts from where its start is exact up to the next packet
/// where it is not.
fn map(kind: Map) -> Vec<SyncEntry> {
    if matches!(kind, Map::Missing) {
        return Vec::new();
    }
    let mut map = vec![SyncEntry::ALL];
    for number in 1..LENGTH / SYNC_SPACING {
        let first = usize::try_from(number * SYNC_SPACING).unwrap() / PACKET;
        let is_wrong = |at: &usize| at - first < memory(kind, *at);
        let (from, until) = (first + 30, (first + 30..PACKETS).find(is_wrong));
        let at = |packet: usize| coded(u64::try_from(packet * PACKET).unwrap());
        map.push(SyncEntry::new(number, at(from), until.map(at)));
    }
    map
}

fn packets(range: Range<u64>) -> Range<usize> {
    usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()
}

pub(crate) fn coded(position: u64) -> CodedPos {
    CodedPos::new(position)
}
