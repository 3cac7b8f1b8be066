//! Reads of recordings without a sync map are exact where two decoders agree.

use std::{fs::File, path::Path};

use ogg_opus_demux::OggOpusWriter;
use opus_packet::{OpusHead, OpusTags};
use opus_zarr::{
    APPROXIMATE_PRE_ROLL, Exactness, NotExact, Output, OutputRate, ReadMode, Recording, Sample,
};
use opus_zarr_testkit::{
    Random,
    counter::cost,
    files::fast_folder,
    recordings::{MONO, all, import_to, store_of},
    tones,
};

const APPROXIMATE: ReadMode = ReadMode::Approximate { pre_roll: APPROXIMATE_PRE_ROLL };

/// Imports stereo CELT that lasts two and a half minutes.
fn music(folder: &Path) -> Recording {
    let path = folder.join("music.opus");
    let (head, tags) =
        (OpusHead::new(2, 312, 48_000).unwrap(), OpusTags::new("", Vec::<&str>::new()));
    let mut writer = OggOpusWriter::new(File::create(&path).unwrap(), 1, &head, &tags).unwrap();
    for packet in tones::packets(2, 150 * 50) {
        writer.write(&packet).unwrap();
    }
    writer.finish(0).unwrap();
    import_to(path, folder.join("store"), "music").unwrap().into_first()
}

/// Reads random ranges, compares those reported as exact with the full decode, and returns their
/// number.
fn exact_reads<S: Sample + PartialEq>(recording: &Recording) -> usize {
    let full = all::<S>(recording);
    let mut random = Random(7);
    let play_length = recording.info().play_length;
    let mut exact = 0;
    for _ in 0..100 {
        let range = random.range(play_length - 2, 96_000);
        // At least one sample at every rate.
        let range = range.start..range.end + 2;
        let samples: Vec<S> = recording.read(range.clone()).unwrap();
        let said = recording.exactness_of(recording.read_mode(), range.clone());
        let mut stream = recording.stream::<S>(range.clone()).unwrap();
        let mut piece = vec![S::default(); samples.len()];
        assert_eq!(stream.read(&mut piece).unwrap(), samples.len());
        assert_eq!(stream.exactness().ok(), said.as_ref().ok().copied(), "{range:?}");
        assert!(piece == samples, "{range:?}");
        if said.is_err() {
            continue;
        }
        exact += 1;
        let rest = recording.sample_count(range.start..play_length).unwrap();
        let from = full.len() - usize::try_from(rest).unwrap() * 2;
        assert!(samples == full[from..from + samples.len()], "{range:?}");
    }
    exact
}

#[test]
fn music_is_read_exactly() {
    let folder = fast_folder();
    let mut recording = music(folder.path());
    assert_eq!(recording.read_mode(), ReadMode::Agreed);
    assert!(exact_reads::<f32>(&recording) >= 90);
    assert!(exact_reads::<i16>(&recording) >= 90);
    recording.set_output(Output::default().rate(OutputRate::Hz16000)).unwrap();
    assert!(exact_reads::<i16>(&recording) >= 90);
}

/// Each minute is established anew.
#[test]
fn long_ranges_are_exact() {
    let folder = fast_folder();
    let recording = music(folder.path());
    let range = 1_000_000..recording.info().play_length - 1;
    let exactness = recording.exactness_of(ReadMode::Agreed, range.clone()).unwrap();
    assert_eq!(exactness, Exactness::Agreement);
    let samples: Vec<f32> = recording.read(range).unwrap();
    assert!(samples == all::<f32>(&recording)[2_000_000..][..samples.len()]);
}

#[test]
fn speech_is_exact_near_its_beginning_only() {
    let (_store, recording) = store_of(MONO);
    let exactness_of = |start| recording.exactness_of(ReadMode::Agreed, start..start + 48_000);
    for start in [0, 30_000, 200_000] {
        assert!(exactness_of(start).is_ok(), "{start}");
    }
    let late = 480_000..528_000;
    let error = exactness_of(late.start).unwrap_err();
    assert_eq!(error.not_exact(), Some(&NotExact::NoAgreement));
    let read = |mode| recording.read_as::<f32>(mode, late.clone()).unwrap();
    assert!(read(ReadMode::Agreed) == read(APPROXIMATE));
    let requested = recording.exactness_of(APPROXIMATE, late.clone()).unwrap_err();
    assert_eq!(requested.not_exact(), Some(&NotExact::Requested));
    let from_start = recording.exactness_of(ReadMode::Exact, late.clone()).unwrap();
    assert_eq!(from_start, Exactness::Beginning);
}

/// The first read looks back, later ones remember; both take little more than approximate ones.
#[test]
fn what_was_established_is_remembered() {
    let folder = fast_folder();
    let recording = music(folder.path());
    let mut random = Random(5);
    let (mut approximate, mut first, mut later) = (0, 0, 0);
    for _ in 0..50 {
        let range = random.range(recording.info().play_length - 384_000, 1);
        let range = range.start + 336_000..range.start + 384_000;
        let packets =
            |mode| cost(|| recording.read_as::<i16>(mode, range.clone()).unwrap()).1.packets;
        approximate += packets(APPROXIMATE);
        first += packets(ReadMode::Agreed);
        later += packets(ReadMode::Agreed);
    }
    println!("{approximate} packets, first {first}, later {later}");
    assert!(first < 5 * approximate);
    assert!(10 * later < 18 * approximate);
}
