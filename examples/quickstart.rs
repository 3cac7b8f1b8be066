//! Imports a recording, reads three ranges and compares them with a full decode:
//! `cargo run --release --example quickstart`.

use std::{error::Error, fs, path::Path, process::ExitCode, time::Instant};

use opus_zarr::{ImportOptions, Recording, Store, import, unwatched};

fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn run() -> Result<(), Box<dyn Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = here.join("target/quickstart.zarr");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    let start = Instant::now();
    let store = Store::open_or_create(&directory)?;
    let options = ImportOptions::default().exact(true);
    import(here.join("testdata/field-notes.opus"), &store, "field-notes", &options, unwatched)?;
    println!(
        "imported testdata/field-notes.opus and built its sync map in {:.1?}, into",
        start.elapsed()
    );
    println!("         {}", directory.display());

    let recording = Recording::open(&store, "field-notes")?;
    let info = recording.info();
    println!("audio    {:.1?}, {} channel(s)", info.duration(), info.channels);
    println!("opus     {} bytes in {} packets", info.blob_bytes, info.packet_count);
    println!("as WAV   {} bytes", info.play_length * u64::from(info.channels) * 2);
    println!("index    {} bytes", recording.index_info()?.map_or(0, |index| index.bytes));
    println!("reading  {:?}\n", recording.read_mode());

    let start = Instant::now();
    let full: Vec<i16> = recording.read(0..info.play_length)?;
    println!("{:>18}  {:>8.1?}  (a full decode)", "all samples", start.elapsed());
    for range in [0..48_000, 700_000..748_000, info.play_length - 4_800..info.play_length] {
        let start = Instant::now();
        let part: Vec<i16> = recording.read(range.clone())?;
        let (name, time) = (format!("{range:?}"), start.elapsed());
        let same_part = &full[usize::try_from(range.start)?..usize::try_from(range.end)?];
        println!("{name:>18}  {time:>8.1?}  {}", compare(&part, same_part));
    }
    Ok(())
}

fn compare(part: &[i16], full: &[i16]) -> String {
    let differences = part.iter().zip(full).map(|(a, b)| f64::from(*a) - f64::from(*b));
    let noise: f64 = differences.map(|difference| difference.powi(2)).sum();
    let signal: f64 = full.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    if noise == 0.0 {
        return "identical to the full decode".to_owned();
    }
    format!("{:.0} dB above the difference", 10.0 * (signal / noise).log10())
}
