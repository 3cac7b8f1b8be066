//! Streams that are decoded in several threads return what one thread returns.

mod model;

use std::{
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use model::{Broken, Decoder, LENGTH, Map, Recording, SECOND};
use opus_packet_index::SyncRead;

const THREADS: [usize; 5] = [1, 2, 3, 4, 5];

/// Whole recordings, odd ranges, and ranges too short for threads.
fn ranges() -> [std::ops::Range<u64>; 6] {
    let odd = 77 * SECOND + 12_345..LENGTH - 23 * SECOND - 777;
    [0..LENGTH, 1..LENGTH - 1, odd, 500..20 * SECOND, SECOND..6 * SECOND, LENGTH - 1..LENGTH]
}

#[test]
fn samples_and_requests_are_those_of_one_thread() {
    for map in Map::ALL {
        let recording = Recording::new(map);
        for range in ranges() {
            let expected = recording.expected(&range);
            let mut requests = Vec::new();
            for threads in THREADS {
                let what = format!("{map:?} {range:?} in {threads} threads");
                recording.requests();
                let mut stream = recording.stream(range.clone(), threads);
                let (mut samples, mut buffer) = (Vec::new(), vec![0; 70_001]);
                loop {
                    assert_eq!(stream.left(), expected.len() - samples.len(), "{what}");
                    let count = stream.read(&mut buffer).unwrap();
                    if count == 0 {
                        break;
                    }
                    samples.extend_from_slice(&buffer[..count]);
                }
                assert!(samples == expected, "{what}");
                drop(stream);
                requests.push(recording.requests());
                let mut samples = Vec::new();
                recording.stream(range.clone(), threads).read_to_end(&mut samples).unwrap();
                assert!(samples == expected, "{what}, to the end");
            }
            let single = requests[0];
            assert!(
                requests.iter().all(|found| *found == single),
                "{map:?} {range:?} {requests:?}"
            );
        }
    }
}

/// Otherwise the tests here would compare one thread with itself.
#[test]
fn threads_start_where_they_can_help() {
    let used = |map, range| {
        let recording = Recording::new(map);
        let mut samples = Vec::new();
        recording.stream(range, 2).read_to_end(&mut samples).unwrap();
        recording.decoders()
    };
    let whole = 0..LENGTH;
    for map in [Map::Complete, Map::Relays, Map::Gap] {
        assert!(used(map, whole.clone()) > 2, "{map:?}");
    }
    assert_eq!(used(Map::Missing, whole), 1);
    assert_eq!(used(Map::Complete, 0..14 * SECOND), 1, "a short range");
}

#[test]
fn errors_follow_the_same_samples() {
    let second = 100 * 48_000 / 960;
    for map in Map::ALL {
        for broken in [
            Broken { blob: Some(second), ..Broken::default() },
            Broken { index: Some(second + 77), ..Broken::default() },
            Broken { decoder: Some(second + 5), ..Broken::default() },
            Broken { decoder: Some(3), ..Broken::default() },
            Broken { blob: Some(model::PACKETS - 1), decoder: Some(30), ..Broken::default() },
        ] {
            let mut outcomes = THREADS.map(|threads| {
                let recording = Recording::broken(map, broken);
                let mut stream = recording.stream(1234..LENGTH, threads);
                let mut samples = Vec::new();
                let errors = [(); 3].map(|()| {
                    let error = stream.read_to_end(&mut samples).unwrap_err();
                    format!("{error:?} after {}", samples.len())
                });
                assert!(samples == recording.expected(&(1234..LENGTH))[..samples.len()]);
                errors
            });
            outcomes.sort();
            assert_eq!(outcomes[0], outcomes[4], "{map:?} {broken:?}");
        }
    }
}

#[test]
fn reading_goes_on_after_an_error() {
    let broken = Broken { once: true, blob: Some(9000), decoder: Some(6000), ..Broken::default() };
    for threads in THREADS {
        let recording = Recording::broken(Map::Complete, broken);
        let mut stream = recording.stream(0..LENGTH, threads);
        let (mut samples, mut errors) = (Vec::new(), 0);
        while stream.read_to_end(&mut samples).is_err() {
            errors += 1;
        }
        assert!(samples == recording.expected(&(0..LENGTH)), "{threads} threads");
        // Whether a failure ahead was repaired before its turn came depends on the threads.
        assert!((1..=2).contains(&errors), "{errors}");
    }
}

#[test]
fn a_dropped_stream_leaves_no_thread() {
    for threads in [2, 5] {
        for seconds in [0, 1, 9, 30, 100, 199] {
            let recording = Recording::new(Map::Complete);
            let mut stream = recording.stream(0..LENGTH, threads);
            stream.read(&mut vec![0; seconds * 48_000]).unwrap();
            drop(stream);
            // Each decoder holds a reference.
            assert_eq!(Arc::strong_count(&recording.made), 1, "{threads} threads, {seconds} s");
        }
    }
}

#[test]
fn a_panic_of_a_decoder_reaches_the_caller() {
    for threads in THREADS {
        let broken = Broken { panic: Some(8000), ..Broken::default() };
        let recording = Recording::broken(Map::Complete, broken);
        let read = || recording.stream(0..LENGTH, threads).read_to_end(&mut Vec::new());
        let panic = catch_unwind(AssertUnwindSafe(read)).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"planned"), "{threads} threads");
    }
}

#[test]
fn without_further_decoders_one_does_all() {
    let recording = Recording::new(Map::Complete);
    let threads = NonZeroUsize::new(3).unwrap();
    let none = || Err::<Decoder, _>(model::Failure);
    let mut stream = recording.stream(0..LENGTH, 1).threads(threads, none);
    let mut samples = Vec::new();
    stream.read_to_end(&mut samples).unwrap();
    assert!(samples == recording.expected(&(0..LENGTH)));
}

/// The map of the model is right: any read through it equals the full decode.
#[test]
fn the_model_is_right() {
    for map in Map::ALL {
        let recording = Recording::new(map);
        for start in (0..LENGTH - SECOND).step_by(1_234_567) {
            let found = recording.map.start(model::coded(start)).unwrap();
            assert!(found.start <= model::coded(start) && found.until > model::coded(start));
            let range = start..start + SECOND;
            let mut samples = Vec::new();
            recording.stream(range.clone(), 1).read_to_end(&mut samples).unwrap();
            assert!(samples == recording.expected(&range), "{map:?} {start}");
        }
    }
}
