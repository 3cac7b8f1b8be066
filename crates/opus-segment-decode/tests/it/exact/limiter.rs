//! The limiter of 16-bit output has a memory that `f32` output does not show.

use std::num::NonZeroUsize;

use magnum_opus::{Application, Channels, Decoder};
use opus_packet::{CodedPos, Mode, PlayPos};
use opus_packet_index::{SYNC_SPACING, SyncEntry, SyncRead};
use opus_segment_decode::{
    DecoderLayout, LibopusDecoder, Limiter, Output, OutputRate, PacketDecoder, Sample,
    SegmentReader,
};

use super::{
    recording::Recording,
    signal::{Kind, LOUD, MUSIC, SPEECH, encode, encode_signal, encode_voice},
};

/// The packet with the second start of the sync map, which is the last SILK packet.
const START: usize = 20;

/// A slow tone beyond full scale where SILK ends and CELT begins. The first CELT packet still
/// depends on earlier packets, has a peak and stays above zero up to its end. The next ones depend
/// on CELT packets only, but a decoder that began shortly before remembers a lower peak.
fn peak_across_packets() -> Recording {
    let tone = |n: u16| {
        let periods = f32::from(n) / 4800.0 - 4.25;
        0.7 * (periods * std::f32::consts::TAU).cos()
    };
    let wave: Vec<f32> = (0..48_000).chain(0..48_000).map(tone).collect();
    let silk = Kind { application: Application::Audio, kbps: 10, ..SPEECH };
    let celt = Kind { channels: 1, packet: 240, ..MUSIC };
    let mut packets = encode_signal(silk, &wave[..(START + 1) * 960]).packets;
    packets.extend(encode_signal(celt, &wave[(START + 1) * 960..]).packets);
    let mut recording = Recording::mono_or_stereo(1, packets);
    recording.head = recording.head.with_output_gain(5 * 256);
    recording
}

#[test]
fn a_peak_that_continues_in_the_next_packet_is_remembered() {
    let recording = peak_across_packets();
    let modes: Vec<Mode> = recording.tocs().map(|toc| toc.mode()).collect();
    assert_eq!(modes[START..START + 2], [Mode::Silk, Mode::Celt]);
    assert_eq!(u64::try_from(START * 960), Ok(SYNC_SPACING));

    // In the second CELT packet, output is equal as f32 but not as i16.
    let packet = (START + 1) * 960 + 240..(START + 1) * 960 + 480;
    let of_start = packet.start - START * 960..packet.end - START * 960;
    let (all, late) = (0..START + 3, START..START + 3);
    let [whole, from_start] =
        [all.clone(), late.clone()].map(|packets| recording.decode::<f32>(packets));
    assert!(whole[packet.clone()] == from_start[of_start.clone()]);
    let [whole, from_start] = [all, late].map(|packets| recording.decode::<i16>(packets));
    assert!(whole[packet.clone()] != from_start[of_start]);

    // The start is exact there nevertheless, and a read as i16 goes back further.
    let position = CodedPos::new(u64::try_from(packet.start).unwrap());
    let found = recording.sync_map().start(position).unwrap();
    assert_eq!((found.start.get(), found.exact_from), (SYNC_SPACING, position));
    recording.check("a peak across packets");
}

/// Music beyond full scale in every packet, and as many packets to decode as for `f32`.
#[test]
fn clipped_music_costs_no_more_than_any_other() {
    let mut recording = encode_voice(Kind { volume: LOUD, ..MUSIC }, 12);
    recording.packets.drain(..60);
    recording.head = recording.head.with_output_gain(12 * 256);
    let pcm = recording.decode::<f32>(0..recording.packets.len());
    assert!(pcm.chunks(2 * 960).all(|packet| packet.iter().any(|sample| sample.abs() > 1.0)));

    let sync = recording.sync_map();
    recording.check_rates("clipped music", &sync, 1);
    let [of_f32, of_i16] = [packets_of::<f32>, packets_of::<i16>].map(|of| of(&recording, &sync));
    let at = |counts: &[usize], percent: usize| counts[(counts.len() - 1) * percent / 100];
    let [p50, p95] = [50, 95].map(|percent| (at(&of_f32, percent), at(&of_i16, percent)));
    println!("packets of a second, as f32 and as i16: p50 {p50:?}, p95 {p95:?}");
    assert!(p50.1 <= p50.0 + 1 && p95.1 <= p95.0 + 10, "{p50:?}, {p95:?}");
    let [of_f32, of_i16]: [usize; 2] = [of_f32, of_i16].map(|counts| counts.iter().sum());
    assert!(of_i16 <= of_f32 + of_f32 / 20, "{of_i16} packets as i16, {of_f32} as f32");
}

/// Decodes a second from every third packet and returns how many packets each took, sorted.
fn packets_of<S: Sample>(recording: &Recording, sync: &[SyncEntry]) -> Vec<usize> {
    let (timeline, blob) = (recording.timeline(), recording.packets.concat());
    let reader = SegmentReader::new(recording.index(), blob.as_slice(), timeline);
    let starts = (0..timeline.play_length() - 48_000).step_by(2880);
    let count = |start| {
        let mut decoder = Counting { decoder: recording.decoder(), packets: 0 };
        let play = PlayPos::new(start)..PlayPos::new(start + 48_000);
        reader.read::<S, _>(play, sync, &mut decoder).unwrap();
        decoder.packets
    };
    let mut counts: Vec<usize> = starts.map(count).collect();
    counts.sort_unstable();
    counts
}

/// Counts the packets it decodes.
struct Counting {
    decoder: LibopusDecoder,
    packets: usize,
}

impl<S: Sample> PacketDecoder<S> for Counting {
    type Error = opus_segment_decode::Error;

    fn layout(&self) -> DecoderLayout {
        PacketDecoder::<S>::layout(&self.decoder)
    }

    fn reset(&mut self) -> Result<(), Self::Error> {
        PacketDecoder::<S>::reset(&mut self.decoder)
    }

    fn decode(&mut self, packet: &[u8], pcm: &mut [S]) -> Result<usize, Self::Error> {
        self.packets += 1;
        self.decoder.decode(packet, pcm)
    }

    fn hold(&mut self, is_held: bool) -> bool {
        PacketDecoder::<S>::hold(&mut self.decoder, is_held)
    }
}

/// A wave so slow and loud that it stays on one side of zero, beyond full scale, for seconds.
fn slow_wave(kind: Kind, seconds: u16) -> Recording {
    let second = |second| (0..48_000u16).map(move |n| f32::from(second) + f32::from(n) / 48_000.0);
    let wave = (0..seconds).flat_map(second).flat_map(|time| {
        let sine = |frequency: f32| (time * frequency * std::f32::consts::TAU).sin();
        let sample = 0.9 * sine(0.2) + 0.002 * sine(440.0);
        std::iter::repeat_n(sample, kind.channels.into())
    });
    let mut recording = encode_signal(kind, &wave.collect::<Vec<f32>>());
    recording.head = recording.head.with_output_gain(40 * 256);
    recording
}

/// The longest run of packets after which the memory still depends on what it was before.
fn longest_memory(recording: &Recording, packet: usize) -> usize {
    let channels = NonZeroUsize::new(recording.head.channels().into()).unwrap();
    let pcm = recording.decode::<f32>(0..recording.packets.len());
    let packets: Vec<&[f32]> = pcm.chunks(packet * channels.get()).collect();
    let runs = packets.split(|packet| Limiter::forgets(packet, channels));
    runs.map(<[_]>::len).max().unwrap()
}

#[test]
fn memory_that_lasts_for_seconds_is_found() {
    for kind in [Kind { channels: 1, ..MUSIC }, Kind { packet: 480, ..MUSIC }] {
        let recording = slow_wave(kind, 7);
        let longest = longest_memory(&recording, kind.packet);
        assert!(longest * kind.packet > 48_000, "{longest} packets of {}", kind.packet);
        let sync = recording.sync_map();
        recording.check_rates("a slow wave", &sync, 5);
    }
}

/// Some streams forget in every packet and some do not.
#[test]
fn the_memory_of_every_stream_is_found() {
    let streams = [
        slow_wave(MUSIC, 7),
        encode(Kind { volume: LOUD, ..SPEECH }, 7),
        slow_wave(Kind { channels: 1, kbps: 64, ..MUSIC }, 7),
    ];
    let mut recording = Recording::of_streams(1, 4, &[0, 1, 2, 3], &streams);
    recording.head = recording.head.with_output_gain(40 * 256);
    let sync = recording.sync_map();
    recording.check_rates("four channels", &sync, 5);
}

/// Starts end at the losses, so decoding begins again there within a read, and the memory of the
/// limiter must pass over.
#[test]
fn memory_passes_over_where_decoding_begins_again() {
    let mut recording = slow_wave(Kind { channels: 1, ..MUSIC }, 8);
    for lost in (40..400).step_by(45) {
        recording.lose(lost..lost + 1);
    }
    let sync = recording.sync_map();
    recording.check_rates("a slow wave with losses", &sync, 5);
}

/// Decodes packets as `i16` with our limiter and with that of libopus, and compares after every
/// packet. Returns how many samples are beyond full scale at 48 kHz.
fn compare(kind: Kind, rate: OutputRate, gain: i16) -> usize {
    let channels = if kind.channels == 1 { Channels::Mono } else { Channels::Stereo };
    let mut recording = encode(kind, 3);
    recording.head = recording.head.with_output_gain(gain);
    if kind.packet == 960 {
        recording.lose(50..52);
    }
    let mut libopus = Decoder::new(rate.hz(), channels).unwrap();
    libopus.set_gain(gain.into()).unwrap();
    let mut ours =
        LibopusDecoder::with_output(&recording.head, &Output::default().rate(rate)).unwrap();
    let (mut our_i16, mut their_i16) = ([0i16; 2 * 5760], [0i16; 2 * 5760]);
    let (mut our_f32, mut their_f32) = ([0f32; 2 * 5760], [0f32; 2 * 5760]);
    let divisor = usize::try_from(rate.divisor()).unwrap();
    let room = kind.packet / divisor * usize::from(kind.channels);
    let pcm = recording.decode::<f32>(0..recording.packets.len());
    let beyond = pcm.iter().filter(|sample| sample.abs() > 1.0).count();
    for (number, packet) in recording.packets.iter().enumerate() {
        // Some packets are lost, and some decoded as f32.
        let packet: &[u8] = if number % 29 == 28 { &[] } else { packet };
        if number % 17 == 16 {
            let samples = libopus.decode_float(packet, &mut their_f32[..room], false).unwrap();
            assert_eq!(ours.decode(packet, &mut our_f32[..room]).unwrap(), samples);
            continue;
        }
        let samples = libopus.decode(packet, &mut their_i16[..room], false).unwrap();
        assert_eq!(ours.decode(packet, &mut our_i16[..room]).unwrap(), samples);
        assert!(our_i16 == their_i16, "{kind:?}, {rate:?}, gain {gain}, packet {number}");
    }
    beyond
}

#[test]
fn limiting_f32_gives_the_i16_of_libopus() {
    let loud_music = Kind { volume: LOUD, ..MUSIC };
    let loud_speech = Kind { volume: LOUD, ..SPEECH };
    let output = |(hz, gain): (u32, i16)| (OutputRate::try_from(hz).unwrap(), gain);
    for kind in [
        loud_music,
        Kind { packet: 120, ..loud_music },
        Kind { packet: 5760, channels: 1, ..loud_music },
        Kind { kbps: 24, ..loud_speech },
        Kind { rate: 16_000, packet: 2880, ..loud_speech },
    ] {
        // Without a gain, SILK alone stays within full scale.
        let outputs =
            [(48_000, 0), (48_000, 3000), (24_000, 0), (16_000, 900), (12_000, 99), (8000, -500)];
        let outputs = outputs.map(output);
        let beyond: usize = outputs.iter().map(|(rate, gain)| compare(kind, *rate, *gain)).sum();
        assert!(beyond > 1000, "{kind:?} does not clip");
    }
    assert_eq!(compare(Kind { volume: 0.1, ..MUSIC }, OutputRate::Hz48000, 0), 0);
}
