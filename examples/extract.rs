//! Writes a range of a recording to a WAV file; START and END are samples at
//! 48 kHz: `cargo run --release --example extract STORE NAME START END OUT.wav`.

use std::{env, error::Error, process::ExitCode};

use hound::{SampleFormat, WavSpec, WavWriter};
use opus_zarr::Recording;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [store, name, start, end, out] = arguments.as_slice() else {
        eprintln!("usage: extract STORE NAME START END OUT.wav");
        return ExitCode::from(2);
    };
    match extract(store, name, start, end, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn extract(
    store: &str,
    name: &str,
    start: &str,
    end: &str,
    out: &str,
) -> Result<(), Box<dyn Error>> {
    let recording = Recording::open(store, name)?;
    let samples: Vec<i16> = recording.read(position(start)?..position(end)?)?;

    let channels = u16::from(recording.info().channels);
    let spec = WavSpec {
        channels,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let mut wav =
        WavWriter::create(out, spec).map_err(|error| format!("cannot create {out}: {error}"))?;
    for sample in &samples {
        wav.write_sample(*sample)?;
    }
    wav.finalize()?;
    println!("{out}: {} samples of {channels} channel(s)", samples.len() / usize::from(channels));
    Ok(())
}

fn position(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("\"{text}\" is no position: expected a number of samples at 48 kHz"))
}
