//! Imports an audio file into a store:
//! `cargo run --release --example import FILE STORE NAME [exact] [keep]`.
//!
//! Opus packets are stored unchanged; `exact` builds a sync map, so that reads equal a full decode
//! bit for bit. Other audio is encoded, with a sync map in any case; `keep` keeps ultrasound.

use std::{env, process::ExitCode};

use opus_zarr::{Error, ImportOptions, Imported, Recording, Store, Ultrasound, unwatched};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file, store, name, words @ ..] = arguments.as_slice() else { return usage() };
    let mut options = ImportOptions::default();
    for word in words {
        match word.as_str() {
            "exact" => options.exact = Some(true),
            "keep" => options.transcode.ultrasound = Ultrasound::Keep,
            _ => return usage(),
        }
    }
    match import(file, store, name, &options) {
        Ok(imported) => {
            imported.findings.iter().for_each(|finding| eprintln!("{finding}"));
            imported.recordings.iter().for_each(show);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn import(file: &str, store: &str, name: &str, options: &ImportOptions) -> Result<Imported, Error> {
    opus_zarr::import(file, &Store::open_or_create(store)?, name, options, unwatched)
}

fn usage() -> ExitCode {
    eprintln!("usage: import FILE STORE NAME [exact] [keep]");
    ExitCode::from(2)
}

fn show(recording: &Recording) {
    let info = recording.info();
    println!(
        "{}: {:.1?}, {} samples of {} channel(s) in {} packets, {} bytes, stored {:?}",
        recording.name(),
        info.duration(),
        info.play_length,
        info.channels,
        info.packet_count,
        info.blob_bytes,
        info.source.stored,
    );
    if let Some(start) = &info.start {
        let when = start.utc.as_ref().unwrap_or(&start.local);
        println!("{}: began {when} ({}, {:?})", recording.name(), start.source, start.certainty);
    }
    if info.real_rate.get() != 48_000 {
        println!("{}: {} samples per second of real time", recording.name(), info.real_rate);
    }
    let lost: u64 = info.gaps.iter().map(|gap| gap.samples).sum();
    if lost > 0 {
        println!("{}: {lost} samples were lost and will be concealed", recording.name());
    }
}
