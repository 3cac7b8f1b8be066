use opus_encode::{Application, Bitrate, Channels, CodingRate, FrameDuration, Options};

use crate::encode;

/// The decoded audio is compared with the source at every distance of up to half a millisecond: it must be
/// most alike where it is not shifted.
#[test]
fn the_decoded_audio_lies_where_the_source_does() {
    for application in [Application::Audio, Application::Voip, Application::LowDelay] {
        for rate in CodingRate::ALL {
            for frame_duration in FrameDuration::ALL {
                for bits in [24_000, 96_000] {
                    let mut options = Options::new(Channels::MONO);
                    options.application = application;
                    options.rate = rate;
                    options.frame_duration = frame_duration;
                    options.bitrate = Bitrate::bits_per_second(bits);
                    let lag = lag(&options);
                    let within = most(&options);
                    assert!(lag.abs() <= within, "{lag} samples, expected {within}: {options:?}");
                }
            }
        }
    }
}

/// CELT is exact. libopus' resamplers for SILK are not quite as long as it takes them for: by
/// 40 µs, and at 8 kHz by 80, less than a sample there.
fn most(options: &Options) -> isize {
    match options.rate {
        _ if options.is_all_celt() && options.application != Application::Voip => 0,
        CodingRate::Hz8000 => 4,
        _ => 2,
    }
}

/// In samples at 48 kHz.
fn lag(options: &Options) -> isize {
    let len = options.rate.hz() as usize / 2;
    // From 1.5 to 3.5 kHz: below, the high-pass filter of `Application::Voip` turns the phase.
    let samples: Vec<f32> =
        (0..len).map(|n| n as f64 / f64::from(options.rate.hz())).map(chirp).collect();
    let decoded = encode(&samples, options, 1).decode();
    let divisor = options.rate.divisor() as usize;
    let alike = |lag: isize| -> f64 {
        let product = |number: usize| {
            let at = (number * divisor).checked_add_signed(lag).unwrap();
            f64::from(samples[number] * decoded[at])
        };
        (200..len - 200).map(product).sum()
    };
    (-24..=24).max_by(|&a, &b| alike(a).total_cmp(&alike(b))).unwrap()
}

fn chirp(seconds: f64) -> f32 {
    let turns = 1500.0 * seconds + 2000.0 * seconds * seconds;
    0.5 * (turns * core::f64::consts::TAU).sin() as f32
}
