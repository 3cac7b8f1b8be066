//! Recordings as their users see them, compared with libopus and the `ogg` crate.

use std::{io::Read, ops::Range, thread, time::Duration};

use opus_packet::{InvalidRange, PlayPos};
use opus_zarr::{Error, ErrorKind, ReadMode, StoredAs};
use opus_zarr_testkit::{
    Random, fast_folder,
    recordings::{BOTH, MONO, STEREO, all, bytes_of, import_bytes, open_at, store_of, stream_of},
    stream::{PACKET, Pages, Stream, interleaved},
};

/// In samples: 0.8 s.
const PRE_ROLL: u32 = 38_400;

/// The packet where decoding begins: the one that holds the sample at this distance before the range,
/// or the first one if the range begins within that distance.
fn first_decoded(stream: &Stream, range: &Range<u64>) -> u64 {
    let pre_roll = u64::from(PRE_ROLL);
    if range.start <= pre_roll {
        return 0;
    }
    (range.start + u64::from(stream.pre_skip()) - pre_roll) / PACKET
}

#[test]
fn info_describes_the_stream() {
    for file in BOTH {
        let (_store, recording) = store_of(file);
        let (expected, info) = (stream_of(file), recording.info());
        let expected_bytes: u64 = bytes_of(file).len().try_into().unwrap();
        assert_eq!(recording.name(), "it");
        assert_eq!(info.channels, expected.channels());
        assert_eq!(info.mapping_family, 0);
        assert_eq!(info.pre_skip, expected.pre_skip());
        assert_eq!(info.output_gain, 0);
        assert_eq!(info.input_sample_rate, 48_000);
        assert_eq!(info.play_length, expected.play_length());
        assert_eq!(info.packet_count, expected.packet_count());
        assert_eq!(info.coded_length, expected.packet_count() * PACKET);
        assert_eq!(info.blob_bytes, expected_bytes);
        assert_eq!(recording.read_mode(), ReadMode::Agreed);
    }
}

#[test]
fn info_describes_the_source_and_its_tags() {
    let (_store, recording) = store_of(MONO);
    let info = recording.info();
    assert_eq!(info.source.name, MONO);
    assert_eq!(info.source.bytes, 102_609);
    assert_eq!(info.source.sha256, MONO_SHA256);
    assert_eq!(info.blob_sha256, MONO_SHA256);
    assert_eq!((info.source.container.as_str(), info.source.codec.as_str()), ("ogg", "opus"));
    assert_eq!(info.source.stored, StoredAs::Verbatim);
    assert!(info.tags.vendor.starts_with("libopus"), "{}", info.tags.vendor);
    assert!(info.tags.comments.contains(&"title=Field notes at station four".to_owned()));
    assert_eq!(info.tags.omitted, 0);
}

#[test]
fn duration_is_exact_to_the_sample() {
    let (_store, recording) = store_of(STEREO);
    assert_eq!(recording.info().play_length, 576_000);
    assert_eq!(recording.info().duration(), Duration::from_secs(12));
}

#[test]
fn opening_again_returns_the_same_recording() {
    let (store, imported) = store_of(MONO);
    let opened = open_at(store.path(), "it").unwrap();
    assert_eq!(opened.info(), imported.info());
    assert_eq!(opened.index_info().unwrap(), imported.index_info().unwrap());
    assert!(all::<i16>(&opened) == all::<i16>(&imported), "other samples");
}

#[test]
fn a_full_read_equals_libopus() {
    for file in BOTH {
        let (_store, recording) = store_of(file);
        let expected = stream_of(file);
        let whole = 0..expected.play_length();
        assert!(all::<i16>(&recording) == expected.decode_i16(&whole, 0), "{file} i16");
        assert!(all::<f32>(&recording) == expected.decode_f32(&whole, 0), "{file} f32");
    }
}

#[test]
fn approximate_reads_equal_libopus_after_the_pre_roll() {
    for file in BOTH {
        let (_store, recording) = store_of(file);
        let expected = stream_of(file);
        let mut random = Random(1);
        for _ in 0..60 {
            let range = random.range(expected.play_length(), 20_000);
            let first = first_decoded(&expected, &range);
            let mode = ReadMode::Approximate { pre_roll: PRE_ROLL };
            let i16s: Vec<i16> = recording.read_as(mode, range.clone()).unwrap();
            let f32s: Vec<f32> = recording.read_as(mode, range.clone()).unwrap();
            assert!(i16s == expected.decode_i16(&range, first), "{file} i16 {range:?}");
            assert!(f32s == expected.decode_f32(&range, first), "{file} f32 {range:?}");
        }
    }
}

#[test]
fn the_first_and_the_last_sample_can_be_read() {
    for file in BOTH {
        let (_store, recording) = store_of(file);
        let channels = recording.info().channels;
        let (samples, len) = (all::<i16>(&recording), recording.info().play_length);
        assert_eq!(recording.read::<i16>(0..1).unwrap(), samples[interleaved(&(0..1), channels)]);
        assert_eq!(recording.read::<i16>(len - 1..len).unwrap().len(), usize::from(channels));
    }
}

#[test]
fn an_invalid_range_is_a_typed_error_that_states_the_valid_one() {
    let (_store, recording) = store_of(STEREO);
    let pos = PlayPos::new;
    let (len, play_length) = (576_000, 576_000);
    let empty = |at| InvalidRange::Empty { start: pos(at), play_length };
    let reversed =
        |start, end| InvalidRange::Reversed { start: pos(start), end: pos(end), play_length };
    let outside =
        |start, end| InvalidRange::OutOfRange { start: pos(start), end: pos(end), play_length };
    let cases = [
        (0..0, empty(0)),
        (len..len, empty(len)),
        (Range { start: 8, end: 3 }, reversed(8, 3)),
        (Range { start: u64::MAX, end: 0 }, reversed(u64::MAX, 0)),
        (0..len + 1, outside(0, len + 1)),
        (len..len + 1, outside(len, len + 1)),
        (0..u64::MAX, outside(0, u64::MAX)),
        (u64::MAX - 1..u64::MAX, outside(u64::MAX - 1, u64::MAX)),
        (u64::MAX..u64::MAX, outside(u64::MAX, u64::MAX)),
    ];
    for (range, expected) in cases {
        assert_range_error(recording.read::<i16>(range.clone()).unwrap_err(), &expected);
        assert_range_error(recording.read::<f32>(range.clone()).unwrap_err(), &expected);
        assert_range_error(recording.find(range).unwrap_err(), &expected);
    }
}

fn assert_range_error(error: Error, expected: &InvalidRange) {
    assert_eq!(error.kind(), ErrorKind::Range);
    assert_eq!(format!("{error:?}"), format!("cannot read recording \"it\": {expected}"));
    assert!(expected.to_string().ends_with("valid ranges lie in 0..576000"), "{expected}");
}

#[test]
fn find_is_exact_at_packet_boundaries() {
    let (_store, recording) = store_of(MONO);
    let expected = stream_of(MONO);
    let (border, len) = (PACKET * 7 - u64::from(expected.pre_skip()), expected.play_length());
    assert_eq!(recording.find(border - 1..border).unwrap(), 6..7);
    assert_eq!(recording.find(border..border + 1).unwrap(), 7..8);
    assert_eq!(recording.find(border - 1..border + 1).unwrap(), 6..8);
    assert_eq!(recording.find(border..border + PACKET).unwrap(), 7..8);
    assert_eq!(recording.find(border..border + PACKET + 1).unwrap(), 7..9);
    assert_eq!(recording.find(0..len).unwrap(), 0..expected.packet_count());
    let mut random = Random(2);
    for _ in 0..200 {
        let range = random.range(len, len);
        assert_eq!(
            recording.find(range.clone()).unwrap(),
            expected.packets_of(&range),
            "{range:?}"
        );
    }
}

#[test]
fn a_canonical_file_is_stored_byte_for_byte() {
    for file in BOTH {
        let (_store, recording) = store_of(file);
        let mut kept = Vec::new();
        recording.ogg_opus().read_to_end(&mut kept).unwrap();
        assert!(kept == bytes_of(file), "{file}");
        assert_eq!(recording.info().source.stored, StoredAs::Verbatim);
        let mut random = Random(5);
        let len = u64::try_from(kept.len()).unwrap();
        for range in (0..50).map(|_| random.range(len, 70_000)).chain([0..len, 0..0, len..len]) {
            let at = |byte: u64| usize::try_from(byte).unwrap();
            let part = recording.ogg_opus_at(range.clone()).unwrap();
            assert!(part == kept[at(range.start)..at(range.end)], "{file}: {range:?}");
        }
        #[allow(clippy::reversed_empty_ranges, reason = "that is the point")]
        for range in [0..len + 1, len + 1..len + 2, 5..4, u64::MAX - 1..u64::MAX] {
            assert!(recording.ogg_opus_at(range.clone()).is_err(), "{file}: {range:?}");
        }
    }
}

#[test]
fn threads_can_share_a_recording() {
    let (_store, recording) = store_of(STEREO);
    let len = recording.info().play_length;
    let read = |range: &Range<u64>| recording.read::<i16>(range.clone()).unwrap();
    let mut random = Random(3);
    let wanted: Vec<Range<u64>> = (0..160).map(|_| random.range(len, 30_000)).collect();
    let alone: Vec<Vec<i16>> = wanted.iter().map(read).collect();
    thread::scope(|scope| {
        for (wanted, alone) in wanted.chunks(20).zip(alone.chunks(20)) {
            scope.spawn(move || {
                for (range, expected) in wanted.iter().zip(alone) {
                    assert!(&read(range) == expected, "{range:?}");
                }
            });
        }
    });
}

#[test]
fn the_output_gain_of_the_head_is_applied() {
    let folder = fast_folder();
    let plain = stream_of(MONO).shortened(200);
    let whole = 0..plain.play_length();
    let unchanged = plain.decode_f32(&whole, 0);
    for gain in [-17_920, -256, 0, 1, 1536, i16::MIN, i16::MAX] {
        let source = plain.clone().with_gain(gain);
        let recording =
            import_bytes(&source.write(Pages::OfOneSecond), folder.path(), &format!("gain {gain}"));
        assert_eq!(recording.info().output_gain, gain);
        assert!(all::<i16>(&recording) == source.decode_i16(&whole, 0), "gain {gain} as i16");
        let factor = 10f32.powf(f32::from(gain) / (20.0 * 256.0));
        let louder = unchanged.iter().map(|sample| sample * factor);
        let near =
            |(found, expected): (f32, f32)| (found - expected).abs() <= expected.abs() * 1e-3;
        let found: Vec<f32> = all(&recording);
        assert!(found.into_iter().zip(louder).all(near), "gain {gain} multiplies by {factor}");
    }
}

const MONO_SHA256: &str = "dcc7c2dcfadecb255744649dde1d246ffd7bd5ba245e2ab95c6d0dbfaf62f9c7";
