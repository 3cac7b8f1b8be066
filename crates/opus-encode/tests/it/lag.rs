use opus_encode::{Application, Bitrate, Channels, CodingRate, FrameDuration, Options};

use crate::encode;

/// Compares the decoded audio with the source at every shift up to half a millisecond. The best
/// match must be no shift.
#[test]
fn decoded_audio_is_not_shifted() {
    for application in [Application::Audio, Application::Voip, Application::LowDelay] {
        for rate in CodingRate::ALL {
            for frame_duration in FrameDuration::ALL {
                for bits in [24_000, 96_000] {
                    let options = Options::new(Channels::MONO)
                        .application(application)
                        .rate(rate)
                        .frame_duration(frame_duration)
                        .bitrate(Bitrate::bits_per_second(bits));
                    let lag = lag(&options);
                    let within = most(&options);
                    assert!(lag.abs() <= within, "{lag} samples, expected {within}: {options:?}");
                }
            }
        }
    }
}

/// CELT is exact. libopus slightly overestimates the delay of its resamplers for SILK: by 40 µs,
/// and at 8 kHz by 80, less than a sample there.
fn most(options: &Options) -> isize {
    match options.rate {
        _ if options.is_all_celt() && options.application != Application::Voip => 0,
        CodingRate::Hz8000 => 4,
        _ => 2,
    }
}

/// Returns the shift in samples at 48 kHz.
fn lag(options: &Options) -> isize {
    let len = options.rate.hz() as usize / 2;
    // From 1.5 to 3.5 kHz, because the high-pass filter of `Application::Voip` turns the phase below.
    let samples: Vec<f32> =
        (0..len).map(|n| n as f64 / f64::from(options.rate.hz())).map(chirp).collect();
    let decoded = encode(&samples, options, 1).decode();
    let divisor = options.rate.divisor() as usize;
    let likeness = |lag: isize| -> f64 {
        let product = |number: usize| {
            let at = (number * divisor).checked_add_signed(lag).unwrap();
            f64::from(samples[number] * decoded[at])
        };
        (200..len - 200).map(product).sum()
    };
    (-24..=24).max_by(|&a, &b| likeness(a).total_cmp(&likeness(b))).unwrap()
}

fn chirp(seconds: f64) -> f32 {
    let turns = 1500.0 * seconds + 2000.0 * seconds * seconds;
    0.5 * (turns * core::f64::consts::TAU).sin() as f32
}
