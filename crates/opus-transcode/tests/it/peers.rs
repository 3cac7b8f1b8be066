//! Compares our decoding of every real audio file with ffmpeg's. `testdata/inputs.tsv` states for
//! each difference who is right, and why.
//!
//! `OPUS_ZARR_WRITE_TABLE=1 cargo test -p opus-transcode peers` rewrites the table, with question
//! marks for new differences.

use std::{
    collections::HashMap,
    env, fs,
    path::{Path, PathBuf},
};

use opus_transcode::AudioInput;

use crate::audio::{ffmpeg_decodes, lag, read_all, say_skipped, snr};

const COLUMNS: &str = "file\tformat\tframes\tffmpeg's\tlag\tSNR\tfindings\tright\twhy";

#[test]
fn differences_from_ffmpeg_are_judged() {
    let Some(corpus) = env::var_os("OPUS_ZARR_CORPUS") else {
        return say_skipped("OPUS_ZARR_CORPUS is not set");
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/inputs.tsv");
    let table = fs::read_to_string(&path).unwrap_or_default();
    let judgements = judgements(&table);
    let mut found = vec![COLUMNS.to_owned()];
    for (name, file) in audio_files(Path::new(&corpus)) {
        if let Some(row) = compare(&file) {
            let judgement = judgements.get(&*name).copied();
            found.push(format!("{name}\t{row}\t{}", judgement.unwrap_or("?\t?")));
        }
    }
    if env::var_os("OPUS_ZARR_WRITE_TABLE").is_some() {
        fs::write(&path, found.join("\n") + "\n").unwrap();
    }
    let unjudged: Vec<_> = found.iter().filter(|row| row.ends_with("?\t?")).collect();
    assert!(unjudged.is_empty(), "decide who is right: {unjudged:#?}");
    assert_eq!(table.lines().collect::<Vec<_>>(), found);
}

/// Returns the last two columns of each row by the first.
fn judgements(table: &str) -> HashMap<&str, &str> {
    let row = |row| -> Option<_> {
        let mut fields = str::splitn(row, 8, '\t');
        Some((fields.next()?, fields.nth(6)?))
    };
    table.lines().skip(1).filter_map(row).collect()
}

/// Returns all files except those with Opus, which this crate does not decode.
fn audio_files(corpus: &Path) -> Vec<(String, PathBuf)> {
    let manifest = fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let rows = manifest.lines().skip(1).map(|row| row.split('\t').collect::<Vec<_>>());
    let with_audio = rows.filter(|row| row[2] != "opus");
    with_audio.map(|row| (row[0].to_owned(), corpus.join(row[0]))).collect()
}

/// Returns the differences of a file; `None` if both read the same.
fn compare(path: &Path) -> Option<String> {
    let input = AudioInput::open(path, 0);
    let theirs = ffmpeg_decodes(path);
    let mut input = match input {
        Ok(input) => input,
        Err(error) => return Some(format!("{error:?}\t-\t{}\t-\t-\t-", theirs.len())),
    };
    let format = input.format().clone();
    let ours = read_all(&mut input);
    let name = format!(
        "{} in {}, {} Hz, {} channels",
        format.codec, format.container, format.rate, format.channels
    );
    let ours = match ours {
        Ok(ours) => ours,
        Err(error) => return Some(format!("{name}: {error:?}\t-\t{}\t-\t-\t-", theirs.len())),
    };
    let findings: Vec<_> = input.findings().iter().map(ToString::to_string).collect();
    let frames = ours.len() / format.channels;
    let their_frames = theirs.len() / format.channels;
    let lag = lag(&ours, &theirs, format.channels);
    let snr = lag.map_or(0.0, |lag| snr(&ours, &theirs, lag * format.channels as i64));
    let good_enough = if format.bits_per_sample.is_some() { f64::INFINITY } else { 80.0 };
    let states_it = input.frames().is_none_or(|stated| stated == frames as u64);
    let is_same = frames == their_frames && (lag == Some(0) || frames == 0) && states_it;
    if is_same && (snr >= good_enough || frames == 0) && findings.is_empty() {
        return None;
    }
    let lag = lag.map_or_else(|| "-".to_owned(), |lag| lag.to_string());
    let stated = if states_it { String::new() } else { format!(" (stated: {:?})", input.frames()) };
    let findings = if findings.is_empty() { "-".to_owned() } else { findings.join("; ") };
    Some(format!("{name}\t{frames}{stated}\t{their_frames}\t{lag}\t{snr:.0}\t{findings}"))
}
