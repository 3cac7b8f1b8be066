//! Encoding on import: the sync map that it writes, and an endless file.

use std::{
    fs::{self, File},
    io::Write,
    ops::ControlFlow,
    path::Path,
    time::{Duration, Instant},
};

use opus_packet_index::{SYNC_SPACING, SyncDecoder, SyncEntry};
use opus_zarr::{
    Bitrate, ErrorKind, Exactness, ImportOptions, RateControl, Stage, Store, SyncInterval,
    VerifyLevel, VerifyOptions, import, unwatched,
};
use opus_zarr_store::RecordingReader;
use opus_zarr_testkit::{
    Random, fast_folder,
    processes::this_test,
    recordings::{import_to, import_with, verify_at},
    testdata,
};

#[test]
fn with_sync_points_reads_are_exact_by_construction() {
    let folder = fast_folder();
    let (file, store) = (folder.path().join("it.wav"), folder.path().join("store"));
    write_wave(&file, SECONDS * BYTES_A_SECOND, 1);
    let options = ImportOptions::default();
    let mut recording = import_with(&file, &store, "it", &options).unwrap().into_first();
    assert_eq!(recording.exactness(), Ok(Exactness::Construction));
    let map = || sync_map(&store, "it");
    let constructed = map();
    let last = constructed.len() - 2;
    for (number, entry) in (0..).zip(&constructed[..last]).skip(1) {
        let (exact, start) = (entry.exact(number), number * SYNC_SPACING);
        assert_eq!(exact, entry.exact_for(SyncDecoder::Any, number));
        assert!(exact.start.get() <= start + 12_000, "{number}: {exact:?}");
    }
    let whole: Vec<f32> = recording.read(0..recording.info().play_length).unwrap();
    let mut random = Random(1);
    for _ in 0..300 {
        let (at, len) = (random.below((SECONDS - 1) * 48_000), 1 + random.below(48_000));
        let range: Vec<f32> = recording.read(at..at + len).unwrap();
        let expected = &whole[usize::try_from(at).unwrap()..usize::try_from(at + len).unwrap()];
        assert!(range == expected, "{at}, {len}");
    }
    recording.build_sync(unwatched).unwrap();
    assert_eq!(map(), constructed, "a rebuilt map differs");
    let options = VerifyOptions::default().level(VerifyLevel::Decode);
    let verification = verify_at(&store, "it", &options).unwrap();
    assert_eq!(verification.faults.total(), 0, "{:?}", verification.faults);
}

#[test]
fn between_distant_sync_points_every_start_is_measured() {
    let folder = fast_folder();
    let (file, store) = (folder.path().join("it.wav"), folder.path().join("store"));
    write_wave(&file, 10 * BYTES_A_SECOND, 1);
    let mut options = ImportOptions::default();
    options.transcode.sync_interval = Some(SyncInterval(Duration::from_secs(2)));
    import_with(&file, &store, "it", &options).unwrap();
    let exact = |number: u64, entry: &SyncEntry| !entry.exact(number).is_empty();
    let count = (0..).zip(&sync_map(&store, "it")).filter(|(at, entry)| exact(*at, entry)).count();
    assert!(count >= 20, "{count} of 26");
}

#[test]
fn importing_an_endless_file_uses_little_memory_and_leaves_nothing_when_cancelled() {
    let child = this_test(module_path!(), "child_that_imports_an_endless_file").status().unwrap();
    assert!(child.success());
}

#[test]
#[ignore = "runs as a child process, whose peak memory is its own"]
fn child_that_imports_an_endless_file() {
    let folder = fast_folder();
    let file = folder.path().join("it.wav");
    write_wave(&file, HUNDRED_GIGABYTES, 5);
    let store = Store::open_or_create(folder.path().join("store")).unwrap();
    let mut cancelled = None;
    let result = import(&file, &store, "it", &ImportOptions::default(), |progress| {
        if progress.audio < Duration::from_secs(4 * SECONDS) {
            return ControlFlow::Continue(());
        }
        cancelled = Some((Instant::now(), progress.stage));
        ControlFlow::Break(())
    });
    let (at, stage) = cancelled.unwrap();
    let took = at.elapsed();
    assert_eq!(stage, Stage::Write);
    assert!(result.is_err_and(|error| error.kind() == ErrorKind::Cancelled));
    assert!(took < Duration::from_secs(5), "even in a debug build on a busy machine: {took:?}");
    assert_eq!(folder.path().join("store").read_dir().unwrap().count(), 1, "only zarr.json");
    let memory = peak_memory();
    println!("cancelled in {took:?}; {memory} kB at most");
    assert!(memory < 64 * 1024, "{memory} kB");
}

const SECONDS: u64 = 32;
const BYTES_A_SECOND: u64 = 2 * 48_000;
const HUNDRED_GIGABYTES: u64 = 100_000_000_000;

fn sync_map(store: &Path, name: &str) -> Vec<SyncEntry> {
    let reader = RecordingReader::open(store, &name.parse().unwrap()).unwrap();
    reader.sync_entries().unwrap().unwrap()
}

/// Writes an RF64 file, mono, 16 bit, 48 kHz: some seconds of speech, repeated, then zeros that take
/// no space on the disk.
fn write_wave(path: &Path, bytes: u64, times: usize) {
    let folder = fast_folder();
    let speech = import_to(testdata("field-notes.opus"), folder.path(), "it").unwrap().into_first();
    let speech: Vec<i16> = speech.read(0..SECONDS * 48_000).unwrap();
    let speech: Vec<u8> = speech.into_iter().flat_map(i16::to_le_bytes).collect();
    let mut head = b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0".to_vec();
    head.extend([bytes + 72, bytes, bytes / 2].map(u64::to_le_bytes).as_flattened());
    head.extend(*b"\0\0\0\0fmt \x10\0\0\0\x01\0\x01\0");
    head.extend([48_000, 96_000].map(u32::to_le_bytes).as_flattened());
    head.extend(*b"\x02\0\x10\0data\xff\xff\xff\xff");
    let mut file = File::create(path).unwrap();
    file.write_all(&head).unwrap();
    (0..times).for_each(|_| file.write_all(&speech).unwrap());
    file.set_len(u64::try_from(head.len()).unwrap() + bytes).unwrap();
}

/// The peak memory of this process in kB, on Linux.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// At a constant low bit rate, nothing leads over from SILK to CELT: audio is made up at each sync
/// point, in which only a start that ran through it is exact.
#[test]
fn where_audio_is_made_up_the_map_is_measured() {
    let folder = fast_folder();
    let (file, store) = (folder.path().join("it.wav"), folder.path().join("store"));
    write_wave(&file, 20 * BYTES_A_SECOND, 1);
    let mut found = Vec::new();
    for (name, control, bits) in [
        ("cbr", RateControl::Cbr, 10_000),
        ("vbr", RateControl::Vbr, 16_000),
        ("hybrid", RateControl::Vbr, 28_000),
    ] {
        let mut options = ImportOptions::default();
        options.transcode.rate_control = control;
        options.transcode.bitrate = Some(Bitrate::bits_per_second(bits));
        let recording = import_with(&file, &store, name, &options).unwrap().into_first();
        let whole: Vec<f32> = recording.read(0..recording.info().play_length).unwrap();
        let mut random = Random(3);
        for _ in 0..40 {
            let range = random.range(recording.info().play_length, 48_000);
            let place = |sample| usize::try_from(sample).unwrap();
            let expected = &whole[place(range.start)..place(range.end)];
            assert!(recording.read::<f32>(range.clone()).unwrap() == expected, "{name}: {range:?}");
        }
        found.push((name, recording.exactness().unwrap()));
    }
    println!("{found:?}");
    assert!(found.contains(&("cbr", Exactness::Map)), "{found:?}");
    assert!(found.contains(&("vbr", Exactness::Construction)), "{found:?}");
}
