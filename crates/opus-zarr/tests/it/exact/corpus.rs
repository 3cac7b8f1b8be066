//! Real recordings, by all kinds of encoders, in all containers.

use std::fmt::Debug;

use opus_zarr::{Recording, Sample};
use opus_zarr_testkit::{Random, is_full_run, stored::every_stored_file};

use super::full::{Full, packet_starts};

/// Checks one start in sixteen, different ones in each recording. A full run checks every start,
/// which takes four minutes of processor time.
#[test]
fn reads_of_real_recordings_equal_the_full_decode() {
    let Some(files) = every_stored_file() else { return };
    let share = if is_full_run() { 1 } else { 16 };
    let (mut checked, mut of_many, mut reads) = (0, 0, 0);
    for stored in files {
        let Ok(imported) = stored.outcome else { continue };
        let exact = imported.recordings.iter().filter(|recording| recording.exactness().is_ok());
        for recording in exact {
            let starts: Vec<u64> =
                starts(recording).into_iter().skip(checked % share).step_by(share).collect();
            check::<i16>(recording, &stored.file.relative, &starts);
            check::<f32>(recording, &stored.file.relative, &starts);
            checked += 1;
            of_many += u32::from(recording.info().channels > 2);
            reads += 2 * starts.len();
        }
    }
    println!("{checked} recordings, {reads} reads");
    assert!(
        checked >= 120 && of_many >= 15,
        "{checked} recordings, {of_many} with more than two channels"
    );
}

fn check<S: Sample + PartialEq + Debug>(recording: &Recording, what: &str, starts: &[u64]) {
    let full = Full::<S>::of(recording, what);
    full.check_from(starts);
    full.check_in_pieces();
}

/// The start of every packet in a short recording, and as many random positions in a long one.
fn starts(recording: &Recording) -> Vec<u64> {
    let packets = packet_starts(recording);
    if packets.len() <= MOST_STARTS {
        return packets;
    }
    let mut random = Random(3);
    (0..MOST_STARTS).map(|_| random.below(recording.info().play_length)).collect()
}

const MOST_STARTS: usize = 2000;
