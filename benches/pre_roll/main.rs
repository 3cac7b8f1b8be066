//! Compares approximate reads with a full decode, by pre-roll and length, and with
//! `soundfile.seek` on the same packets: `cargo bench --bench pre_roll`, or `-- 300` for 300
//! positions per stream. Also measures reads that are exact where decoders agree. Uses the corpus of real recordings and Python where they exist.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may panic")]
#![allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]

use std::{
    fs::{self, File},
    num::NonZeroUsize,
    path::Path,
};

use ogg_opus_demux::OggOpusWriter;
use opus_packet::{OpusHead, OpusTags};
use opus_zarr::{ReadMode, Recording};
use opus_zarr_testkit::{Random, recordings::import_to};
use results::{Reads, Results};
use streams::Stream;

mod agreed;
mod results;
mod signals;
mod soundfile;
mod streams;

const SECOND: u64 = 48_000;
/// In milliseconds.
const PRE_ROLLS: [u32; 10] = [80, 160, 240, 320, 480, 640, 660, 800, 1000, 2000];
/// In milliseconds. A shorter read is the beginning of the longest.
const LENGTHS: [u32; 3] = [20, 100, 1000];
/// Reads closer to the beginning would be decoded from the first packet.
const FIRST: u64 = 2 * SECOND + 1;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let positions = arguments.first().map_or(100, |first| first.parse().unwrap());
    let (folder, peer) = (tempfile::tempdir().unwrap(), soundfile::Soundfile::install());
    let (mut results, mut agreed) = (Results::default(), agreed::Agreed::default());
    for (number, stream) in streams::all().enumerate() {
        let file = folder.path().join(number.to_string());
        write(&stream, &file);
        let imported = import_to(&file, folder.path().join("store"), &number.to_string()).unwrap();
        let mut recording = imported.into_first();
        recording.set_threads(NonZeroUsize::MIN);
        let len = recording.info().play_length;
        let Some(last) = len.checked_sub(FIRST + SECOND) else { continue };
        let mut random = Random(number.try_into().unwrap());
        let places: Vec<u64> = (0..positions).map(|_| FIRST + random.below(last + 1)).collect();
        agreed.add(&stream, &recording, &places);
        let mut reads = ours(&recording, &places);
        reads.extend(peer.as_ref().map(|peer| peer.reads(&file, &stream, len, &places)));
        results.add(&stream, reads);
    }
    results.print();
    agreed.print();
}

/// Writes the file that both read. soundfile returns the rate that a header names.
fn write(stream: &Stream, path: &Path) {
    let head = OpusHead::new(stream.channels, 312, 48_000).unwrap();
    let tags = OpusTags::new("bench", Vec::<&str>::new());
    let mut writer = OggOpusWriter::new(File::create(path).unwrap(), 1, &head, &tags).unwrap();
    for packet in &stream.packets {
        writer.write(packet).unwrap();
    }
    writer.finish(0).unwrap();
}

fn ours(recording: &Recording, places: &[u64]) -> Vec<Reads> {
    let (len, channels) = (recording.info().play_length, usize::from(recording.info().channels));
    let began = processor_time();
    let full: Vec<f32> = recording.read_as(ReadMode::Exact, 0..len).unwrap();
    let second = (processor_time() - began) / len as f64 * SECOND as f64;
    let names = PRE_ROLLS.iter().map(|milliseconds| format!("{milliseconds} ms"));
    let mut all: Vec<Reads> = names.map(Reads::new).collect();
    for &place in places {
        for (reads, milliseconds) in all.iter_mut().zip(PRE_ROLLS) {
            let (mode, range) =
                (ReadMode::Approximate { pre_roll: milliseconds * 48 }, place..place + SECOND);
            let began = processor_time();
            let read: Vec<f32> = recording.read_as(mode, range).unwrap();
            reads.cost.push((processor_time() - began) / second);
            reads.compare(&read, &full, place, channels);
        }
    }
    all
}

/// Of this thread, in nanoseconds, as Linux reports it. Unlike time, it does not depend on the load.
fn processor_time() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}
