//! Compares building a sync map, with one thread and with two, with a full decode:
//! `cargo bench --bench exact`. `benches/peers` measures reads.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may panic")]

use std::{
    hint::black_box,
    num::NonZeroUsize,
    path::Path,
    time::{Duration, Instant},
};

use ogg_opus_demux::OggOpusReader;
use opus_segment_decode::{LibopusDecoder, build_sync_map};
use opus_zarr::Recording;
use opus_zarr_testkit::recordings::import_to;
use streams::{decode, packets, write_all};

mod streams;

fn main() {
    println!("decoder {:?}", LibopusDecoder::identity().unwrap());
    let folder = tempfile::tempdir().unwrap();
    for name in write_all(folder.path()) {
        measure(folder.path(), name);
    }
}

fn measure(folder: &Path, name: &str) {
    let imported = import_to(folder.join(name), folder.join("store"), name).unwrap();
    let recording = imported.into_first();
    let (head, packets) = packets(&recording);
    let full = time(|| decode(&head, &packets));
    println!("{name}: {:.0?}, full decode {full:.2?}", recording.info().duration());
    for threads in [1, 2] {
        let map = time(|| make_sync_map(&recording, threads));
        let decodes = map.as_secs_f64() / full.as_secs_f64();
        println!("  sync map, {threads} threads: {map:.2?}, {decodes:.2} decodes");
    }
}

fn make_sync_map(recording: &Recording, threads: usize) {
    let source = OggOpusReader::strict(recording.ogg_opus()).unwrap();
    let (head, threads) = (source.head().clone(), NonZeroUsize::new(threads).unwrap());
    black_box(build_sync_map(source, threads, || LibopusDecoder::unmixed(&head)).unwrap());
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
