use opus_encode::{Application, Bitrate, Channels, Options};

use crate::{
    audio::{noise, snr},
    encode,
};

#[test]
fn packets_do_not_depend_on_the_number_of_threads() {
    for channels in [Channels::MONO, Channels::STEREO, Channels::new(6).unwrap()] {
        let samples = noise(48_000 * 23 + 77, usize::from(channels.count()));
        for application in [Application::Audio, Application::Voip] {
            let mut options = Options::new(channels);
            options.application = application;
            let alone = encode(&samples, &options, 1);
            for threads in [2, 5] {
                let together = encode(&samples, &options, threads);
                assert!(alone.packets == together.packets, "{channels:?}, {threads} threads");
                assert_eq!(alone.timeline, together.timeline);
            }
        }
    }
}

/// Each second is compared with the source: those with a seam in their middle must be as good
/// as the others.
#[test]
fn seams_are_as_good_as_the_rest() {
    let samples = noise(48_000 * 65, 1);
    let mut options = Options::new(Channels::MONO);
    options.bitrate = Bitrate::bits_per_second(64_000);
    let decoded = encode(&samples, &options, 2).decode();
    let around = |second: usize| {
        // The packet of the sync point is heard from its pre-skip on.
        let at = 48_000 * second - 312;
        snr(&samples[at..at + 960], &decoded[at..at + 960])
    };
    let mean = |seconds: &[usize]| {
        seconds.iter().map(|&second| around(second)).sum::<f64>() / seconds.len() as f64
    };
    let (seams, others): (Vec<usize>, Vec<usize>) = (1..64).partition(|second| second % 10 == 0);
    let (seams, others) = (mean(&seams), mean(&others));
    assert!((seams - others).abs() < 0.5, "{seams:.2} dB at seams, {others:.2} dB elsewhere");
}
