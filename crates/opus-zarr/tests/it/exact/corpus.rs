//! Recordings of other people, by all kinds of encoders, in all containers.

use std::fmt::Debug;

use opus_zarr::{Recording, Sample};

use opus_zarr_testkit::{Random, every_opus_file, recordings::import_with};

use super::{
    exact,
    full::{Full, packet_starts},
};

/// One start in sixteen, of each file others: all take four minutes of processor time, of
/// which making the maps and full decodings are twenty seconds.
#[test]
fn real_recordings_are_exact() {
    check_corpus(16);
}

/// `cargo test --test exact -- --ignored`
#[test]
#[ignore = "takes four minutes of processor time"]
fn real_recordings_are_exact_from_every_packet_on() {
    check_corpus(1);
}

/// Reads of every recording of the corpus, from one in so many of its starts.
fn check_corpus(share: usize) {
    let Some(files) = every_opus_file() else { return };
    let (mut checked, mut of_many, mut reads) = (0, 0, 0);
    for file in &files {
        let store = tempfile::tempdir().unwrap();
        let imported = import_with(&file.path, store.path(), "it", &exact());
        let Ok(imported) = imported else { continue };
        for recording in imported.recordings {
            let starts: Vec<u64> =
                starts(&recording).into_iter().skip(checked % share).step_by(share).collect();
            check::<i16>(&recording, &file.relative, &starts);
            check::<f32>(&recording, &file.relative, &starts);
            checked += 1;
            of_many += u32::from(recording.info().channels > 2);
            reads += 2 * starts.len();
        }
    }
    println!("{checked} recordings, {reads} reads");
    assert!(checked >= 120 && of_many >= 15, "{checked} recordings, {of_many} of many channels");
}

fn check<S: Sample + PartialEq + Debug>(recording: &Recording, what: &str, starts: &[u64]) {
    let full = Full::<S>::of(recording, what);
    full.check_from(starts);
    full.check_in_pieces();
}

/// Every packet of a short recording, and as many places of a long one.
fn starts(recording: &Recording) -> Vec<u64> {
    let packets = packet_starts(recording);
    if packets.len() <= MOST_STARTS {
        return packets;
    }
    let mut random = Random(3);
    (0..MOST_STARTS).map(|_| random.below(recording.info().play_length)).collect()
}

const MOST_STARTS: usize = 2000;
