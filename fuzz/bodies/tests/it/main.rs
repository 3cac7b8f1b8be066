//! Runs every fuzz body over its seeds, over every input that once crashed it, and over simple
//! changes of both. The same changes in every run: finding new ones is for a fuzzer.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may panic, and says where"
)]

mod changes;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use changes::changed;
use opus_zarr_fuzz_bodies::{Body, TARGETS, repair_checksums, seeds};

/// Defines a test of each target, and one that finds a target without a test.
macro_rules! targets {
    ($($target:ident)*) => {
        $(#[test]
        fn $target() {
            check(stringify!($target));
        })*

        #[test]
        fn every_target_is_tested() {
            let targets = TARGETS.map(|(name, _)| name);
            assert_eq!(targets, [$(stringify!($target)),*]);
        }
    };
}

targets! {
    audio_input caf demux extensions flac_chunks flac_end flags headers index metadata mp4 open_store
    packet page raw repaired tables triggered wave webm
}

fn check(target: &str) {
    let (_, body) = TARGETS.into_iter().find(|(name, _)| *name == target).unwrap();
    let seeds = seeds(target);
    assert!(!seeds.is_empty(), "no seeds");
    let per_seed = changes_of(target).div_ceil(seeds.len());
    for (number, (name, seed)) in (0..).zip(&seeds) {
        run(body, name, seed);
        for (count, mut input) in (0..per_seed).zip(changed(seed, number)) {
            let name = format!("change {count} of {name}");
            run(body, &name, &input);
            // Without right checksums nothing behind them is reached.
            if matches!(target, "demux" | "page") {
                repair_checksums(&mut input);
                run(body, &format!("{name}, repaired"), &input);
            }
        }
    }
}

/// Names the input that a body panics at.
fn run(body: Body, name: &str, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(input))) {
        eprintln!("input: {name}, {} bytes", input.len());
        resume_unwind(panic);
    }
}

/// How many changed inputs a target gets: less than two seconds of work.
fn changes_of(target: &str) -> usize {
    match target {
        "demux" | "flac_chunks" | "open_store" | "repaired" | "triggered" => 600,
        _ => 5000,
    }
}

#[test]
fn the_checksums_of_a_real_file_need_no_repair() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/chirps-stereo.opus");
    let file = std::fs::read(path).unwrap();
    let mut repaired = file.clone();
    repair_checksums(&mut repaired);
    assert!(repaired == file);
}
