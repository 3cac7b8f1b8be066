use std::time::Duration;

use opus_encode::{Application, Bitrate, Channels, FrameDuration, Options, SyncInterval};
use opus_packet::{Mode, Toc};
use opus_segment_decode::{LibopusDecoder, PacketDecoder};

use crate::{Encoded, audio::noise, encode};

/// Returns after how many packets a decoder that starts at `start` produces the same bits as one
/// from the beginning, and continues to.
fn packets_until_exact(encoded: &Encoded, start: usize) -> usize {
    let decoder = || LibopusDecoder::new(&encoded.head).unwrap();
    let (mut whole, mut fresh) = (decoder(), decoder());
    let channels = usize::from(encoded.head.channels());
    let (mut a, mut b) = (vec![0f32; 5760 * channels], vec![0f32; 5760 * channels]);
    let mut differs = 0;
    for (number, packet) in encoded.packets.iter().enumerate().take(start + 50) {
        whole.decode(packet, &mut a).unwrap();
        if number >= start {
            fresh.decode(packet, &mut b).unwrap();
            if a != b {
                differs = number + 1 - start;
            }
        }
    }
    differs
}

#[test]
fn a_decoder_is_soon_exact_after_a_sync_point() {
    for channels in [Channels::MONO, Channels::STEREO, Channels::new(6).unwrap()] {
        let samples = noise(48_000 * 4, usize::from(channels.count()));
        let mut options = Options::new(channels);
        let with = encode(&samples, &options, 1);
        options.sync_interval = None;
        let without = encode(&samples, &options, 1);
        for second in 1..3 {
            let (with, without) =
                [&with, &without].map(|one| packets_until_exact(one, 50 * second)).into();
            assert!(with <= 6, "{channels:?}: {with} packets, {without} without");
            assert!(without > with, "{channels:?}: {with} packets, {without} without");
        }
    }
}

/// SILK forgets only when the mode changes.
#[test]
fn sync_points_of_silk_are_two_packets_with_celt() {
    let samples = noise(48_000 * 6, 1);
    for (bits, frame_duration) in [
        (16_000, FrameDuration::Ms20),
        (24_000, FrameDuration::Ms20),
        (20_000, FrameDuration::Ms60),
    ] {
        let mut options = Options::new(Channels::MONO);
        options.application = Application::Voip;
        options.bitrate = Bitrate::bits_per_second(bits);
        options.frame_duration = frame_duration;
        let encoded = encode(&samples, &options, 1);
        let is_celt = |packet: &Vec<u8>| Toc::new(packet[0]).mode() == Mode::Celt;
        let celt: Vec<usize> = (0..encoded.packets.len())
            .filter(|&number| is_celt(&encoded.packets[number]))
            .collect();
        // libopus turns the first of the two into SILK with a transition.
        let interval = 48_000 / frame_duration.samples() as usize;
        let expected: Vec<usize> =
            (1..7).map(|n| n * interval + 1).filter(|&n| n < encoded.packets.len()).collect();
        assert_eq!(celt, expected, "{bits} b/s");
        for second in 1..4 {
            let packets = packets_until_exact(&encoded, interval * second);
            assert!(packets <= 1, "{bits} b/s: {packets} packets");
        }
    }
}

/// Packets differ from those without sync points only after the first sync point.
#[test]
fn sync_points_lie_on_the_last_packet_within_the_interval() {
    let samples = noise(48_000 * 5, 1);
    for (frame_duration, millis, expected) in [
        (FrameDuration::Ms20, 1000, 50),
        (FrameDuration::Ms60, 1000, 16),
        (FrameDuration::Ms120, 500, 4),
        (FrameDuration::Ms120, 0, 1),
    ] {
        let mut options = Options::new(Channels::MONO);
        options.application = Application::LowDelay;
        options.frame_duration = frame_duration;
        options.sync_interval = None;
        let without = encode(&samples, &options, 1);
        options.sync_interval = Some(SyncInterval(Duration::from_millis(millis)));
        let with = encode(&samples, &options, 1);
        let pairs = with.packets.iter().zip(&without.packets);
        let first = pairs.enumerate().find(|(_, (a, b))| a != b).unwrap().0;
        assert_eq!(first, expected, "{frame_duration:?}, {millis} ms");
    }
}

#[test]
fn with_sync_points_all_packets_are_celt_at_any_rate() {
    let samples = noise(48_000 * 2, 1);
    for bits in [6_000, 9_000, 12_000, 24_000, 64_000] {
        let mut options = Options::new(Channels::MONO);
        options.bitrate = Bitrate::bits_per_second(bits);
        assert!(options.is_all_celt());
        let modes = |options: &Options| {
            let packets = encode(&samples, options, 1).packets;
            packets.iter().map(|packet| Toc::new(packet[0]).mode()).collect::<Vec<_>>()
        };
        assert!(modes(&options).iter().all(|&mode| mode == Mode::Celt), "{bits} b/s");
        options.application = Application::Voip;
        assert!(!options.is_all_celt());
        assert!(modes(&options).iter().any(|&mode| mode != Mode::Celt), "{bits} b/s");
    }
}
