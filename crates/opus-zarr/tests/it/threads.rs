//! Long ranges decoded in several threads: the same samples, errors and warnings as in one.

use std::{fs, num::NonZeroUsize, ops::ControlFlow, path::Path, time::Duration};

use opus_zarr::{
    ChannelSelection, ErrorKind, Output, OutputRate, ReadLimits, ReadMode, Recording, SampleStream,
    Verification, VerifyLevel, VerifyOptions, unwatched,
};
use opus_zarr_testkit::{
    damage::edit,
    fast_folder,
    recordings::{MONO, STEREO, import_bytes, open_at, stream_of},
    stream::Pages,
    warnings::warnings_of,
};

const THREADS: [usize; 5] = [1, 2, 3, 4, 5];

/// Imports a hundred seconds with a sync map.
fn import_long(file: &str, folder: &Path) -> Recording {
    let mut stream = stream_of(file);
    let packets = stream.packets.clone();
    while stream.packets.len() < 100 * 50 {
        stream.packets.extend_from_slice(&packets);
    }
    let stream = stream.shortened(100 * 50);
    let mut recording = import_bytes(&stream.write(Pages::OfOneSecond), folder, "it");
    recording.build_sync(unwatched).unwrap();
    recording
}

/// Opens the recording again, so that nothing is in memory.
fn open(folder: &Path, threads: usize) -> Recording {
    let mut recording = open_at(folder.join("store"), "it").unwrap();
    recording.set_threads(NonZeroUsize::new(threads).unwrap());
    recording
}

#[test]
fn every_way_to_read_gives_the_samples_of_one_thread() {
    let folder = fast_folder();
    for file in [MONO, STEREO] {
        let recording = import_long(file, folder.path());
        let channels = usize::from(recording.info().channels);
        let range = 12_345..recording.info().play_length - 999;
        let mut expected = Vec::new();
        for threads in THREADS {
            let recording = open(folder.path(), threads);
            let samples: Vec<f32> = recording.read(range.clone()).unwrap();
            if threads == 1 {
                expected.clone_from(&samples);
            }
            assert!(samples == expected, "{file}: read, {threads} threads");
            let mut samples = vec![0.0; expected.len()];
            recording.read_into(range.clone(), &mut samples).unwrap();
            assert!(samples == expected, "{file}: read_into, {threads} threads");
            let mut stream = recording.stream::<f32>(range.clone()).unwrap();
            let (mut samples, mut buffer) = (Vec::new(), vec![0.0; 70_001]);
            while let count @ 1.. = stream.read(&mut buffer).unwrap() {
                samples.extend_from_slice(&buffer[..count]);
                assert_eq!(stream.left(), expected.len() - samples.len());
            }
            assert!(samples == expected, "{file}: stream, {threads} threads");
            let limits = ReadLimits::default().workers(recording.threads());
            let ranges = [range.clone(), range.start..range.start + 7];
            let many = recording.read_many::<f32>(&ranges, limits);
            assert!(*many[0].as_ref().unwrap() == expected, "{file}: read_many");
            assert!(*many[1].as_ref().unwrap() == expected[..7 * channels], "{file}: read_many");
        }
        fs::remove_dir_all(folder.path().join("store")).unwrap();
    }
}

/// The map was measured at 48 kHz, so these starts lie farther back.
#[test]
fn other_rates_and_channels_are_those_of_one_thread() {
    let folder = fast_folder();
    drop(import_long(STEREO, folder.path()));
    let read = |threads| {
        let mut recording = open(folder.path(), threads);
        let output = Output::default().rate(OutputRate::Hz16000).channels(ChannelSelection::Mono);
        recording.set_output(output).unwrap();
        recording.read_as::<i16>(ReadMode::Exact, 12_346..recording.info().play_length).unwrap()
    };
    let expected = read(1);
    assert!([2, 4].into_iter().all(|threads| read(threads) == expected));
}

#[test]
fn damage_has_the_same_effect() {
    let folder = fast_folder();
    drop(import_long(STEREO, folder.path()));
    for (object, is_readable) in
        [("opus_blob/c/0", false), ("opus_index/c/0/0", true), ("opus_sync/c/0/0", true)]
    {
        let object = folder.path().join("store/it").join(object);
        let good = fs::read(&object).unwrap();
        edit(&object, |bytes| {
            let place = bytes.len() / 5 * 3;
            bytes[place] ^= 1;
        });
        let outcome = |threads| {
            let recording = open(folder.path(), threads);
            let mut stream = recording.stream::<i16>(48_000..recording.info().play_length).unwrap();
            let (mut samples, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
            let (error, warnings) = warnings_of(|| {
                loop {
                    match stream.read(&mut buffer) {
                        Ok(0) => return None,
                        Ok(count) => samples.extend_from_slice(&buffer[..count]),
                        Err(error) => return Some(format!("{error:?}")),
                    }
                }
            });
            assert_eq!(error.is_none(), is_readable, "{object:?}");
            (samples, error, warnings)
        };
        let expected = outcome(1);
        for threads in [2, 5] {
            let found = outcome(threads);
            assert_eq!(found.1, expected.1, "{object:?}");
            assert_eq!(found.2, expected.2, "{object:?}");
            assert!(found.0 == expected.0, "{object:?}, {threads} threads");
        }
        fs::write(&object, good).unwrap();
    }
}

#[test]
fn verification_finds_the_same() {
    let folder = fast_folder();
    drop(import_long(STEREO, folder.path()));
    let blob = folder.path().join("store/it/opus_blob/c/0");
    for is_damaged in [false, true] {
        if is_damaged {
            edit(&blob, |bytes| {
                let place = bytes.len() / 2;
                bytes[place] ^= 1;
            });
        }
        for sample in [0.5, 0.999] {
            let outcome = |threads| {
                let options = VerifyOptions::default().level(VerifyLevel::Decode).sample(sample);
                let recording = open(folder.path(), threads);
                let (mut samples, mut bytes) = (Duration::ZERO, 0);
                let found = recording.verify(&options, |progress| {
                    (samples, bytes) = (progress.audio, progress.bytes);
                    ControlFlow::Continue(())
                });
                let Verification { faults, chunks, packets, decoded, .. } = found.unwrap();
                (faults.listed().to_vec(), chunks, packets, decoded, samples, bytes)
            };
            let expected = outcome(1);
            assert_eq!(expected.0.is_empty(), !is_damaged, "{:?}", expected.0);
            for threads in [2, 5] {
                assert_eq!(outcome(threads), expected, "{threads} threads");
            }
        }
    }
    let mut calls = 0;
    let options = VerifyOptions::default().level(VerifyLevel::Decode);
    let cancelled = open(folder.path(), 4).verify(&options, |progress| {
        calls += u32::from(progress.audio > Duration::from_secs(110));
        if calls > 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(cancelled.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(calls, 1, "it was asked again after it had cancelled");
}

/// A stream may move to another thread, and be dropped there.
#[test]
fn a_stream_can_be_sent_and_dropped_halfway() {
    fn read(mut stream: SampleStream<'_, i16>) -> usize {
        stream.read(&mut vec![0; 30 * 48_000]).unwrap()
    }
    let folder = fast_folder();
    drop(import_long(MONO, folder.path()));
    let recording = open(folder.path(), 3);
    std::thread::scope(|scope| {
        let stream = recording.stream(0..recording.info().play_length).unwrap();
        let count = scope.spawn(move || read(stream)).join().unwrap();
        assert_eq!(count, 30 * 48_000);
    });
}
