//! Measures large inputs: importing a large file of speech and one of music, each compared with
//! `cp`, an index of very many packets, and a store of many recordings. `cargo bench --bench scale --
//! 10000 100 20` uses two files of 10,000 MB, 100 million packets and 20,000 recordings; without
//! numbers it runs quickly on small inputs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may panic")]

use std::{
    fs::{self, File},
    hint::black_box,
    io::{BufWriter, Write},
    ops::ControlFlow,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use opus_packet::{CodedPos, OpusHead, OpusTags, Timeline};
use opus_packet_index::IndexRead;
use opus_zarr::{
    ImportManyOptions, ImportOptions, ImportPlan, Recording, import, import_many, unwatched,
};
use opus_zarr_store::{Description, RecordingReader, Source, Store, StoredAs};
use opus_zarr_testkit::{
    Random,
    recordings::{MONO, import_to},
    testdata,
};

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<u64>().ok());
    let (megabytes, millions) = (numbers.next().unwrap_or(50), numbers.next().unwrap_or(1));
    let thousands = numbers.next().unwrap_or(1);
    let folder = tempfile::tempdir().unwrap();
    if megabytes > 0 {
        let hours = (megabytes / 11).max(1);
        let file = folder.path().join("speech.opus");
        opus_zarr_testkit::long::write_hours(hours, create(&file));
        large_file(&format!("{hours} h of speech at 24 kb/s"), &file);
        let hours = (megabytes / 58).max(1);
        let file = folder.path().join("music.opus");
        opus_zarr_testkit::long::write_music_hours(hours, create(&file));
        large_file(&format!("{hours} h of music at 128 kb/s"), &file);
    }
    if millions > 0 {
        many_packets(millions * 1_000_000, folder.path());
    }
    if thousands > 0 {
        many_recordings(thousands * 1000, folder.path());
    }
}

fn create(path: &Path) -> BufWriter<File> {
    BufWriter::new(File::create(path).unwrap())
}

/// Copies and imports the file, then removes everything.
fn large_file(what: &str, file: &Path) {
    let folder = file.parent().unwrap();
    // Otherwise the disk would still be writing it during the measurement.
    File::open(file).unwrap().sync_all().unwrap();
    let bytes = fs::metadata(file).unwrap().len();
    println!("import of {what}, {} MB", bytes / 1_000_000);
    let copy = folder.join("copy");
    let (_, took) = time(|| run(Command::new("cp").arg(file).arg(&copy)));
    show("cp", bytes, took);
    fs::remove_file(&copy).unwrap();
    let (_, took) = time(|| {
        run(Command::new("cp").arg(file).arg(&copy));
        File::open(&copy).unwrap().sync_all().unwrap();
    });
    show("cp and fsync", bytes, took);
    fs::remove_file(&copy).unwrap();
    forget_peak();
    let (recording, took) = time(|| import_to(file, folder.join("store"), "it").unwrap());
    show("import", bytes, took);
    println!("  peak memory {} kB", status("VmHWM"));
    fs::remove_file(file).unwrap();
    let recording = recording.into_first();
    let document = fs::metadata(folder.join("store/it/zarr.json")).unwrap().len();
    println!("  document {document} bytes");
    random_reads(&recording);
    drop(recording);
    let store = Store::open(folder.join("store")).unwrap();
    store.delete_recording(&"it".parse().unwrap()).unwrap();
}

fn random_reads(recording: &Recording) {
    let mut random = Random(1);
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let at = random.below(recording.info().play_length - 48_000);
            time(|| black_box(recording.read::<i16>(at..at + 48_000).unwrap())).1
        })
        .collect();
    println!("  one random second: median {:?}, maximum {:?}", median(&mut times), times[199]);
}

/// Writes the index as an import would. To save space, packets have 1 to 3 bytes and the blob is
/// zeros; opening and finding do not read it.
fn many_packets(packets: u64, folder: &Path) {
    println!("index of {packets} packets");
    let (_, took) = time(|| write_packets(packets, &folder.join("store")));
    println!("  written in {took:.1?}");
    let document = fs::metadata(folder.join("store/many/zarr.json")).unwrap().len();
    let index = fs::metadata(folder.join("store/many/opus_index/c/0/0")).unwrap().len();
    println!("  document {document} bytes, index {index} bytes");
    let name = "many".parse().unwrap();
    let open = || RecordingReader::open(folder.join("store"), &name).unwrap();
    forget_peak();
    let before = status("VmRSS");
    let recording = open();
    println!("  open: {} kB kept, peak {} kB", status("VmRSS") - before, status("VmHWM") - before);
    let mut times: Vec<Duration> = (0..5).map(|_| time(open).1).collect();
    println!("  open: {:?}", median(&mut times));
    let end = recording.timeline().coded_length() - 48_000;
    let mut random = Random(1);
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let at = random.below(end);
        let find = || black_box(recording.span(CodedPos::new(at)..CodedPos::new(at + 48_000)));
        cold.push(time(|| find().unwrap()).1);
        warm.push(time(|| find().unwrap()).1);
    }
    println!("  find one second, cold: {:?}, warm: {:?}", median(&mut cold), median(&mut warm));
}

fn write_packets(packets: u64, root: &Path) {
    let store = Store::open_or_create(root).unwrap();
    let writer = store.create_recording(&"many".parse().unwrap()).unwrap();
    let mut index = writer.index().unwrap();
    let (mut random, mut offset) = (Random(2), 0);
    for _ in 0..packets {
        let length = 1 + random.below(3);
        index.push(offset, length, 960).unwrap();
        offset += length;
    }
    let mut blob = writer.blob().unwrap();
    let zeros = vec![0; 1 << 20];
    while offset > 0 {
        let piece = zeros.len().min(usize::try_from(offset).unwrap());
        blob.write_all(&zeros[..piece]).unwrap();
        offset -= u64::try_from(piece).unwrap();
    }
    let description = Description::new(
        OpusHead::new(1, 312, 48_000).unwrap(),
        OpusTags::new("none", Vec::<&str>::new()),
        Timeline::new(312, packets * 960, 0).unwrap(),
        Source::new("none", StoredAs::Remuxed).format("ogg", "opus"),
    );
    writer.commit(description, &blob.finish().unwrap(), &index.finish().unwrap()).unwrap();
}

/// Lists a store of many recordings and imports into it, compared with only reading the documents.
fn many_recordings(count: u64, folder: &Path) {
    println!("store of {count} recordings");
    let (root, empty) = (folder.join("large"), folder.join("empty"));
    multiply(&root, count);
    let (bytes, took) = time(|| read_documents(&root));
    println!("  `fs::read` of all documents, {bytes} bytes: {took:.2?}");
    let store = Store::open(&root).unwrap();
    let mut opened = 0;
    let (_, took) = time(|| {
        Recording::open_each(&store, |_, recording| {
            opened += u64::from(recording.is_ok());
            ControlFlow::Continue(())
        })
    });
    assert_eq!(opened, count);
    println!("  open all recordings: {took:.2?}");
    let clip = folder.join("clip.wav");
    fs::write(&clip, clip_of(48_000)).unwrap();
    let plan = ImportPlan::of([&clip]).unwrap();
    let import_plan = |root: &Path| {
        let store = Store::open_or_create(root).unwrap();
        let go_on = |_| ControlFlow::Continue(());
        import_many(&store, &plan, &ImportManyOptions::default(), go_on).unwrap()
    };
    for (what, root) in [("this store", &root), ("an empty store", &empty)] {
        let (tally, took) = time(|| import_plan(root));
        assert_eq!(tally.imported, 1);
        println!("  `import_many` of one clip into {what}: {took:.2?}");
        let store = Store::open(root).unwrap();
        let import_as = |name: String| {
            import(&clip, &store, &name, &ImportOptions::default(), unwatched).unwrap()
        };
        let mut times: Vec<_> =
            (0..100).map(|number| time(|| import_as(format!("clip {number}"))).1).collect();
        println!("  `import` of a clip of 1 s into {what}: {:.2?}", median(&mut times));
    }
}

/// Fills a store with copies of one recording, whose documents are files of their own.
fn multiply(root: &Path, count: u64) {
    import_to(testdata(MONO), root, "0").unwrap();
    let seed = root.join("0");
    for number in 1..count {
        let copy = root.join(number.to_string());
        for part in ["opus_blob/c", "opus_index/c/0"] {
            fs::create_dir_all(copy.join(part)).unwrap();
        }
        fs::copy(seed.join("zarr.json"), copy.join("zarr.json")).unwrap();
        for part in
            ["opus_blob/zarr.json", "opus_blob/c/0", "opus_index/zarr.json", "opus_index/c/0/0"]
        {
            fs::hard_link(seed.join(part), copy.join(part)).unwrap();
        }
    }
}

fn read_documents(root: &Path) -> usize {
    let entries = fs::read_dir(root).unwrap();
    let documents = entries.map(|entry| entry.unwrap().path().join("zarr.json"));
    documents.filter_map(|path| fs::read(path).ok()).map(|bytes| bytes.len()).sum()
}

/// A WAVE file of noise, mono, at 48 kHz.
fn clip_of(samples: u32) -> Vec<u8> {
    let mut random = Random(3);
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    for number in [48_000, 96_000, 0x0010_0002] {
        file.extend(u32::to_le_bytes(number));
    }
    file.extend(b"data");
    file.extend((samples * 2).to_le_bytes());
    file.extend(
        (0..samples).flat_map(|_| u16::try_from(random.below(6000)).unwrap().to_le_bytes()),
    );
    let size = u32::try_from(file.len() - 8).unwrap();
    file[4..8].copy_from_slice(&size.to_le_bytes());
    file
}

fn time<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// Also sorts the times.
fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success());
}

fn show(what: &str, bytes: u64, took: Duration) {
    let kilobytes = u32::try_from(bytes / 1000).unwrap();
    println!(
        "  {what}: {took:.1?}, {:.0} MB/s",
        f64::from(kilobytes) / 1000.0 / took.as_secs_f64()
    );
}

/// Memory of this process in kB, as reported by Linux.
fn status(field: &str) -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Resets the memory peak.
fn forget_peak() {
    drop(fs::write("/proc/self/clear_refs", "5"));
}
