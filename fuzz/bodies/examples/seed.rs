//! Writes the seeds of every fuzz target to `fuzz/corpus/<target>/`:
//! `cargo run -p opus-zarr-fuzz-bodies --example seed`.

use std::{error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    for (target, _) in opus_zarr_fuzz_bodies::TARGETS {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in opus_zarr_fuzz_bodies::seeds(target) {
            fs::write(folder.join(name), bytes)?;
        }
    }
    Ok(())
}
