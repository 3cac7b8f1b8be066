use std::{num::NonZeroUsize, ops::Range, time::Duration};

use opus_encode::{
    Application, Bitrate, Channels, CodingRate, Complexity, EncodeError, EncodedStream,
    FrameDuration, InvalidOption, Options, RateControl, SampleSource, StreamError, SyncInterval,
};
use opus_packet::PacketSource;
use proptest::prelude::*;

use crate::{
    audio::{Broken, Samples, noise, snr},
    encode,
};

fn options() -> impl Strategy<Value = Options> {
    let channels = prop_oneof![3 => 1u8..=2, 2 => 3u8..=8, 1 => 9u8..=20, 1 => Just(255u8)];
    let sync = prop_oneof![Just(None), (0u64..3000).prop_map(|ms| Some(Duration::from_millis(ms)))];
    let applications = [Application::Audio, Application::Voip, Application::LowDelay];
    let controls = [RateControl::Vbr, RateControl::ConstrainedVbr, RateControl::Cbr];
    (
        channels,
        0.0..1.0f64,
        0..9usize,
        0..5usize,
        0..=10u8,
        proptest::sample::select(applications.to_vec()),
        proptest::sample::select(controls.to_vec()),
        sync,
    )
        .prop_map(
            |(channels, loudness, frame, rate, complexity, application, control, sync)| {
                let mut options = Options::new(Channels::new(channels).unwrap());
                options.frame_duration = FrameDuration::ALL[frame];
                options.rate = CodingRate::ALL[rate];
                options.complexity = Complexity::new(complexity).unwrap();
                options.application = application;
                options.rate_control = control;
                options.sync_interval = sync.map(SyncInterval);
                options.bitrate = Bitrate::bits_per_second(1);
                let Err(EncodeError::Option(InvalidOption::Bitrate { least, most, .. })) =
                    opus_encode::Encoder::new(&options)
                else {
                    panic!("1 b/s")
                };
                // As many low ones as high ones.
                let octaves = (f64::from(most) / f64::from(least)).log2();
                let bits = f64::from(least) * (loudness * octaves).exp2();
                options.bitrate = Bitrate::bits_per_second(bits as u32);
                options
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_plays_as_long_as_the_source(
        options in options(), len in 0usize..20_000, threads in 1usize..4,
    ) {
        let channels = usize::from(options.channels.count());
        let len = if channels > 8 { len / 10 } else { len };
        let encoded = encode(&noise(len, channels), &options, threads);
        let expected = len * options.rate.divisor() as usize;
        prop_assert_eq!(encoded.timeline.play_length(), expected as u64);
        prop_assert_eq!(encoded.decode().len(), expected * channels);
        let bytes = encoded.head.to_bytes();
        prop_assert_eq!(opus_packet::OpusHead::parse(&bytes).unwrap(), encoded.head);
    }

    /// What is no number, or out of all measure, must not break libopus.
    #[test]
    fn any_sample_can_be_encoded(
        options in options(),
        samples in proptest::collection::vec(any::<u32>().prop_map(f32::from_bits), 0..2000),
    ) {
        let channels = usize::from(options.channels.count());
        let whole = samples.len() / channels * channels;
        encode(&samples[..whole], &options, 1).decode();
    }
}

#[test]
fn no_audio_plays_nothing() {
    let encoded = encode(&[], &Options::new(Channels::STEREO), 2);
    assert_eq!((encoded.timeline.play_length(), encoded.packets.len()), (0, 1));
}

/// Of a source that ends anywhere in a frame, or a sample before or after one, or where the
/// lookahead does.
#[test]
fn the_last_samples_are_as_good_as_the_others() {
    for len in [48_000, 47_999, 48_001, 48_100, 48_500, 48_647, 48_648, 48_649] {
        let samples = noise(len, 1);
        let decoded = encode(&samples, &Options::new(Channels::MONO), 1).decode();
        let snr = |range: Range<usize>| snr(&samples[range.clone()], &decoded[range]);
        let (before, last) = (snr(len - 9_600..len - 4_800), snr(len - 480..len));
        assert!(last > before - 2.0, "{len} samples: {last:.1} dB at the end, {before:.1} before");
    }
}

#[test]
fn options_out_of_range_are_named() {
    assert_eq!(Channels::new(0), Err(InvalidOption::NoChannels));
    assert_eq!(Complexity::new(11), Err(InvalidOption::Complexity { found: 11 }));
    let mut options = Options::new(Channels::STEREO);
    let refused = |options: &Options| match opus_encode::Encoder::new(options) {
        Err(EncodeError::Option(InvalidOption::Bitrate { least, most, .. })) => Some((least, most)),
        _ => None,
    };
    assert_eq!(refused(&options), None);
    options.bitrate = Bitrate::bits_per_second(600_001);
    assert_eq!(refused(&options), Some((6_000, 600_000)));
    options.frame_duration = FrameDuration::Ms2_5;
    assert_eq!(refused(&options), Some((32_000, 600_000)));
}

#[test]
fn a_frame_of_another_length_is_refused() {
    let mut encoder = opus_encode::Encoder::new(&Options::new(Channels::STEREO)).unwrap();
    assert!(encoder.encode(&[0.0; 1920]).is_ok());
    let error = encoder.encode(&[0.0; 960]).unwrap_err();
    assert_eq!(error.to_string(), "frame of 960 samples of all channels, expected 1920");
}

#[test]
fn an_error_of_the_source_is_passed_on() {
    struct Breaks(usize);
    impl SampleSource for Breaks {
        type Error = Broken;
        fn read(&mut self, samples: &mut [f32]) -> Result<usize, Broken> {
            samples.fill(0.1);
            self.0 = self.0.checked_sub(samples.len()).ok_or(Broken)?;
            Ok(samples.len())
        }
    }
    let options = Options::new(Channels::MONO);
    for threads in [1, 3] {
        let threads = NonZeroUsize::new(threads).unwrap();
        let mut stream = EncodedStream::new(Breaks(1_000_000), &options, threads).unwrap();
        let error = loop {
            match stream.next_packet() {
                Ok(packet) => assert!(packet.is_some(), "no error"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StreamError::Source(Broken)), "{error}");
    }
}

#[test]
fn a_stream_that_is_dropped_ends_its_threads() {
    let samples = noise(48_000 * 40, 1);
    let source = Samples::new(&samples, Channels::MONO);
    let options = Options::new(Channels::MONO);
    let mut stream = EncodedStream::new(source, &options, NonZeroUsize::new(2).unwrap()).unwrap();
    assert!(stream.next_packet().unwrap().is_some());
}
