//! Imports a file with its progress, reads a second of it, and verifies the store.

use std::{env, ops::ControlFlow};

use opus_zarr::{
    Error, ImportOptions, Progress, Recording, Store, Timestamp, VerifyLevel, VerifyOptions,
    import, unwatched, verify,
};

fn main() -> Result<(), Error> {
    let mut arguments = env::args().skip(1);
    let (Some(file), Some(store)) = (arguments.next(), arguments.next()) else { return Ok(()) };
    let store = Store::open_or_create(store)?;
    let options = ImportOptions::default().exact(true);
    let imported = import(&file, &store, "recording", &options, |progress: &Progress| {
        println!("{:?}: {} of {} bytes", progress.stage, progress.bytes, progress.total_bytes);
        ControlFlow::Continue(())
    })?;
    imported.findings.iter().for_each(|finding| println!("{finding}"));

    let recording = Recording::open(&store, "recording")?;
    let began: Option<Timestamp> = recording.utc_of(0);
    println!("{began:?}, {:?}", recording.read_mode());
    let second: Vec<f32> = recording.read(0..48_000)?;
    println!("{} samples", second.len());

    let options = VerifyOptions::default().level(VerifyLevel::Decode);
    let verification = verify(&store, "recording", &options, unwatched)?;
    verification.faults.listed().iter().for_each(|fault| println!("{fault}"));
    Ok(())
}
