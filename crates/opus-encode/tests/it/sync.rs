use std::time::Duration;

use opus_encode::{
    Application, Bitrate, Channels, FrameDuration, Options, SyncInterval, SyncPoint,
};
use opus_packet::{Mode, Toc};
use opus_segment_decode::{LibopusDecoder, PacketDecoder};

use crate::{
    Encoded,
    audio::{buzz_and_clicks, noise},
    encode,
};

/// Decodes everything, and beside it with a decoder that starts at each sync point and continues for
/// a second and a half. Returns how many samples it takes to become exact: as stated, and in fact.
fn distances(encoded: &Encoded) -> Vec<(u64, u64)> {
    let decoder = || LibopusDecoder::new(&encoded.head).unwrap();
    let channels = usize::from(encoded.head.channels());
    let (mut whole, mut pcm) = (decoder(), vec![0f32; 5760 * channels]);
    let mut others: Vec<(SyncPoint, LibopusDecoder, u64)> = Vec::new();
    let (mut points, mut now, mut distances) = (encoded.sync_points.iter().peekable(), 0, vec![]);
    let mut other_pcm = pcm.clone();
    for packet in &encoded.packets {
        let samples = whole.decode(packet, &mut pcm).unwrap();
        if let Some(point) = points.next_if(|point| point.start.get() == now) {
            others.push((*point, decoder(), now));
        }
        for (_, decoder, differs) in &mut others {
            decoder.decode(packet, &mut other_pcm).unwrap();
            let pairs = pcm.iter().zip(&other_pcm).take(samples * channels);
            // De-emphasis keeps remnants as small as this in silence.
            let mut differing =
                pairs.enumerate().filter(|(_, (a, b))| a != b && (*a - *b).abs() > 1e-30);
            if let Some((last, _)) = differing.next_back() {
                *differs = now + (last / channels) as u64 + 1;
            }
        }
        now += samples as u64;
        let is_done = |start: u64| start + 72_000 < now;
        while others.first().is_some_and(|(point, ..)| is_done(point.start.get())) {
            let (point, _, differs) = others.remove(0);
            let start = point.start.get();
            distances.push((point.exact_from.get() - start, differs - start));
        }
    }
    assert!(points.next().is_none(), "a point lies at no packet");
    distances
}

#[test]
fn decoders_are_exact_from_where_sync_points_say() {
    for (channels, bits) in [(1, 64_000), (2, 64_000), (2, 160_000), (6, 300_000)] {
        for frame_duration in FrameDuration::ALL {
            for make in [noise, buzz_and_clicks] {
                let samples = make(48_000 * 9, channels);
                let mut options = Options::new(Channels::new(channels as u8).unwrap());
                options.bitrate = Bitrate::bits_per_second(bits);
                options.frame_duration = frame_duration;
                let encoded = encode(&samples, &options, 1);
                let what = format!("{channels} channels, {bits} b/s, {frame_duration:?}");
                let intervals = 48_000 * 9 / options.sync_samples().unwrap() as usize;
                let points = encoded.sync_points.len();
                assert!(points + 1 >= intervals, "{what}: {points} of {intervals}");
                for (stated, found) in distances(&encoded) {
                    assert!(found <= stated, "{what}: exact after {found}, not {stated}");
                    let limit = 80 * 48 + u64::from(frame_duration.samples());
                    assert!(stated <= limit, "{what}: exact after {stated}");
                }
            }
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
        options.sync_interval = Some(SyncInterval(Duration::from_secs(1)));
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
        let distances = distances(&encoded);
        assert!(distances.len() >= 4);
        for (stated, found) in distances {
            assert_eq!(stated, frame_duration.samples().into(), "{bits} b/s");
            assert!(found <= stated, "{bits} b/s: exact after {found}");
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

/// Where libopus chooses the mode, sync points are exact in each of them and where it changes.
#[test]
fn decoders_are_exact_from_where_sync_points_say_in_every_mode() {
    let mut modes = Vec::new();
    for (channels, bits) in [(1, 10_000), (1, 24_000), (1, 48_000), (2, 24_000), (2, 48_000)] {
        for application in [Application::Audio, Application::Voip] {
            for frame_duration in [FrameDuration::Ms10, FrameDuration::Ms20, FrameDuration::Ms60] {
                for make in [noise, buzz_and_clicks] {
                    let mut options = Options::new(Channels::new(channels as u8).unwrap());
                    options.bitrate = Bitrate::bits_per_second(bits);
                    options.application = application;
                    options.frame_duration = frame_duration;
                    let encoded = encode(&make(48_000 * 9, channels), &options, 1);
                    modes.extend(encoded.packets.iter().map(|packet| Toc::new(packet[0]).mode()));
                    let what = format!("{channels} channels, {bits} b/s, {frame_duration:?}");
                    let intervals = 48_000 * 9 / options.sync_samples().unwrap() as usize;
                    let points = encoded.sync_points.len();
                    assert!(points + 1 >= intervals, "{what}: {points} of {intervals}");
                    for (stated, found) in distances(&encoded) {
                        assert!(found <= stated, "{what}: exact after {found}, not {stated}");
                    }
                }
            }
        }
    }
    for mode in [Mode::Silk, Mode::Hybrid, Mode::Celt] {
        let count = modes.iter().filter(|&&found| found == mode).count();
        assert!(count > 500, "{mode:?}: {count}");
    }
}

/// libopus chooses the mode. Where it would choose CELT in any case, recordings are encoded in
/// segments.
#[test]
fn celt_is_forced_only_where_libopus_would_choose_it() {
    for (channels, application, bits, expected) in [
        (1, Application::Audio, 53_000, false),
        (1, Application::Audio, 54_000, true),
        (2, Application::Audio, 54_000, true),
        (1, Application::Voip, 71_000, false),
        (1, Application::Voip, 72_000, true),
        (6, Application::Voip, 100_000, true),
        (1, Application::LowDelay, 16_000, true),
    ] {
        let samples = noise(48_000 * 3, channels);
        let mut options = Options::new(Channels::new(channels as u8).unwrap());
        options.application = application;
        options.bitrate = Bitrate::bits_per_second(bits);
        assert_eq!(options.is_all_celt(), expected, "{channels}, {application:?}, {bits}");
        options.sync_interval = None;
        let alone = encode(&samples, &options, 1).packets;
        let is_celt = alone.iter().all(|packet| Toc::new(packet[0]).mode() == Mode::Celt);
        assert!(is_celt || !expected || channels > 2, "{channels}, {application:?}, {bits}");
    }
}
