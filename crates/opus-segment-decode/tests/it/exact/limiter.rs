//! The limiter of 16-bit output has a memory that `f32` output does not show.

use magnum_opus::Application;
use opus_packet::{CodedPos, Mode};
use opus_packet_index::{SYNC_SPACING, SyncRead};

use super::{
    recording::Recording,
    signal::{Kind, MUSIC, SPEECH, encode_signal},
};

/// The packet with the second start of the sync map, which is the last SILK packet.
const START: usize = 25;

/// A slow tone beyond full scale where SILK ends and CELT begins. The first CELT packet still
/// depends on earlier packets, has a peak and stays above zero up to its end. The next ones depend
/// on CELT packets only, but a decoder that began shortly before remembers a lower peak.
fn peak_across_packets() -> Recording {
    let tone = |n: u16| {
        let periods = f32::from(n) / 4800.0 - 5.25;
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
