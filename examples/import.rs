//! Imports an Ogg Opus file into a store:
//! `cargo run --release --example import FILE STORE NAME`.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file, store, name] = arguments.as_slice() else {
        eprintln!("usage: import FILE STORE NAME");
        return ExitCode::from(2);
    };
    match opus_zarr::import(file, store, name) {
        Ok(recording) => {
            let info = recording.info();
            println!(
                "{name}: {:.1?}, {} samples of {} channel(s) in {} packets, {} bytes, stored {:?}",
                info.duration(),
                info.play_length,
                info.channels,
                info.packet_count,
                info.blob_bytes,
                info.source.stored,
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
