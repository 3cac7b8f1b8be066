//! Selected channels, and a mono mix, at any rate.

use opus_segment_decode::{ChannelSelection, LibopusDecoder, Output, PacketDecoder, Sample};

use super::{
    recording::{Recording, Reference},
    surround,
};

fn decode<S: Sample>(recording: &Recording, hz: u32, channels: ChannelSelection) -> Vec<S> {
    let output = Output::default().rate(hz.try_into().unwrap()).channels(channels);
    let mut decoder = LibopusDecoder::with_output(&recording.head, &output).unwrap();
    let channels = PacketDecoder::<S>::layout(&decoder).channels;
    let (mut pcm, mut all) = (vec![S::default(); 5760 * channels], Vec::new());
    for packet in recording.packets() {
        let samples = decoder.decode(&packet, &mut pcm).unwrap();
        all.extend_from_slice(&pcm[..samples * channels]);
    }
    all
}

fn layouts() -> [Recording; 4] {
    [
        surround(),
        Recording::new(255, 7, (4, 1), &[4, 255, 1, 1, 0, 255, 3]),
        Recording::new(2, 4, (4, 0), &[3, 1, 2, 0]),
        Recording::projection(4, (2, 2), &[7000; 16]),
    ]
}

fn check_selected<S: Reference>(recording: &Recording, selected: &[u8]) {
    let channels = usize::from(recording.head.channels());
    for hz in [48_000, 16_000] {
        let all = decode::<S>(recording, hz, ChannelSelection::All);
        let frames = all.chunks_exact(channels);
        let pick = |frame: &[S]| selected.iter().map(|&n| frame[usize::from(n)]).collect();
        let expected: Vec<S> = frames.flat_map(|frame| -> Vec<S> { pick(frame) }).collect();
        let found = decode::<S>(recording, hz, ChannelSelection::Only(selected.to_vec()));
        assert!(found == expected, "{selected:?} of {:?} at {hz}", recording.head);
    }
}

#[test]
fn selected_channels_equal_those_of_the_full_output() {
    for recording in layouts() {
        for selected in [&[0][..], &[3, 1], &[2, 2, 0, 3]] {
            check_selected::<i16>(&recording, selected);
            check_selected::<f32>(&recording, selected);
        }
    }
}

/// Checks the mono mix against the shares of its channels.
fn check_mono(recording: &Recording, shares: &[f64]) {
    let channels = usize::from(recording.head.channels());
    assert_eq!(channels, shares.len());
    let all = decode::<f32>(recording, 48_000, ChannelSelection::All);
    let sum = |frame: &[f32]| -> f64 {
        frame.iter().zip(shares).map(|(&sample, share)| f64::from(sample) * share).sum()
    };
    let expected: Vec<f64> = all.chunks_exact(channels).map(sum).collect();
    let floats = decode::<f32>(recording, 48_000, ChannelSelection::Mono);
    assert_eq!(floats.len(), expected.len());
    assert!(expected.iter().any(|sample| sample.abs() > 0.01), "expected more than silence");
    for (&found, expected) in floats.iter().zip(&expected) {
        assert!((f64::from(found) - expected).abs() < 2e-4, "{found} for {expected}");
    }
    // 16-bit output is a rounded mix of rounded samples.
    let all = decode::<i16>(recording, 48_000, ChannelSelection::All);
    let sum = |frame: &[i16]| -> f64 {
        frame.iter().zip(shares).map(|(&sample, share)| f64::from(sample) * share).sum()
    };
    let found = decode::<i16>(recording, 48_000, ChannelSelection::Mono);
    for (&found, frame) in found.iter().zip(all.chunks_exact(channels)) {
        assert!((f64::from(found) - sum(frame)).abs() < 4.0, "{found} for {}", sum(frame));
    }
}

/// The coefficients of RFC 7845 section 5.1.1.5: left, centre, right, rear left, rear right, LFE.
#[test]
fn surround_is_mixed_like_in_the_rfc() {
    let (front, centre, rear) = (0.529_067, 0.374_107, 0.458_186 + 0.264_534);
    let both = [front, 2.0 * centre, front, rear, rear, 2.0 * centre];
    check_mono(&surround(), &both.map(|share| share / 2.0));
    let quad = Recording::new(1, 4, (2, 2), &[0, 1, 2, 3]);
    let (front, rear) = (0.422_650, 0.366_025 + 0.211_325);
    check_mono(&quad, &[front, front, rear, rear].map(|share| share / 2.0));
}

#[test]
fn other_layouts_are_mixed_in_equal_shares_or_not_at_all() {
    check_mono(&Recording::new(1, 2, (1, 1), &[0, 1]), &[0.5; 2]);
    check_mono(&Recording::new(255, 3, (2, 1), &[0, 1, 2]), &[1.0 / 3.0; 3]);
    check_mono(&Recording::new(255, 4, (1, 1), &[0, 0, 255, 1]), &[0.25; 4]);
    check_mono(&Recording::new(1, 1, (1, 0), &[0]), &[1.0]);
    // The first channel is omnidirectional.
    check_mono(&Recording::new(2, 4, (4, 0), &[3, 1, 2, 0]), &[1.0, 0.0, 0.0, 0.0]);
    check_mono(&Recording::projection(4, (2, 2), &[7000; 16]), &[1.0, 0.0, 0.0, 0.0]);
}

/// Full scale on all channels adds up to twice full scale.
#[test]
fn a_mix_beyond_full_scale_is_clamped() {
    let loud = Recording::new(1, 6, (4, 2), &[0, 0, 0, 0, 0, 0]).with_volume(3.0);
    let samples = decode::<i16>(&loud, 48_000, ChannelSelection::Mono);
    assert!(samples.contains(&i16::MAX) && samples.contains(&i16::MIN));
}
