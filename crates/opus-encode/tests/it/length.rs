use std::{num::NonZeroUsize, ops::Range, time::Duration};

use opus_encode::{
    Application, Bitrate, Channels, CodingRate, Complexity, EncodedStream, Encoder, ErrorKind,
    FrameDuration, InvalidOption, Options, RateControl, SampleBuffer, SampleSource, SliceSource,
    SyncInterval, check_source,
};
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
                let options = Options::new(Channels::new(channels).unwrap())
                    .frame_duration(FrameDuration::ALL[frame])
                    .rate(CodingRate::ALL[rate])
                    .complexity(Complexity::new(complexity).unwrap())
                    .application(application)
                    .rate_control(control)
                    .sync_interval(sync.map(SyncInterval))
                    .bitrate(Bitrate::bits_per_second(1));
                let (least, most) = accepted(&options).expect("1 b/s is rejected");
                // Low and high rates are equally frequent.
                let octaves = (f64::from(most) / f64::from(least)).log2();
                let bits = f64::from(least) * (loudness * octaves).exp2();
                options.bitrate(Bitrate::bits_per_second(bits as u32))
            },
        )
}

/// Returns the range of bit rates if that of the options lies outside.
fn accepted(options: &Options) -> Option<(u32, u32)> {
    let error = Encoder::new(options).err()?;
    assert_eq!(error.kind(), ErrorKind::InvalidOption);
    match error.invalid_option() {
        Some(InvalidOption::Bitrate { least, most, .. }) => Some((least, most)),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn encoded_audio_plays_as_long_as_the_source(
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

    /// NaN and huge samples must not break libopus.
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
fn an_empty_source_plays_nothing() {
    let encoded = encode(&[], &Options::new(Channels::STEREO), 2);
    assert_eq!((encoded.timeline.play_length(), encoded.packets.len()), (0, 1));
}

/// Tries sources that end anywhere in a frame, a sample before or after one, or with the
/// lookahead.
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
fn options_out_of_range_are_errors() {
    assert_eq!(Channels::new(0), Err(InvalidOption::NoChannels));
    assert_eq!(Complexity::new(11), Err(InvalidOption::Complexity { found: 11 }));
    let options = Options::new(Channels::STEREO);
    assert_eq!(accepted(&options), None);
    let options = options.bitrate(Bitrate::bits_per_second(600_001));
    assert_eq!(accepted(&options), Some((6_000, 600_000)));
    assert_eq!(accepted(&options.frame_duration(FrameDuration::Ms2_5)), Some((32_000, 600_000)));
}

#[test]
fn a_frame_of_the_wrong_length_is_an_error() {
    let mut encoder = Encoder::new(&Options::new(Channels::STEREO)).unwrap();
    assert!(encoder.encode(&[0.0; 1920]).is_ok());
    let error = encoder.encode(&[0.0; 960]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FrameLength);
    assert_eq!(
        error.to_string(),
        "expected a frame of 1920 samples (all channels together), found 960"
    );
}

#[test]
fn an_error_of_the_source_is_the_cause() {
    struct Breaks(usize);
    impl SampleSource for Breaks {
        type Error = Broken;
        fn channels(&self) -> usize {
            1
        }
        fn rate(&self) -> u32 {
            48_000
        }
        fn read(&mut self, buffer: &mut SampleBuffer<'_>) -> Result<(), Broken> {
            self.0 = self.0.checked_sub(buffer.room()).ok_or(Broken)?;
            buffer.extend(&mut std::iter::repeat(0.1));
            Ok(())
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
        assert_eq!(error.kind(), ErrorKind::Source);
        assert_eq!(
            format!("{error:?}"),
            "cannot read the samples to encode: the source has broken"
        );
        assert!(error.into_source().unwrap().is::<Broken>());
    }
}

#[test]
fn a_stream_that_is_dropped_ends_its_threads() {
    let samples = noise(48_000 * 40, 1);
    let options = Options::new(Channels::MONO);
    let source = Samples::new(&samples, &options);
    let mut stream = EncodedStream::new(source, &options, NonZeroUsize::new(2).unwrap()).unwrap();
    assert!(stream.next_packet().unwrap().is_some());
}

#[test]
fn a_source_of_another_format_is_an_error() {
    let samples = [0.0; 960];
    for (channels, rate, expected) in [
        (1, 48_000, "expected 2 channels, found a source with 1"),
        (4, 48_000, "expected 2 channels, found a source with 4"),
        (2, 44_100, "expected samples at 48000 Hz, found a source at 44100 Hz"),
    ] {
        let source = SliceSource::new(&samples, channels, rate);
        let options = Options::new(Channels::STEREO);
        let error = EncodedStream::new(source, &options, NonZeroUsize::MIN).err().unwrap();
        assert_eq!((error.kind(), &*error.to_string()), (ErrorKind::InvalidSource, expected));
    }
}

/// A source cannot miscount its samples, but it may end within a frame.
#[test]
fn a_source_that_ends_within_a_frame_is_an_error() {
    let options = Options::new(Channels::STEREO);
    for len in [1, 959, 1921, 2001] {
        let samples = vec![0.1; len];
        let source = SliceSource::new(&samples, 2, 48_000);
        let mut stream = EncodedStream::new(source, &options, NonZeroUsize::MIN).unwrap();
        let error = std::iter::repeat_with(|| stream.next_packet().map(|_| ()))
            .take(10)
            .find_map(Result::err)
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidSource, "{len} samples: {error}");
        assert_eq!(stream.timeline(), None);
    }
}

#[test]
fn the_sources_of_these_tests_keep_the_contract() {
    let samples = noise(20_000, 3);
    let options = Options::new(Channels::new(3).unwrap());
    check_source(|| Samples::new(&samples, &options)).unwrap();
    check_source(|| SliceSource::new(&samples, 3, 8_000)).unwrap();
}
