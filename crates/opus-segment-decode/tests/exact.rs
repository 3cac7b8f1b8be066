//! Exact reads against one decoding of everything, bit for bit, in every mode of Opus.

#![cfg(feature = "libopus")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::{convert::Infallible, fmt::Debug, num::NonZeroUsize};

use magnum_opus::{Application, Bitrate, Channels, Encoder};
use opus_packet::{
    ChannelMapping, CodedPos, Concealment, Mode, OpusHead, Packet, PacketSource, PlayPos, Timeline,
    Toc, write_self_delimited,
};
use opus_packet_index::{IndexBuilder, Span, SyncEntry, SyncRead};
use opus_segment_decode::{
    LibopusDecoder, PacketDecoder, PreRoll, Sample, SegmentReader, build_sync_map,
};

/// Packets, one after the other as they are.
struct Recording {
    head: OpusHead,
    packets: Vec<Vec<u8>>,
}

struct Walk<'a>(&'a OpusHead, std::slice::Iter<'a, Vec<u8>>);

impl PacketSource for Walk<'_> {
    type Error = Infallible;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Infallible> {
        let packet = |data| Packet { data, duration: self.0.packet_duration(data).unwrap() };
        Ok(self.1.next().map(|data| packet(data)))
    }
}

impl Recording {
    fn mono_or_stereo(channels: u8, packets: Vec<Vec<u8>>) -> Self {
        Self { head: OpusHead::new(channels, 0, 0).unwrap(), packets }
    }

    /// Of several streams, of which all but the last are self-delimited.
    fn of_streams(family: u8, channels: u8, table: &[u8], streams: &[Self]) -> Self {
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

    fn lose(&mut self, packet: usize) {
        let mut concealment = Concealment::new(&self.packets[packet - 1], 1, 960);
        let data = concealment.next_packet().unwrap().data.to_vec();
        self.packets[packet] = data;
    }

    fn decoder(&self) -> LibopusDecoder {
        LibopusDecoder::new(&self.head).unwrap()
    }

    /// With so many threads.
    fn sync_map_by(&self, threads: usize) -> Vec<SyncEntry> {
        let walk = Walk(&self.head, self.packets.iter());
        let threads = NonZeroUsize::new(threads).unwrap();
        build_sync_map(walk, threads, || LibopusDecoder::unmixed(&self.head)).unwrap()
    }

    /// The same with any number of threads.
    fn sync_map(&self) -> Vec<SyncEntry> {
        let sync = self.sync_map_by(1);
        for threads in [2, 3, 7] {
            assert!(self.sync_map_by(threads) == sync, "{threads} threads");
        }
        sync
    }

    fn index(&self) -> Span {
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

    fn decode_all<S: Sample>(&self) -> Vec<S> {
        let (mut decoder, mut all) = (self.decoder(), Vec::new());
        let channels = usize::from(self.head.channels());
        let mut pcm = vec![S::default(); 5760 * channels];
        for packet in &self.packets {
            let samples = decoder.decode(packet, &mut pcm).unwrap();
            all.extend_from_slice(&pcm[..samples * channels]);
        }
        all
    }

    /// Reads up to 100 ms from every packet on, and holds them against the whole.
    fn check<S: Sample + PartialEq + Debug>(&self, what: &str, sync: &[SyncEntry]) {
        let (index, blob) = (self.index(), self.packets.concat());
        let coded_len = index.samples().end.get();
        let timeline = Timeline::new(0, coded_len, 0).unwrap();
        let starts: Vec<u64> = index.rows().iter().map(|row| row.first).collect();
        let reader = SegmentReader::new(index, blob.as_slice(), timeline);
        let (all, mut decoder) = (self.decode_all::<S>(), self.decoder());
        let channels = usize::from(self.head.channels());
        for start in starts {
            let end = (start + 4800).min(coded_len);
            let play = PlayPos::new(start)..PlayPos::new(end);
            let samples: Vec<S> = reader.read(play, sync, &mut decoder).unwrap();
            let at = |place| usize::try_from(place).unwrap() * channels;
            assert!(samples == all[at(start)..at(end)], "{what}: {start}..{end}");
        }
    }

    fn modes(&self) -> Vec<Mode> {
        let mut modes: Vec<_> =
            self.packets.iter().map(|packet| Toc::new(packet[0]).mode()).collect();
        modes.dedup();
        modes.truncate(3);
        modes
    }

    /// How far before a packet its start lies, on average, in packets of the recording.
    fn mean_pre_roll(&self, sync: &[SyncEntry]) -> u64 {
        let index = self.index();
        let pre_roll = |row: &opus_packet_index::IndexRow| {
            row.first - sync.start(CodedPos::new(row.first)).unwrap().start.get()
        };
        index.rows().iter().map(pre_roll).sum::<u64>() / index.samples().end.get()
    }
}

/// What it takes to make a stream.
#[derive(Clone, Copy, Debug)]
struct Kind {
    application: Application,
    channels: u8,
    kbps: i32,
    vbr: bool,
    /// Samples per packet of one frame, and frames.
    frame: usize,
    loud: bool,
}

const SPEECH: Kind = Kind {
    application: Application::Voip,
    channels: 1,
    kbps: 12,
    vbr: true,
    frame: 960,
    loud: false,
};
const MUSIC: Kind = Kind { application: Application::LowDelay, channels: 2, kbps: 96, ..SPEECH };

/// Tones, noise and pauses that never come again, about as loud as speech or far too loud.
fn signal(kind: Kind, seconds: usize) -> Vec<f32> {
    let mut random = 1u32;
    let mut samples = Vec::new();
    let volume = if kind.loud { 3.0 } else { 0.3 };
    let seconds = (0..u16::try_from(seconds).unwrap())
        .flat_map(|second| (0..48_000u16).map(move |n| (second, n)));
    for (second, n) in seconds {
        let time = f32::from(second) + f32::from(n) / 48_000.0;
        let voiced = (time * 2.7).sin() > -0.3;
        let pitch = 120.0 + 40.0 * (time * 1.3).sin();
        for channel in 0..kind.channels {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f32::from(u16::try_from(random >> 16).unwrap()) / 32_768.0 - 1.0;
            let mut sample = noise * 0.02;
            if voiced {
                for harmonic in 1..12u8 {
                    let phase = time * pitch * f32::from(harmonic) * std::f32::consts::TAU;
                    sample += (phase + f32::from(channel)).sin() / f32::from(harmonic);
                }
            }
            samples.push(sample * volume);
        }
    }
    samples
}

fn encode(kind: Kind, seconds: usize) -> Recording {
    let channels = if kind.channels == 1 { Channels::Mono } else { Channels::Stereo };
    let mut encoder = Encoder::new(48_000, channels, kind.application).unwrap();
    encoder.set_bitrate(Bitrate::Bits(kind.kbps * 1000)).unwrap();
    encoder.set_vbr(kind.vbr).unwrap();
    let signal = signal(kind, seconds);
    let packets = signal
        .chunks_exact(kind.frame * usize::from(kind.channels))
        .map(|frame| encoder.encode_vec_float(frame, 4000).unwrap())
        .collect();
    Recording::mono_or_stereo(kind.channels, packets)
}

fn check(what: &str, recording: &Recording) -> u64 {
    let sync = recording.sync_map();
    recording.check::<f32>(what, &sync);
    recording.check::<i16>(what, &sync);
    recording.mean_pre_roll(&sync)
}

#[test]
fn every_packet_of_every_mode_and_duration_is_exact() {
    for frame in [120, 240, 480, 960, 1920, 2880] {
        let kinds: [(&[Mode], i32, Kind); 6] = [
            (&[Mode::Silk], 8, SPEECH),
            (&[Mode::Silk], 12, SPEECH),
            (&[Mode::Hybrid], 18, SPEECH),
            (&[Mode::Celt], 48, Kind { channels: 1, ..MUSIC }),
            (&[Mode::Celt], 96, Kind { vbr: false, ..MUSIC }),
            (&[], 32, Kind { application: Application::Audio, ..MUSIC }),
        ];
        for (modes, kbps, kind) in kinds {
            let kind = Kind { kbps, frame, ..kind };
            let recording = encode(kind, if frame < 960 { 3 } else { 7 });
            // Left to itself, this version of libopus chooses as it likes.
            if frame == 960 && !modes.is_empty() {
                assert_eq!(recording.modes(), modes, "{kind:?}");
            }
            let pre_roll = check(&format!("{kind:?}"), &recording);
            assert!(pre_roll < 5 * 48_000 / u64::try_from(frame).unwrap(), "{pre_roll}: {kind:?}");
        }
    }
}

#[test]
fn exact_with_peaks_beyond_full_scale() {
    for kind in [SPEECH, MUSIC] {
        check("loud", &encode(Kind { loud: true, ..kind }, 6));
    }
}

#[test]
fn exact_through_losses() {
    for kind in [SPEECH, Kind { kbps: 18, ..SPEECH }, MUSIC] {
        let mut recording = encode(kind, 10);
        for lost in [100, 101, 102, 250, 400] {
            recording.lose(lost);
        }
        check("losses", &recording);
    }
}

#[test]
fn exact_through_changes_of_mode() {
    let (silk, hybrid) = (encode(SPEECH, 6), encode(Kind { kbps: 18, ..SPEECH }, 6));
    let celt = encode(Kind { channels: 1, ..MUSIC }, 6);
    for each in [3, 40, 100] {
        let packets = (0..300)
            .map(|number| match number / each % 3 {
                0 => silk.packets[number].clone(),
                1 => celt.packets[number].clone(),
                _ => hybrid.packets[number].clone(),
            })
            .collect();
        let recording = Recording::mono_or_stereo(1, packets);
        assert_eq!(recording.modes().len(), 3);
        check("mode switches", &recording);
    }
}

/// Six channels of which every stream is coded in another way.
fn surround(change: impl FnOnce(&mut [Recording; 4])) -> Recording {
    let [front, rear] = [96, 48].map(|kbps| encode(Kind { kbps, ..MUSIC }, 6));
    let [centre, bass] = [18, 12].map(|kbps| encode(Kind { kbps, ..SPEECH }, 6));
    let mut streams = [front, rear, centre, bass];
    change(&mut streams);
    Recording::of_streams(1, 6, &[0, 4, 1, 2, 3, 5], &streams)
}

#[test]
fn surround_is_exact() {
    let pre_roll = check("surround", &surround(|_| ()));
    assert!(pre_roll < 5 * 50, "{pre_roll}");
}

/// What happens to one stream alone ends what is known of a start.
#[test]
fn surround_is_exact_through_losses_and_changes_of_mode_in_one_stream() {
    for stream in [1, 3] {
        check("loss", &surround(|streams| streams[stream].lose(150)));
    }
    let celt = encode(Kind { channels: 1, ..MUSIC }, 6).packets;
    let recording = surround(|streams| streams[2].packets[150..].clone_from_slice(&celt[150..]));
    check("mode switch", &recording);
}

/// Streams that are too loud, under a matrix that makes them quiet.
#[test]
fn ambisonics_with_a_demixing_matrix_are_exact() {
    let kinds = [MUSIC, MUSIC, SPEECH, SPEECH].map(|kind| Kind { loud: true, ..kind });
    let streams = kinds.map(|kind| encode(kind, 6));
    let matrix: Vec<u8> = (0..24i16)
        .flat_map(|cell| (if cell % 5 == 0 { 3000 } else { 7 * cell }).to_le_bytes())
        .collect();
    check("projection", &Recording::of_streams(3, 4, &matrix, &streams));
}

#[test]
fn the_index_of_other_streams_is_an_index_fault() {
    let recording = surround(|_| ());
    let (index, blob) = (recording.index(), recording.packets.concat());
    let timeline = Timeline::new(0, index.samples().end.get(), 0).unwrap();
    let reader = SegmentReader::new(index, blob.as_slice(), timeline);
    let pre_roll = PreRoll::new(3840, &timeline);
    let more = ChannelMapping::parse(255, 1, &[5, 0, 0]).unwrap();
    let decoder = LibopusDecoder::new(&recording.head.with_mapping(more)).unwrap();
    let play = PlayPos::new(0)..PlayPos::new(48_000);
    let error = reader.read::<f32, _>(play, &pre_roll, decoder).err();
    assert!(error.is_some_and(|error| error.is_index_fault()));
}

/// A sync map says for which decoder it is.
#[test]
fn the_identity_is_the_same_every_time() {
    let identity = LibopusDecoder::identity().unwrap();
    assert!(identity.starts_with("libopus ") && identity.contains(", fingerprint "), "{identity}");
    assert_eq!(LibopusDecoder::identity().unwrap(), identity);
}
