//! The cost of a read does not depend on the length of the recording.

use opus_zarr::{APPROXIMATE_PRE_ROLL, ReadMode, Recording, Store, unwatched};
use opus_zarr_testkit::{
    Random,
    counter::{Cost, cost},
    long::import_hours,
    recordings::{MONO, open_at, store_of},
};

const APPROXIMATE: ReadMode = ReadMode::Approximate { pre_roll: APPROXIMATE_PRE_ROLL };

/// The mean and the maximum of 200 random reads of one second.
fn one_second_reads(recording: &Recording, mode: ReadMode) -> (Cost, Cost) {
    let mut random = Random(1);
    let (mut sum, mut most) = (Cost::default(), Cost::default());
    for _ in 0..200 {
        let start = random.below(recording.info().play_length - 48_000);
        let (samples, cost) =
            cost(|| recording.read_as::<i16>(mode, start..start + 48_000).unwrap());
        assert_eq!(samples.len(), 48_000);
        sum.reads += cost.reads;
        sum.bytes += cost.bytes;
        sum.packets += cost.packets;
        most.reads = most.reads.max(cost.reads);
        most.bytes = most.bytes.max(cost.bytes);
        most.packets = most.packets.max(cost.packets);
    }
    (Cost { reads: sum.reads / 200, bytes: sum.bytes / 200, packets: sum.packets / 200 }, most)
}

#[test]
fn one_second_costs_the_same_in_an_hour_and_in_six() {
    let directory = tempfile::tempdir().unwrap();
    let [(hour, hour_most), (six, six_most)] = [1, 6].map(|hours| {
        drop(import_hours(hours, directory.path()));
        let store = Store::open(directory.path().join("store")).unwrap();
        let name = format!("{hours}-hours").parse().unwrap();
        // Without a cache every read is cold.
        let reader = store.open_recording(&name).unwrap().with_cached_chunks(0);
        one_second_reads(&Recording::new(reader), APPROXIMATE)
    });
    println!("1 h: mean {hour:?}, most {hour_most:?}\n6 h: mean {six:?}, most {six_most:?}");
    for most in [hour_most, six_most] {
        // One ranged read of the index and one of the blob, or two of one at a boundary.
        assert!(most.reads <= 3);
        // One second, the pre-roll, and a partial packet at each end.
        assert!(most.packets <= 50 + 40 + 2);
        // Two inner chunks of the blob and two chunks of the index.
        assert!(most.bytes <= 2 * 65_540 + 2 * 40_000);
    }
    assert!(six.bytes <= hour.bytes + hour.bytes / 10, "{six:?} {hour:?}");
}

#[test]
fn opening_takes_one_read_of_the_storage() {
    let directory = tempfile::tempdir().unwrap();
    drop(import_hours(1, directory.path()));
    let store = Store::open(directory.path().join("store")).unwrap();
    let (_, cost) = cost(|| Recording::open(&store, "1-hours").unwrap());
    assert_eq!(cost.reads, 1);
}

#[test]
fn a_read_near_an_earlier_one_takes_one_read_of_the_storage() {
    let directory = tempfile::tempdir().unwrap();
    let recording = import_hours(1, directory.path());
    let start = 1000 * 48_000;
    let read = |range| recording.read_as::<i16>(APPROXIMATE, range).unwrap();
    read(start..start + 48_000);
    let (_, cost) = cost(|| read(start + 96_000..start + 144_000));
    assert_eq!(cost.reads, 1, "{cost:?}");
}

/// In addition to an approximate read: one read of the sync map, and the packets from the start on.
#[test]
fn an_exact_read_takes_one_more_read_of_the_storage() {
    let (store, mut recording) = store_of(MONO);
    recording.build_sync(unwatched).unwrap();
    let recording = open_at(store.path(), "it").unwrap();
    let read = |start| cost(|| recording.read::<i16>(start..start + 48_000).unwrap()).1;
    let cold = read(480_000);
    assert_eq!(cold.reads, 3, "{cold:?}");
    let warm = read(960_000);
    assert_eq!(warm.reads, 1, "{warm:?}");
    let (mean, _) = one_second_reads(&recording, ReadMode::Exact);
    assert!((55..150).contains(&mean.packets), "{mean:?}");
}
