//! Exact reads, bit for bit against a full decode, in every mode of Opus.

mod agreed;
mod hidden;
mod limiter;
mod recording;
mod signal;
mod sounds;
mod streams;
mod threads;

use magnum_opus::Application;
use opus_packet::{Bandwidth, Mode, Toc};
use opus_segment_decode::LibopusDecoder;
use recording::Recording;
use signal::{Kind, LOUD, MUSIC, SPEECH, encode, merged};

/// Packet durations in samples: 10, 20, 40, 60 and 120 ms.
const DURATIONS: [usize; 5] = [480, 960, 1920, 2880, 5760];

/// Checks every packet of recordings of this kind with each duration. If `coding` is given, they
/// must have that mode and bandwidth.
fn check_durations(kind: Kind, durations: &[usize], coding: Option<(Mode, Bandwidth)>) {
    for &packet in durations {
        let kind = Kind { packet, ..kind };
        let recording = encode(kind, if packet < 480 { 2 } else { 5 });
        for toc in recording.tocs() {
            let found = (toc.mode(), toc.bandwidth());
            assert_eq!(found, coding.unwrap_or(found), "{kind:?}");
        }
        let pre_roll = recording.check(&format!("{kind:?}"));
        // If everything were decoded from the beginning, this would be half the length.
        assert!(3 * pre_roll < recording.timeline().coded_length(), "{pre_roll}: {kind:?}");
    }
}

#[test]
fn silk_is_exact() {
    let silk = |rate, kbps| Kind { rate, kbps, ..SPEECH };
    for (kind, bandwidth) in [
        (silk(8000, 8), Bandwidth::Narrow),
        (silk(12_000, 16), Bandwidth::Medium),
        (silk(16_000, 14), Bandwidth::Wide),
        (Kind { vbr: false, ..silk(16_000, 14) }, Bandwidth::Wide),
        (Kind { channels: 2, ..silk(16_000, 20) }, Bandwidth::Wide),
    ] {
        check_durations(kind, &DURATIONS, Some((Mode::Silk, bandwidth)));
    }
}

#[test]
fn hybrid_is_exact() {
    check_durations(Kind { kbps: 18, ..SPEECH }, &DURATIONS, Some((Mode::Hybrid, Bandwidth::Full)));
}

#[test]
fn celt_is_exact() {
    for kind in [Kind { channels: 1, kbps: 48, ..MUSIC }, Kind { vbr: false, ..MUSIC }] {
        let coding = Some((Mode::Celt, Bandwidth::Full));
        check_durations(kind, &[120, 240], coding);
        check_durations(kind, &DURATIONS, coding);
    }
}

#[test]
fn modes_chosen_by_the_encoder_are_exact() {
    let kind = Kind { application: Application::Audio, kbps: 32, ..MUSIC };
    check_durations(kind, &DURATIONS, None);
}

/// The longest packets, from two SILK frames to 48 CELT frames.
#[test]
fn packets_of_120_ms_are_exact() {
    let silk = Kind { rate: 16_000, packet: 2880, ..SPEECH };
    for kind in [silk, Kind { kbps: 18, ..SPEECH }, Kind { packet: 120, ..MUSIC }] {
        let recording = merged(&encode(kind, 6), 5760 / kind.packet);
        let of_120_ms = |packet: &Vec<u8>| opus_packet::duration(packet) == Ok(5760);
        assert!(recording.packets.iter().all(of_120_ms));
        recording.check(&format!("120 ms of {kind:?}"));
    }
}

/// Each packet repeats the previous one. The repetition is never decoded, because lost packets
/// are replaced by empty frames that ask for concealment.
#[test]
fn exact_with_error_correction() {
    let kind = Kind { rate: 16_000, kbps: 24, fec: true, ..SPEECH };
    let mut recording = encode(kind, 5);
    // The second bit of the frame (RFC 6716 section 4.2.3).
    let repeats = recording.packets.iter().filter(|packet| packet[1] & 0x40 != 0).count();
    assert!(repeats > 100, "{repeats} packets");
    recording.check("error correction");
    recording.lose(150..152);
    recording.check("error correction, and losses");
}

#[test]
fn exact_with_peaks_beyond_full_scale() {
    for kind in [SPEECH, MUSIC] {
        encode(Kind { volume: LOUD, ..kind }, 6).check("loud");
    }
}

#[test]
fn exact_through_losses() {
    for kind in [SPEECH, Kind { kbps: 18, ..SPEECH }, MUSIC] {
        let mut recording = encode(kind, 10);
        for lost in [100..103, 250..251, 400..401] {
            recording.lose(lost);
        }
        recording.check("losses");
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
        Recording::mono_or_stereo(1, packets).check("mode switches");
    }
}

/// Mode, bandwidth and duration change every three packets.
#[test]
fn exact_where_everything_changes() {
    let celt = Kind { channels: 1, ..MUSIC };
    let kinds = [
        Kind { rate: 8000, packet: 2880, ..SPEECH },
        Kind { packet: 120, ..celt },
        Kind { rate: 16_000, packet: 480, ..SPEECH },
        Kind { kbps: 18, ..SPEECH },
        Kind { packet: 5760, ..celt },
        Kind { rate: 12_000, packet: 1920, ..SPEECH },
        Kind { packet: 240, ..celt },
        Kind { kbps: 24, packet: 480, ..SPEECH },
    ];
    let streams = kinds.map(|kind| encode(kind, 9));
    let packets: Vec<_> = (0..24)
        .flat_map(|round| streams.iter().flat_map(move |stream| &stream.packets[3 * round..][..3]))
        .cloned()
        .collect();
    let recording = Recording::mono_or_stereo(1, packets);
    let codings = [Mode::Silk, Mode::Celt, Mode::Silk, Mode::Hybrid];
    let found: Vec<Mode> = recording.tocs().step_by(3).take(4).map(Toc::mode).collect();
    assert_eq!(found, codings);
    recording.check("everything changes");
}

/// A sync map names the decoder it belongs to.
#[test]
fn the_identity_is_stable() {
    let identity = LibopusDecoder::identity().unwrap();
    assert!(identity.starts_with("libopus ") && identity.contains(", fingerprint "), "{identity}");
    assert_eq!(LibopusDecoder::identity().unwrap(), identity);
}
