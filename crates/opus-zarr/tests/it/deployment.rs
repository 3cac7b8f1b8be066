//! Time of day over real recordings: whatever range is read, its samples are those of the recordings.

use std::{
    collections::BTreeMap,
    fs, iter,
    ops::{ControlFlow, Range},
    path::{Path, PathBuf},
};

use opus_zarr::{
    Catalogue, CatalogueRow, ChannelSelection, Deployment, ErrorKind, Gaps, ImportOptions, Output,
    OutputRate, Recording, RecordingFilter, Sample, Segment, Store, Timestamp, Ultrasound,
    UtcSamples,
};
use opus_zarr_testkit::{
    Random, fast_folder,
    recordings::{all, import_with},
    wave::wave,
};
use tempfile::TempDir;

/// Rate, channels, and a file per recording: its name and its frames.
type Station<'a> = (u32, u16, &'a [(&'a str, u64)]);

/// Files of a second and more: a joint that is closed, a gap, an overlap, and a joint off by a sample.
const PAUSES: Station<'_> = (
    48_000,
    2,
    &[
        ("20260512_030000Z", 96_000),
        ("20260512_030002Z", 48_001),
        ("20260512_030003Z", 40_000),
        ("20260512_030005Z", 60_000),
        ("20260512_030006Z", 48_000),
    ],
);
const ULTRASOUND: Station<'_> = (
    250_000,
    1,
    &[("20260512_030000Z", 250_000), ("20260512_030001Z", 250_000), ("20260512_030003Z", 125_000)],
);

fn recorded(station: Station<'_>) -> (TempDir, Store) {
    let (folder, mut random) = (fast_folder(), Random(5));
    let store = folder.path().join("store");
    let (rate, channels, files) = station;
    let mut options = ImportOptions::default();
    options.transcode.ultrasound = Ultrasound::Keep;
    for (name, frames) in files {
        let count = frames * u64::from(channels);
        let noise = || i16::try_from(random.below(20_000)).unwrap() - 10_000;
        let samples: Vec<i16> = iter::repeat_with(noise).take(size(count)).collect();
        let file = folder.path().join(format!("{name}.wav"));
        fs::write(&file, wave(rate, channels, &samples)).unwrap();
        import_with(&file, &store, name, &options).unwrap();
    }
    let store = Store::open(store).unwrap();
    (folder, store)
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap()
}

fn open(store: &Store) -> Deployment {
    Deployment::open(store, &RecordingFilter::default()).unwrap()
}

/// The samples of every recording.
fn wholes<S: Sample>(store: &Store, it: &Deployment) -> BTreeMap<String, Vec<S>> {
    let whole = |name: &str| all(&Recording::open(store, name).unwrap());
    let names = it.recordings().iter().map(|member| member.name.as_str());
    names.map(|name| (name.to_owned(), whole(name))).collect()
}

/// The samples of a range, put together from whole recordings.
fn expected<S: Sample>(
    wholes: &BTreeMap<String, Vec<S>>,
    it: &Deployment,
    range: Range<Timestamp>,
) -> Vec<S> {
    let channels = u64::from(it.recordings()[0].channels);
    let mut all = Vec::new();
    for segment in it.segments(range) {
        let Segment::Recorded { recording, samples, .. } = segment else { continue };
        let range = size(samples.start * channels)..size(samples.end * channels);
        all.extend_from_slice(&wholes[recording.as_str()][range]);
    }
    all
}

fn check_windows<S: Sample + PartialEq>(store: &Store, it: &Deployment, windows: u32) {
    let wholes = wholes::<S>(store, it);
    let (span, mut random) = (it.span().unwrap(), Random(9));
    let begin = span.start.as_nanosecond();
    let length = u64::try_from(span.end.as_nanosecond() - begin).unwrap();
    let at = |nanos: u64| Timestamp::from_nanosecond(begin + i128::from(nanos)).unwrap();
    for _ in 0..windows {
        let window = random.range(length, length);
        let window = at(window.start)..at(window.end);
        let expected = expected(&wholes, it, window.clone());
        let gaps = it.coverage(window.clone()).gaps;
        let split = it.read_utc::<S>(window.clone(), Gaps::Split);
        if expected.is_empty() {
            assert!(split.is_err() || split.unwrap().is_empty());
            continue;
        }
        let split = split.unwrap();
        assert!(split.iter().all(|piece| piece.inexact.is_empty()));
        assert!(split.concat_samples() == expected, "{window:?}");
        let silent = it.read_utc::<S>(window.clone(), Gaps::Silence).unwrap();
        let [silent] = &silent[..] else { panic!("{} pieces", silent.len()) };
        let count = silent.piece.samples() * u64::from(silent.piece.channels);
        assert_eq!(silent.samples.len(), size(count));
        let left = silent.piece.silent_samples();
        assert_eq!(left == 0, gaps.is_empty() || silent.samples == expected);
        let strict = it.read_utc::<S>(window.clone(), Gaps::Error);
        match left {
            0 => assert!(strict.unwrap()[0].samples == expected),
            _ => assert_eq!(strict.unwrap_err().kind(), ErrorKind::Gap),
        }
    }
}

trait ConcatSamples<S> {
    fn concat_samples(&self) -> Vec<S>;
}

impl<S: Sample> ConcatSamples<S> for Vec<opus_zarr::UtcSamples<S>> {
    fn concat_samples(&self) -> Vec<S> {
        self.iter().flat_map(|piece| piece.samples.iter().copied()).collect()
    }
}

#[test]
fn windows_have_the_samples_of_their_recordings() {
    for station in [PAUSES, ULTRASOUND] {
        let (_folder, store) = recorded(station);
        let it = open(&store);
        check_windows::<i16>(&store, &it, 40);
        check_windows::<f32>(&store, &it, 60);
    }
}

#[test]
fn adjacent_windows_have_the_samples_of_the_whole() {
    let (_folder, store) = recorded(PAUSES);
    let it = open(&store);
    let span = it.span().unwrap();
    let whole = it.read_utc::<f32>(span.clone(), Gaps::Silence).unwrap();
    let (begin, end) = (span.start.as_nanosecond(), span.end.as_nanosecond());
    // No number of samples lasts as long, and every window holds a part of a recording.
    let step = 1_612_345_679;
    let mut joined = Vec::new();
    let mut at = begin;
    while at < end {
        let until = (at + step).min(end);
        let window = [at, until].map(|nanos| Timestamp::from_nanosecond(nanos).unwrap());
        let read = it.read_utc::<f32>(window[0]..window[1], Gaps::Silence).unwrap();
        joined.extend(read.concat_samples());
        at = until;
    }
    assert!(joined == whole.concat_samples());
}

#[test]
fn blocks_are_small_and_breaking_off_ends_the_read() {
    let (_folder, store) = recorded(PAUSES);
    let it = open(&store);
    let (mut blocks, mut total) = (0, 0);
    it.stream_utc::<i16>(it.span().unwrap(), Gaps::Silence, |_, block| {
        assert!(!block.is_empty() && block.len() <= 65_536);
        (blocks, total) = (blocks + 1, total + block.len());
        ControlFlow::Continue(())
    })
    .unwrap();
    let whole = it.read_utc::<i16>(it.span().unwrap(), Gaps::Silence).unwrap();
    assert_eq!(total, whole.concat_samples().len());
    let mut seen = 0;
    it.stream_utc::<i16>(it.span().unwrap(), Gaps::Split, |_, _| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert!(blocks > 3 && seen == 3);
}

#[test]
fn the_output_applies_to_every_recording_and_to_silence() {
    let (_folder, store) = recorded(PAUSES);
    let mut it = open(&store);
    let span = it.span().unwrap();
    let full = it.pieces(span.clone(), Gaps::Silence).unwrap().remove(0);
    assert_eq!(it.sample_count(&full).unwrap(), full.samples());
    it.set_output(Output::default().rate(OutputRate::Hz16000).channels(ChannelSelection::Mono));
    let count = it.sample_count(&full).unwrap();
    assert!(count.abs_diff(full.samples() / 3) <= 5, "{count} of {}", full.samples());
    let read = it.read_utc::<i16>(span, Gaps::Silence).unwrap();
    assert_eq!(read[0].samples.len(), size(count));
}

#[test]
fn what_has_no_time_or_cannot_be_opened_is_listed() {
    let (folder, store) = recorded(ULTRASOUND);
    let file = folder.path().join("notes.wav");
    fs::write(&file, wave(48_000, 1, &[0; 480])).unwrap();
    let path = folder.path().join("store");
    import_with(&file, &path, "notes", &ImportOptions::default()).unwrap();
    fs::write(damaged(&path), "{").unwrap();
    let it = open(&store);
    assert_eq!(it.undated().iter().map(ToString::to_string).collect::<Vec<_>>(), ["notes"]);
    assert_eq!(it.unopened()[0].0.as_str(), "20260512_030001Z");
    assert_eq!(it.unopened()[0].1.kind(), ErrorKind::Damaged);
    assert_eq!(it.recordings().len(), 2);
}

fn damaged(store: &Path) -> PathBuf {
    store.join("20260512_030001Z/zarr.json")
}

#[test]
fn a_catalogue_places_recordings_without_opening_them() {
    let (_folder, store) = recorded(PAUSES);
    let opened = open(&store);
    let (catalogue, changes) = Catalogue::default()
        .update(&store, |name, error| {
            panic!("{name}: {error}");
        })
        .unwrap();
    assert_eq!((changes.opened, catalogue.rows().len()), (5, 5));
    let placed = Deployment::of_catalogue(&store, &catalogue, &RecordingFilter::default());
    let range = opened.span().unwrap();
    assert_eq!(placed.recordings(), opened.recordings());
    assert_eq!(placed.segments(range.clone()), opened.segments(range.clone()));
    let read = |it: &Deployment| it.read_utc::<i16>(range.clone(), Gaps::Silence);
    assert_eq!(read(&placed).unwrap(), read(&opened).unwrap());

    let mut row = catalogue.rows()[1].clone();
    let rows = catalogue.rows();
    for change in [
        |row: &mut CatalogueRow| row.sha256 = "00".repeat(32),
        |row: &mut CatalogueRow| row.start = row.end,
        |row: &mut CatalogueRow| row.samples -= 1,
        |row: &mut CatalogueRow| row.drift_ppt = 1,
    ] {
        row.clone_from(&rows[1]);
        change(&mut row);
        let stale = Catalogue::from_rows(rows.iter().cloned().chain([row.clone()]));
        let filter = RecordingFilter::default().names(row.name.parse().unwrap());
        let placed = Deployment::of_catalogue(&store, &stale, &filter);
        let range = placed.span().unwrap();
        let error = placed.read_utc::<i16>(range, Gaps::Silence).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Changed, "{error}");
        assert!(error.to_string().contains(&row.name), "{error}");
    }
    // Notes do not move a recording.
    let mut noted = store.open_recording(&row.name.parse().unwrap()).unwrap();
    noted.edit_user_metadata(|user| drop(user.insert("site".to_owned(), "weiher".into()))).unwrap();
    assert!(!rows[1].is_current(noted.info()));
    assert_eq!(read(&placed).unwrap(), read(&opened).unwrap());
}

#[test]
fn parts_of_a_piece_are_its_samples() {
    let (_folder, store) = recorded(PAUSES);
    let (it, mut random) = (open(&store), Random(9));
    let range = it.span().unwrap();
    let pieces = it.read_utc::<i16>(range, Gaps::Silence).unwrap();
    let UtcSamples { piece, samples, .. } = &pieces[0];
    let length = piece.samples();
    let silent: u64 = piece.silences().map(|silence| silence.end - silence.start).sum();
    assert!(silent > 0 && silent == piece.silent_samples());
    for silence in piece.silences() {
        let read: Vec<i16> = it.read_part(piece, silence).unwrap();
        assert!(read.iter().all(|sample| *sample == 0));
    }
    let edges = piece.silences().flat_map(|silence| [silence.start, silence.end]);
    let random = iter::repeat_with(|| random.below(length + 1)).take(10);
    let mut edges: Vec<u64> = [0, length].into_iter().chain(edges).chain(random).collect();
    edges.sort_unstable();
    let parts = edges.windows(2).map(|part| part[0]..part[1]);
    let read: Vec<i16> = parts.flat_map(|part| it.read_part::<i16>(piece, part).unwrap()).collect();
    assert!(read == *samples);
    assert!(it.read_part::<i16>(piece, length..length + 5).unwrap().is_empty());
}
