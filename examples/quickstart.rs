//! Imports a recording, reads three ranges of it, and holds them against a full
//! decode: `cargo run --release --example quickstart`.

use std::{error::Error, fs, path::Path, process::ExitCode, time::Instant};

use opus_zarr::{Recording, import};

fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = here.join("testdata/field-notes.opus");
    let store = here.join("target/quickstart.zarr");
    if store.exists() {
        fs::remove_dir_all(&store)?;
    }

    let start = Instant::now();
    import(file, &store, "field-notes")?;
    let import_time = start.elapsed();

    let recording = Recording::open(&store, "field-notes")?;
    let info = recording.info();
    let pcm_bytes = info.play_length * u64::from(info.channels) * 2;
    println!("imported  {} in {import_time:.1?}, checked throughout", info.source.name);
    println!("store     {}", store.display());
    println!("audio     {:.1?}, {} channel(s)", info.duration(), info.channels);
    println!("opus      {} packets in {} bytes", info.packet_count, info.blob_bytes);
    println!(
        "wav       would be {pcm_bytes} bytes, {:.0} times as much",
        ratio(pcm_bytes, info.blob_bytes)
    );
    if let Some(index) = recording.index_info() {
        println!(
            "index     {} bytes, {:.1} a packet",
            index.bytes,
            ratio(index.bytes, index.packets)
        );
    }
    println!("reading   {:?}", recording.read_mode());

    let start = Instant::now();
    let full: Vec<i16> = recording.read(0..info.play_length)?;
    println!("\nfull decode: {:.1?}\n", start.elapsed());
    println!("{:>20}  {:>9}  {:>22}", "samples", "time", "against full decode");
    let channels = u64::from(info.channels);
    for range in [0..48_000, 700_000..748_000, info.play_length - 4_800..info.play_length] {
        let start = Instant::now();
        let part: Vec<i16> = recording.read(range.clone())?;
        let time = start.elapsed();
        let place =
            usize::try_from(range.start * channels)?..usize::try_from(range.end * channels)?;
        println!(
            "{:>20}  {time:>9.1?}  {:>22}",
            format!("{range:?}"),
            compare(&part, &full[place])
        );
    }
    Ok(())
}

fn compare(part: &[i16], full: &[i16]) -> String {
    let error = |(a, b): (&i16, &i16)| (f64::from(*a) - f64::from(*b)).powi(2);
    let noise: f64 = part.iter().zip(full).map(error).sum();
    let signal: f64 = full.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    match noise == 0.0 {
        true => "identical".to_owned(),
        false => format!("{:.0} dB above the error", 10.0 * (signal / noise).log10()),
    }
}

fn ratio(a: u64, b: u64) -> f64 {
    a as f64 / b as f64
}
