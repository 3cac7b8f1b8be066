//! Writes a range of a recording to a WAV file:
//! `cargo run --release --example extract STORE NAME START END OUT.wav [HZ]`.
//!
//! START and END are positions in samples at 48 kHz. HZ is the sample rate of the file: 48000
//! (default), 24000, 16000, 12000 or 8000.

use std::{
    env,
    error::Error,
    fs,
    io::{Seek, Write},
    path::Path,
    process::ExitCode,
};

use hound::{SampleFormat, WavSpec, WavWriter};
use opus_zarr::{Output, Recording, SampleStream, Store};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (&[store, name, start, end, out] | &[store, name, start, end, out, _]) =
        arguments.as_slice()
    else {
        eprintln!("usage: extract STORE NAME START END OUT.wav [HZ]");
        return ExitCode::from(2);
    };
    match extract((store, name), (start, end), out, arguments.get(5).copied()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn extract(
    (store, name): (&str, &str),
    (start, end): (&str, &str),
    out: &str,
    hz: Option<&str>,
) -> Result<(), Box<dyn Error>> {
    let mut recording = Recording::open(&Store::open(store)?, name)?;
    if let Some(hz) = hz {
        let number: u32 = hz.parse().map_err(|_| format!("invalid sample rate \"{hz}\""))?;
        recording.set_output(Output::default().rate(number.try_into()?))?;
    }
    let mut samples = recording.stream::<i16>(position(start)?..position(end)?)?;

    let channels = u16::from(recording.info().channels);
    let spec = WavSpec {
        channels,
        sample_rate: recording.output().rate.hz(),
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let wav =
        WavWriter::create(out, spec).map_err(|error| format!("cannot create {out}: {error}"))?;
    let count = copy(&mut samples, wav).inspect_err(|_| remove(Path::new(out)))?;
    println!("{out}: {} samples of {channels} channel(s)", count / usize::from(channels));
    Ok(())
}

/// Removes an incomplete file, which could be mistaken for a complete one. Leaves devices alone.
fn remove(out: &Path) {
    if out.is_file() {
        let _ = fs::remove_file(out);
    }
}

/// Returns the number of samples written, counting all channels.
fn copy(
    samples: &mut SampleStream<'_, i16>,
    mut wav: WavWriter<impl Write + Seek>,
) -> Result<usize, Box<dyn Error>> {
    let (mut buffer, mut count) = (vec![0; 65_536], 0);
    loop {
        let read = samples.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        buffer.iter().take(read).try_for_each(|&sample| wav.write_sample(sample))?;
        count += read;
    }
    wav.finalize()?;
    Ok(count)
}

fn position(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("invalid position \"{text}\": expected a number of samples at 48 kHz"))
}
