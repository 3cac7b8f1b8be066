//! The outcome of importing every real file of another codec with default options, as a table in the
//! repository: `testdata/audio.tsv`. After an intended change, `OPUS_ZARR_WRITE_TABLE=1 cargo test
//! -p opus-zarr audio::table` rewrites it, with the results of ffmpeg, and a question mark where
//! ffmpeg disagrees and somebody has yet to judge.

use std::{
    collections::HashMap,
    env, fs,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use opus_encode::{Channels, SampleBuffer};
use opus_transcode::{AudioFile, ReadOptions, Resampled};
use opus_zarr::{Finding, ImportOptions, Recording};

use opus_zarr_testkit::{
    CorpusFile, every_file, fast_folder, is_full_run, recordings::import_with, testdata,
};

use super::{
    fidelity::{Fidelity, compare},
    peer,
};

const COLUMNS: [&str; 18] = [
    "file",
    "track",
    "result",
    "container",
    "codec",
    "channels",
    "rate",
    "samples",
    "plays",
    "lag",
    "snr",
    "start",
    "start_from",
    "findings",
    "ffmpeg_samples",
    "ffmpeg_lag",
    "ffmpeg_snr",
    "who_is_right",
];
const SAMPLES: usize = 7;
const PLAYS: usize = 8;
const LAG: usize = 9;
const SNR: usize = 10;
/// The first column about ffmpeg.
const PEER: usize = 14;
const JUDGEMENT: usize = 17;

/// How much of a recording is compared with its source, in seconds.
const SECONDS: u32 = 20;
/// Files of this many seconds or more are checked only in a full run.
const LONG: u32 = 55;
const RATE: u32 = 48_000;
/// libopus rounds differently on different processors: 1.3 dB between two of them were seen. A shift
/// by one sample costs more than 10 dB.
const SNR_TOLERANCE: f64 = 2.0;

type Row = Vec<String>;

#[test]
fn every_encoded_file_matches_the_table() {
    let Some(mut files) = every_file() else { return };
    files.retain(|file| file.codec != "opus");
    let path = testdata("audio.tsv");
    let mut expected = parse(&fs::read_to_string(&path).unwrap_or_default());
    if env::var_os("OPUS_ZARR_WRITE_TABLE").is_some() {
        let mut rows = rows_of(&files, true);
        judge(&mut rows, &expected);
        let lines: Vec<String> = rows.iter().map(|row| row.join("\t")).collect();
        fs::write(&path, format!("{}\n{}\n", COLUMNS.join("\t"), lines.join("\n"))).unwrap();
        expected = rows;
    } else {
        let is_left_out = |row: &&Row| is_long(row) && !is_full_run();
        let long: Vec<_> = expected.iter().filter(is_left_out).cloned().collect();
        files.retain(|file| long.iter().all(|row| row[0] != file.relative));
        expected.retain(|row| !is_left_out(&row));
        let found = rows_of(&files, false);
        let pairs = expected.iter().zip(&found);
        let differences: Vec<_> =
            pairs.filter(|(expected, found)| !agree(expected, found)).collect();
        assert!(differences.is_empty(), "left expected, right found: {differences:#?}");
        assert_eq!(expected.len(), found.len());
    }
    for row in &expected {
        assert_ne!(row[JUDGEMENT], "?", "somebody has to judge {row:?}");
        assert!(row[2] != "ok" || matches!(row[LAG].as_str(), "0" | "silent"), "{row:?}");
    }
}

fn is_long(row: &Row) -> bool {
    row[PLAYS].parse::<u64>().is_ok_and(|plays| plays >= u64::from(RATE * LONG))
}

fn parse(table: &str) -> Vec<Row> {
    let row = |line: &str| line.split('\t').map(str::to_owned).collect();
    table.lines().skip(1).map(row).collect()
}

/// Compares everything but the columns about ffmpeg.
fn agree(expected: &[String], found: &[String]) -> bool {
    let numbers = [&expected[SNR], &found[SNR]].map(|snr| snr.parse::<f64>());
    let snr_agrees = match numbers {
        [Ok(expected), Ok(found)] => (expected - found).abs() <= SNR_TOLERANCE,
        _ => expected[SNR] == found[SNR],
    };
    snr_agrees && expected[..SNR] == found[..SNR] && expected[SNR + 1..PEER] == found[SNR + 1..PEER]
}

/// Keeps the judgements of rows in which ffmpeg disagrees.
fn judge(rows: &mut [Row], before: &[Row]) {
    let key = |row: &Row| (row[0].clone(), row[1].clone());
    let judgements: HashMap<_, _> =
        before.iter().map(|row| (key(row), row[JUDGEMENT].clone())).collect();
    for row in rows.iter_mut().filter(|row| !is_as_ffmpeg_says(row)) {
        let judgement = judgements.get(&key(row)).filter(|text| !text.is_empty());
        row[JUDGEMENT] = judgement.map_or("?".to_owned(), Clone::clone);
    }
}

fn is_as_ffmpeg_says(row: &Row) -> bool {
    let number = |field: &String| field.parse::<f64>().unwrap_or(0.0);
    let is_at_its_place = matches!(row[PEER + 1].as_str(), "0" | "silent");
    let is_alike = (number(&row[SNR]) - number(&row[PEER + 2])).abs() < 1.0;
    row[2] == "ok" && row[SAMPLES] == row[PEER] && is_at_its_place && is_alike
}

/// Returns the rows of all files.
fn rows_of(files: &[CorpusFile], with_ffmpeg: bool) -> Vec<Row> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut rows = Vec::new();
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            rows.extend(rows_of_file(file, with_ffmpeg));
        }
        rows
    };
    let threads = thread::available_parallelism().unwrap().get();
    let mut rows: Vec<Row> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let place: HashMap<_, _> =
        files.iter().enumerate().map(|(at, file)| (file.relative.as_str(), at)).collect();
    rows.sort_by_key(|row| (place[row[0].as_str()], row[1].clone()));
    rows
}

/// Returns a row for each recording of the file.
fn rows_of_file(file: &CorpusFile, with_ffmpeg: bool) -> Vec<Row> {
    let directory = fast_folder();
    // Building a sync map takes most of the time and changes no sample.
    let options = ImportOptions::default().exact(false);
    match import_with(&file.path, directory.path(), "it", &options) {
        Err(error) => {
            let text =
                format!("{error:?}").replace(&format!("cannot import {:?}: ", file.path), "");
            let mut row = vec![file.relative.clone(), "1".to_owned(), text];
            row.resize(PEER, String::new());
            let whole = with_ffmpeg.then(|| peer::whole(&file.path, 1)).flatten();
            row.push(whole.map_or("none".to_owned(), |whole| whole.to_string()));
            row.resize(COLUMNS.len(), String::new());
            vec![row]
        }
        Ok(imported) => imported
            .recordings
            .iter()
            .map(|recording| row(file, recording, &imported.findings, with_ffmpeg))
            .collect(),
    }
}

fn row(file: &CorpusFile, recording: &Recording, findings: &[Finding], with_ffmpeg: bool) -> Row {
    let info = recording.info();
    let source = &info.source;
    let transcoding = source.transcoding.as_ref().unwrap();
    let (rate, samples) = (transcoding.rate, transcoding.samples);
    let expected = (samples * u64::from(RATE)).div_ceil(rate.into());
    assert_eq!(info.play_length, expected, "{}: not as long as its source", file.relative);
    let beginning = beginning(recording);
    let fidelity = compare(&beginning, &source_of(file, source.stream), info.channels.into(), rate);
    let mut row = vec![file.relative.clone(), source.stream.to_string(), "ok".to_owned()];
    row.extend([source.container.clone(), source.codec.clone(), info.channels.to_string()]);
    row.extend([u64::from(rate), samples, info.play_length].map(|number| number.to_string()));
    row.extend(show(fidelity));
    let start = info.start.as_ref();
    row.push(start.map_or(String::new(), |start| start.utc.clone().unwrap_or(start.local.clone())));
    row.push(start.map_or(String::new(), |start| start.source.clone()));
    row.push(findings.iter().filter(|one| one.stream == source.stream).count().to_string());
    if with_ffmpeg {
        row.extend(by_ffmpeg(file, source.stream, &beginning, (rate, info.channels.into())));
    }
    row.resize(COLUMNS.len(), String::new());
    row
}

/// The length that ffmpeg decodes, and the fidelity of the recording to it.
fn by_ffmpeg(file: &CorpusFile, track: u64, ours: &[f32], (rate, channels): (u32, u32)) -> Row {
    let Some(whole) = peer::whole(&file.path, track) else { return vec!["none".to_owned()] };
    if (whole.rate, whole.channels) != (rate, channels) {
        return vec![whole.to_string()];
    }
    let channels = usize::try_from(channels).unwrap();
    let theirs = in_opus_order(peer::resampled(&file.path, track, SECONDS), channels);
    let mut fields = vec![whole.samples.to_string()];
    fields.extend(show(compare(ours, &theirs, channels, rate)));
    fields
}

/// Shows lag and SNR.
fn show(fidelity: Option<Fidelity>) -> [String; 2] {
    fidelity.map_or(["silent".to_owned(), "silent".to_owned()], |fidelity| {
        [fidelity.lag.to_string(), format!("{:.1}", fidelity.snr)]
    })
}

fn beginning(recording: &Recording) -> Vec<f32> {
    let end = recording.info().play_length.min(u64::from(RATE * SECONDS));
    recording.read(0..end).unwrap()
}

/// Decodes the beginning of the source.
fn source_of(file: &CorpusFile, track: u64) -> Vec<f32> {
    let track = usize::try_from(track - 1).unwrap();
    let source = AudioFile::open(&file.path, &ReadOptions::default().track(track)).unwrap();
    let channels = source.channels();
    let mut resampled = Resampled::new(source, RATE).unwrap();
    let mut memory = vec![0.0; usize::try_from(SECONDS * RATE).unwrap() * channels];
    let mut buffer = SampleBuffer::new(&mut memory, channels);
    buffer.fill_from(&mut resampled).unwrap();
    in_opus_order(buffer.samples().to_vec(), channels)
}

/// Reorders channels from WAV to Opus.
fn in_opus_order(mut samples: Vec<f32>, channels: usize) -> Vec<f32> {
    let count = Channels::new(u8::try_from(channels).unwrap()).unwrap();
    for frame in samples.chunks_exact_mut(channels) {
        let before = frame.to_vec();
        let order = count.from_wav().into_iter().flatten();
        order.zip(frame).for_each(|(from, sample)| *sample = before[*from]);
    }
    samples
}
