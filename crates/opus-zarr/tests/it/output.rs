//! Reads at other rates, of selected channels, as streams and into the caller's memory, compared with
//! libopus.

use magnum_opus::{Channels, Decoder};
use opus_zarr::{
    ChannelSelection, ErrorKind, Exactness, Output, ReadMode, Recording, Sample, unwatched,
};
use opus_zarr_testkit::{
    Random,
    recordings::{BOTH, MONO, STEREO, all, store_of, stream_of},
    stream::flush,
};

const HZ: [u32; 5] = [48_000, 24_000, 16_000, 12_000, 8000];

fn at_rate(hz: u32) -> Output {
    Output::default().rate(hz.try_into().unwrap())
}

/// Decodes every play sample by libopus at this rate.
fn decoded(file: &str, hz: u32) -> Vec<f32> {
    let stream = stream_of(file);
    let channels = usize::from(stream.channels());
    let kind = if channels == 1 { Channels::Mono } else { Channels::Stereo };
    let (mut decoder, mut samples) = (Decoder::new(hz, kind).unwrap(), Vec::new());
    let mut pcm = vec![0f32; 5760 * channels];
    for packet in &stream.packets {
        let count = decoder.decode_float(packet, &mut pcm, false).unwrap();
        flush(&mut pcm);
        samples.extend_from_slice(&pcm[..count * channels]);
    }
    let divisor = 48_000 / u64::from(hz);
    let place = |coded: u64| usize::try_from(coded.div_ceil(divisor)).unwrap() * channels;
    let pre_skip = u64::from(stream.pre_skip());
    samples[place(pre_skip)..place(pre_skip + stream.play_length())].to_vec()
}

/// The sync map is measured at 48 kHz; at other rates, starts count from where memory is settled.
#[test]
fn reads_at_every_rate_equal_libopus() {
    for (file, hz) in BOTH.iter().flat_map(|file| HZ.map(|hz| (file, hz))) {
        let (_store, mut recording) = store_of(file);
        recording.build_sync(unwatched).unwrap();
        recording.set_output(at_rate(hz)).unwrap();
        let exactness = if hz == 48_000 { Exactness::Map } else { Exactness::SettledMap };
        assert_eq!(recording.exactness(), Ok(exactness));
        let (whole, channels) = (decoded(file, hz), usize::from(recording.info().channels));
        assert!(all::<f32>(&recording) == whole, "{file} at {hz}");

        let (mut random, len) = (Random(5), recording.info().play_length);
        let count = |range| usize::try_from(recording.sample_count(range).unwrap()).unwrap();
        for _ in 0..40 {
            let range = random.range(len, 48_000);
            let samples = recording.read::<f32>(range.clone()).unwrap();
            assert_eq!(samples.len(), count(range.clone()) * channels, "{file} at {hz}: {range:?}");
            let before = if range.start == 0 { 0 } else { count(0..range.start) * channels };
            let expected = &whole[before..before + samples.len()];
            assert!(samples == expected, "{file} at {hz}: {range:?}");
        }
    }
}

/// Except that SILK comes slightly earlier at low rates, because the resamplers of libopus differ.
#[test]
fn positions_mean_the_same_time_at_every_rate() {
    for (file, most) in [(MONO, 2), (STEREO, 0)] {
        let full = decoded(file, 48_000);
        let stream = stream_of(file);
        let channels = usize::from(stream.channels());
        for hz in HZ {
            let (other, divisor) = (decoded(file, hz), usize::try_from(48_000 / hz).unwrap());
            let pre_skip = usize::from(stream.pre_skip());
            let first = pre_skip.div_ceil(divisor) * divisor - pre_skip;
            let noise = |lag: isize| -> f64 {
                let place = |n: usize| (first + n * divisor).checked_add_signed(lag).unwrap();
                let pair = |n: usize| (full[place(n) * channels], other[n * channels]);
                let numbers = 10..other.len() / channels - 10;
                numbers.map(pair).map(|(one, other)| f64::from(one - other).powi(2)).sum()
            };
            let best = (-6..=6).min_by(|&one, &two| noise(one).total_cmp(&noise(two))).unwrap();
            assert!((-most..=0).contains(&best), "{file} at {hz}: {best} samples at 48 kHz");
        }
    }
}

fn channels_of(recording: &mut Recording, channels: ChannelSelection) {
    recording.set_output(Output::default().channels(channels)).unwrap();
}

#[test]
fn channels_are_selected_and_mixed() {
    let (_store, mut recording) = store_of(STEREO);
    recording.build_sync(unwatched).unwrap();
    check_channels::<i16>(&mut recording, |[left, right]| {
        i16::try_from((i32::from(left) + i32::from(right) + 1).div_euclid(2)).unwrap()
    });
    check_channels::<f32>(&mut recording, |[left, right]| left * 0.5 + right * 0.5);
    for (channels, expected) in [
        (vec![2], "no channel 2; the stream has 2 channels, counted from 0"),
        (vec![], "no channel selected, expected at least one"),
    ] {
        let channels = ChannelSelection::Only(channels);
        let error = recording.set_output(Output::default().channels(channels)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Channels);
        assert!(format!("{error:?}").contains(expected), "{error:?}");
    }
}

fn check_channels<S: Sample + PartialEq>(recording: &mut Recording, mono: impl Fn([S; 2]) -> S) {
    channels_of(recording, ChannelSelection::All);
    let range = 100_000..150_001;
    let both: Vec<[S; 2]> = recording.read(range.clone()).unwrap().as_chunks().0.to_vec();
    for (selection, expected) in [
        (ChannelSelection::Only(vec![1]), both.iter().map(|pair| pair[1]).collect::<Vec<S>>()),
        (
            ChannelSelection::Only(vec![1, 0, 1]),
            both.iter().flat_map(|&[left, right]| [right, left, right]).collect(),
        ),
        (ChannelSelection::Mono, both.iter().map(|&pair| mono(pair)).collect()),
    ] {
        channels_of(recording, selection.clone());
        assert_eq!(recording.read_mode(), ReadMode::Exact);
        let found: Vec<S> = recording.read(range.clone()).unwrap();
        assert!(found == expected, "{selection:?}");
        let many = recording.read_many::<S>(&[range.clone(), 90_000..101_000], Default::default());
        assert!(many.into_iter().next().unwrap().unwrap() == expected, "{selection:?}");
    }
}

/// Neighbours are decoded together, and their samples are still those of their own reads.
#[test]
fn neighbours_at_any_rate_are_those_of_single_reads() {
    let (_store, mut recording) = store_of(STEREO);
    recording.build_sync(unwatched).unwrap();
    let mut random = Random(12);
    for (hz, channels) in
        HZ.into_iter().zip([ChannelSelection::All, ChannelSelection::Mono].into_iter().cycle())
    {
        recording.set_output(at_rate(hz).channels(channels)).unwrap();
        let starts: Vec<u64> = (0..12).map(|_| 90_000 + random.below(20_000)).collect();
        let ranges: Vec<_> = starts.iter().map(|&at| at..at + 1 + random.below(9_000)).collect();
        let many = recording.read_many::<f32>(&ranges, Default::default());
        for (found, range) in many.into_iter().zip(ranges) {
            let expected: Vec<f32> = recording.read(range.clone()).unwrap();
            assert!(found.unwrap() == expected, "{range:?} at {hz} Hz");
        }
    }
}

#[test]
fn a_stream_returns_the_range_in_pieces() {
    for file in BOTH {
        let (_store, mut recording) = store_of(file);
        for exact in [false, true] {
            if exact {
                recording.build_sync(unwatched).unwrap();
            }
            for range in [0..recording.info().play_length, 123_457..301_234] {
                let expected: Vec<f32> = recording.read(range.clone()).unwrap();
                let mut stream = recording.stream::<f32>(range).unwrap();
                assert_eq!(stream.left(), expected.len());
                let (mut samples, mut out) = (Vec::new(), vec![0.0; 7001]);
                loop {
                    match stream.read(&mut out).unwrap() {
                        0 => break,
                        count => samples.extend_from_slice(&out[..count]),
                    }
                }
                assert!(samples == expected, "{file}");
            }
        }
    }
}

#[test]
fn streams_are_send() {
    fn is_send<T: Send>(_: &T) {}
    let (_store, recording) = store_of(MONO);
    is_send(&recording.stream::<f32>(0..1).unwrap());
}

#[test]
fn a_range_is_read_into_the_callers_memory() {
    let (_store, mut recording) = store_of(STEREO);
    recording.set_output(at_rate(16_000)).unwrap();
    let range = 100_000..148_000;
    assert_eq!(recording.sample_count(range.clone()).unwrap(), 16_000);
    let mut out = vec![0i16; 32_000];
    recording.read_into(range.clone(), &mut out).unwrap();
    assert!(out == recording.read::<i16>(range.clone()).unwrap());
    for wrong in [31_999, 32_001, 0] {
        let error = recording.read_into(range.clone(), &mut vec![0i16; wrong]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BufferLength);
        let expected = format!("buffer of {wrong} samples, expected 32000");
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
}
