//! A recording in memory, and exact reads of it held against one decoding of everything.

use std::{convert::Infallible, fmt::Debug, num::NonZeroUsize, ops::Range};

use opus_packet::{
    ChannelMapping, CodedPos, Concealment, OpusHead, Packet, PacketSource, PlayPos, Timeline, Toc,
    write_self_delimited,
};
use opus_packet_index::{
    IndexBuilder, Span, SyncDecoder, SyncEntry, SyncRead, SyncStart, find_sync_start,
};
use opus_segment_decode::{
    LibopusDecoder, Output, OutputRate, PacketDecoder, Sample, SegmentReader, build_sync_map,
};

/// Packets end to end. Some samples at both ends do not play.
#[derive(Clone)]
pub(crate) struct Recording {
    pub(crate) head: OpusHead,
    pub(crate) packets: Vec<Vec<u8>>,
}

const PRE_SKIP: u16 = 312;
const END_TRIM: u64 = 100;

struct Walk<'a>(&'a OpusHead, std::slice::Iter<'a, Vec<u8>>);

impl PacketSource for Walk<'_> {
    type Error = Infallible;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Infallible> {
        let packet = |data| Packet { data, duration: self.0.packet_duration(data).unwrap() };
        Ok(self.1.next().map(|data| packet(data)))
    }
}

impl Recording {
    pub(crate) fn mono_or_stereo(channels: u8, packets: Vec<Vec<u8>>) -> Self {
        Self { head: OpusHead::new(channels, PRE_SKIP, 0).unwrap(), packets }
    }

    /// Joins several streams; all but the last are self-delimited.
    pub(crate) fn of_streams(family: u8, channels: u8, table: &[u8], streams: &[Self]) -> Self {
        let coupled = streams.iter().filter(|stream| stream.head.channels() == 2).count();
        let counts = [streams.len(), coupled].map(|count| u8::try_from(count).unwrap());
        let mapping = ChannelMapping::parse(family, channels, &[&counts, table].concat()).unwrap();
        let (last, first) = streams.split_last().unwrap();
        let packet = |number: usize| {
            let mut packet = Vec::new();
            for stream in first {
                write_self_delimited(&stream.packets[number], &mut packet).unwrap();
            }
            [&packet, last.packets[number].as_slice()].concat()
        };
        let packets = (0..last.packets.len()).map(packet).collect();
        Self { head: last.head.clone().with_mapping(mapping), packets }
    }

    /// Replaces these 20 ms packets with packets that ask for concealment.
    pub(crate) fn lose(&mut self, packets: Range<usize>) {
        for packet in packets {
            let mut concealment = Concealment::new(&self.packets[packet - 1], 1, 960);
            self.packets[packet] = concealment.next_packet().unwrap().data.to_vec();
        }
    }

    pub(crate) fn decoder(&self) -> LibopusDecoder {
        LibopusDecoder::new(&self.head).unwrap()
    }

    fn decoder_at(&self, rate: OutputRate) -> LibopusDecoder {
        LibopusDecoder::with_output(&self.head, &Output::default().rate(rate)).unwrap()
    }

    pub(crate) fn sync_map(&self) -> Vec<SyncEntry> {
        let [sync, by_threads] = [1, 3].map(|threads| {
            let walk = Walk(&self.head, self.packets.iter());
            let threads = NonZeroUsize::new(threads).unwrap();
            build_sync_map(walk, threads, || LibopusDecoder::unmixed(&self.head)).unwrap()
        });
        assert!(by_threads == sync, "the map depends on the number of threads");
        sync
    }

    pub(crate) fn index(&self) -> Span {
        let (mut builder, mut rows) = (IndexBuilder::default(), Vec::new());
        let mut end = 0;
        for packet in &self.packets {
            let len = u64::try_from(packet.len()).unwrap();
            let duration = self.head.packet_duration(packet).unwrap();
            rows.push(builder.push(end, len, duration).unwrap());
            end += len;
        }
        Span::parse(0, CodedPos::new(0), rows, end).unwrap()
    }

    pub(crate) fn timeline(&self) -> Timeline {
        let coded_length = self.index().samples().end.get();
        Timeline::new(self.head.pre_skip(), coded_length, END_TRIM).unwrap()
    }

    /// Decodes every sample of these packets, including those that do not play, beginning with the
    /// first of them.
    pub(crate) fn decode<S: Sample>(&self, packets: Range<usize>) -> Vec<S> {
        self.decode_at(OutputRate::Hz48000, packets)
    }

    fn decode_at<S: Sample>(&self, rate: OutputRate, packets: Range<usize>) -> Vec<S> {
        let (mut decoder, mut all) = (self.decoder_at(rate), Vec::new());
        let channels = usize::from(self.head.channels());
        let mut pcm = vec![S::default(); 5760 * channels];
        for packet in &self.packets[packets] {
            let samples = decoder.decode(packet, &mut pcm).unwrap();
            all.extend_from_slice(&pcm[..samples * channels]);
        }
        all
    }

    /// Reads up to 100 ms from every packet, the first and the last sample, and the whole in
    /// pieces, and compares them with a full decode.
    fn check_samples<S: Sample + PartialEq + Debug>(&self, what: &str, sync: &[SyncEntry]) {
        let (index, blob, timeline) = (self.index(), self.packets.concat(), self.timeline());
        let len = timeline.play_length();
        let play_start = |row: &opus_packet_index::IndexRow| {
            row.first.saturating_sub(timeline.pre_skip()).min(len - 1)
        };
        let mut starts: Vec<u64> = index.rows().iter().map(play_start).collect();
        starts.push(len - 1);
        let mut ranges: Vec<_> =
            starts.into_iter().map(|start| start..(start + 4800).min(len)).collect();
        ranges.extend([0..1, 0..len]);
        ranges.extend(pieces(len));

        let reader = SegmentReader::new(index, blob.as_slice(), timeline);
        let (all, mut decoder) = (self.decode::<S>(0..self.packets.len()), self.decoder());
        let channels = usize::from(self.head.channels());
        let at = |play| usize::try_from(play + timeline.pre_skip()).unwrap() * channels;
        for Range { start, end } in ranges {
            let play = PlayPos::new(start)..PlayPos::new(end);
            let samples: Vec<S> = reader.read(play, sync, &mut decoder).unwrap();
            assert!(samples == all[at(start)..at(end)], "{what}: {start}..{end} of {len}");
        }
    }

    /// Checks reads from every packet with both sample types. Returns how many samples before a
    /// packet its start lies on average.
    pub(crate) fn check(&self, what: &str) -> u64 {
        let sync = self.sync_map();
        self.check_samples::<f32>(what, &sync);
        self.check_samples::<i16>(what, &sync);
        let index = self.index();
        let pre_roll = |row: &opus_packet_index::IndexRow| {
            row.first - sync.start(CodedPos::new(row.first)).unwrap().start.get()
        };
        let sum: u64 = index.rows().iter().map(pre_roll).sum();
        sum / u64::try_from(index.rows().len()).unwrap()
    }

    /// Reads 60 ms as `i16` from one in `step` packets at every rate. Below 48 kHz, starts count from
    /// where they count for any decoder.
    pub(crate) fn check_rates(&self, what: &str, sync: &[SyncEntry], step: usize) {
        let (index, blob, timeline) = (self.index(), self.packets.concat(), self.timeline());
        let channels = usize::from(self.head.channels());
        let last = timeline.play_length() - 2880;
        let play_start = |row: &opus_packet_index::IndexRow| {
            row.first.saturating_sub(timeline.pre_skip()).min(last)
        };
        let starts: Vec<u64> = index.rows().iter().step_by(step).map(play_start).collect();
        let reader = SegmentReader::new(index, blob.as_slice(), timeline);
        for rate in [48_000, 24_000, 16_000, 12_000, 8000] {
            let rate = OutputRate::try_from(rate).unwrap();
            let all = self.decode_at::<i16>(rate, 0..self.packets.len());
            let mut decoder = self.decoder_at(rate);
            let is_measured = rate == OutputRate::Hz48000;
            let sync_decoder = if is_measured { SyncDecoder::Measuring } else { SyncDecoder::Any };
            for &start in &starts {
                let play = PlayPos::new(start)..PlayPos::new(start + 2880);
                let expected = rate.samples(&timeline.coded(play.clone()).unwrap());
                let [from, until] = [expected.start, expected.end]
                    .map(|sample| usize::try_from(sample).unwrap() * channels);
                let starts = MapFor(sync, sync_decoder);
                let found: Vec<i16> = reader.read(play, &starts, &mut decoder).unwrap();
                assert!(found == all[from..until], "{what}: {start}, {rate:?}");
            }
        }
    }

    pub(crate) fn tocs(&self) -> impl Iterator<Item = Toc> {
        self.packets.iter().map(|packet| Toc::new(packet[0]))
    }
}

struct MapFor<'a>(&'a [SyncEntry], SyncDecoder);

impl SyncRead for MapFor<'_> {
    type Error = Infallible;

    fn start(&self, position: CodedPos) -> Result<SyncStart, Infallible> {
        let found = find_sync_start(self.0, 0, position, self.1);
        Ok(found.unwrap_or(SyncStart::BEGINNING))
    }
}

/// Adjacent ranges of all lengths.
fn pieces(len: u64) -> Vec<Range<u64>> {
    let (mut pieces, mut start, mut random) = (Vec::new(), 0, 1u64);
    while start < len {
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let end = (start + 1 + random % (1 << (random >> 60))).min(len);
        pieces.push(start..end);
        start = end;
    }
    pieces
}
