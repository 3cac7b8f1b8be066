//! Imports a file with Opus (Ogg, WebM, Matroska, MP4, CAF) into a store:
//! `cargo run --release --example import FILE STORE NAME [exact]`. With `exact`, a sync
//! map is measured, so that reads are bit for bit those of a full decode.

use std::{env, process::ExitCode};

use opus_zarr::{ImportOptions, Recording};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (file, store, name, exact) = match arguments.as_slice() {
        [file, store, name] => (file, store, name, false),
        [file, store, name, exact] if exact == "exact" => (file, store, name, true),
        _ => {
            eprintln!("usage: import FILE STORE NAME [exact]");
            return ExitCode::from(2);
        }
    };
    let options = ImportOptions { exact, ..ImportOptions::default() };
    match opus_zarr::import_with(file, store, name, &options) {
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
    let lost: u64 = info.gaps.iter().map(|gap| gap.samples).sum();
    if lost > 0 {
        println!("{}: {lost} samples were lost and are concealed", recording.name());
    }
}
