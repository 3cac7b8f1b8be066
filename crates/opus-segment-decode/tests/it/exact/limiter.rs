//! The limiter of 16-bit output has a memory that `f32` output does not show.

use std::num::NonZeroUsize;

use magnum_opus::{Application, Channels, Decoder};
use opus_packet::{CodedPos, Mode};
use opus_packet_index::{SYNC_SPACING, SyncRead};
use opus_segment_decode::{Limiter, to_i16};

use super::{
    recording::Recording,
    signal::{Kind, LOUD, MUSIC, SPEECH, encode, encode_signal},
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

    // A start there is therefore exact only later.
    let sync = recording.sync_map();
    let start = |position: usize| {
        let position = CodedPos::new(u64::try_from(position).unwrap());
        sync.start(position).unwrap().start.get()
    };
    assert_eq!([start(packet.start), start(packet.start + 4800)], [0, SYNC_SPACING]);
    recording.check("a peak across packets");
}

/// Decodes packets as `f32` and as `i16` and compares after every packet. Returns how many
/// packets had samples beyond full scale.
fn compare(kind: Kind, rate: u32, gain: i32) -> usize {
    let channels = if kind.channels == 1 { Channels::Mono } else { Channels::Stereo };
    let [mut of_f32, mut of_i16] = [(); 2].map(|()| Decoder::new(rate, channels).unwrap());
    of_f32.set_gain(gain).unwrap();
    of_i16.set_gain(gain).unwrap();
    let mut limiter = Limiter::new(NonZeroUsize::new(kind.channels.into()).unwrap());
    let (mut limited, mut rounded) = ([0.0; 2 * 5760], [0; 2 * 5760]);
    let mut beyond = 0;
    for packet in encode(kind, 3).packets {
        let samples = of_f32.decode_float(&packet, &mut limited, false).unwrap();
        assert_eq!(of_i16.decode(&packet, &mut rounded, false).unwrap(), samples);
        let samples = samples * usize::from(kind.channels);
        beyond += usize::from(limited[..samples].iter().any(|sample| sample.abs() > 1.0));
        limiter.limit(&mut limited[..samples]);
        let ours = limited[..samples].iter().copied().map(to_i16);
        assert!(ours.eq(rounded[..samples].iter().copied()), "{kind:?}, {rate} Hz, gain {gain}");
    }
    beyond
}

#[test]
fn limiting_f32_gives_the_i16_of_libopus() {
    let loud_music = Kind { volume: LOUD, ..MUSIC };
    let loud_speech = Kind { volume: LOUD, ..SPEECH };
    for kind in [
        loud_music,
        Kind { packet: 120, ..loud_music },
        Kind { packet: 5760, channels: 1, ..loud_music },
        Kind { kbps: 24, ..loud_speech },
        Kind { rate: 16_000, packet: 2880, ..loud_speech },
    ] {
        // Without a gain, SILK alone stays within full scale.
        let outputs = [(48_000, 0), (48_000, 3000), (24_000, 0), (8000, -500)];
        let beyond: usize = outputs.iter().map(|(rate, gain)| compare(kind, *rate, *gain)).sum();
        assert!(beyond > 9, "{kind:?} does not clip");
    }
    assert_eq!(compare(Kind { volume: 0.1, ..MUSIC }, 48_000, 0), 0);
}
