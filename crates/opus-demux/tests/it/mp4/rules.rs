//! Time, tracks and codecs of a file.

use super::common::{
    Layout, Mp4, boxed, count, dops, opus_entry,
    outcome::{read, read_strict, read_with},
};
use opus_demux::{
    AudioFinding, Error, ErrorKind, Timeline,
    mp4::{FindingKind, Mp4OpusReader, Options, is_mp4},
};

const SPEED: u32 = 0x1_0000;

fn kind(error: Option<&Error>) -> Option<ErrorKind> {
    error.map(Error::kind)
}

fn mp4() -> Mp4 {
    Mp4::new((0..6).map(|i| vec![0x78, i, i]).collect())
}

fn timeline(pre_skip: u16, end_trim: u64) -> Option<Timeline> {
    Timeline::new(pre_skip, 6 * 960, end_trim).ok()
}

#[test]
fn times_that_run_ahead_are_a_gap() {
    let mut mp4 = mp4();
    mp4.durations[2] = 960 + 5000;
    for layout in [Layout::MovieLast, Layout::Fragments { absolute: true }] {
        mp4.layout = layout;
        let outcome = read_strict(&mp4.bytes());
        assert_eq!((outcome.packets.len(), outcome.concealed), (6, 4920));
        assert_eq!(outcome.positions[3], 3 * 960 + 4920);
        assert!(outcome.reports(|kind| matches!(
            kind,
            FindingKind::Audio(AudioFinding::Gap(gap)) if gap.samples == 4920 && gap.is_inferred
        )));
    }
    mp4.durations[2] = 960 * 48_000;
    mp4.timescale = 200;
    mp4.durations[0] = 4;
    let outcome = read(&mp4.bytes());
    assert_eq!(kind(outcome.error.as_ref()), Some(ErrorKind::TooMuchLost));
}

#[test]
fn late_times_are_reported_once() {
    let mut mp4 = mp4();
    mp4.durations = vec![0, 0, 0, 0, 0, 960];
    let outcome = read(&mp4.bytes());
    assert_eq!((outcome.packets.len(), outcome.concealed), (6, 0));
    assert_eq!(outcome.findings.len(), 1);
    assert!(matches!(outcome.findings[0].kind, FindingKind::Behind { samples: 960, .. }));
}

#[test]
fn a_dropped_packet_is_concealed() {
    let mut mp4 = mp4();
    mp4.packets[2] = vec![0x7b, 0];
    mp4.packets[3] = vec![];
    let outcome = read(&mp4.bytes());
    assert_eq!((outcome.packets.len(), outcome.concealed), (4, 1920));
    assert!(outcome.reports(|kind| matches!(
        kind,
        FindingKind::Audio(AudioFinding::Gap(gap)) if !gap.is_inferred
    )));
    let strict = read_strict(&mp4.bytes());
    assert_eq!(kind(strict.error.as_ref()), Some(ErrorKind::Violation));
}

#[test]
fn tracks_are_chosen_and_listed() {
    let mut mp4 = mp4();
    mp4.has_video = true;
    let file = mp4.bytes();
    let reader = Mp4OpusReader::new(std::io::Cursor::new(&file)).unwrap();
    let tracks: Vec<_> = reader.tracks().iter().map(ToString::to_string).collect();
    assert_eq!(tracks, ["1 (vide, avc1)", "7 (soun, Opus)"]);
    let choose = |track| read_with(&file, Options::default().strict(true).track(track));
    assert_eq!(choose(7).packets.len(), 6);
    let list = "tracks 1 (vide, avc1), 7 (soun, Opus)";
    assert!(choose(1).text().ends_with(&format!("track 1 holds no Opus; found {list}")));
    assert!(choose(2).text().ends_with(&format!("expected track 2, found {list}")));
    assert_eq!(kind(choose(2).error.as_ref()), Some(ErrorKind::NoSuchTrack));
    mp4.sample_entry = boxed(b"mp4a", &[&[0; 28]]);
    assert!(read(&mp4.bytes()).text().contains("expected an Opus track, found tracks 1"));
    assert_eq!(kind(read(&mp4.bytes()).error.as_ref()), Some(ErrorKind::NoOpus));
}

#[test]
fn encrypted_audio_is_refused_with_its_scheme() {
    let mut mp4 = mp4();
    let format = boxed(b"frma", &[b"Opus"]);
    let scheme = boxed(b"schm", &[&[0; 4], b"cenc", &[0; 4]]);
    let children = [dops(1, 312), boxed(b"sinf", &[&format, &scheme])].concat();
    mp4.sample_entry = boxed(b"enca", &[&[0; 28], &children]);
    assert!(read(&mp4.bytes()).text().contains("encrypted (scheme \"cenc\")"));
    assert_eq!(kind(read(&mp4.bytes()).error.as_ref()), Some(ErrorKind::Unsupported));
}

#[test]
fn an_unusable_track_does_not_cost_the_others() {
    let mut mp4 = mp4();
    let secret = boxed(b"sinf", &[&boxed(b"frma", &[b"Opus"])]);
    for entry in [
        opus_entry(&[]),
        opus_entry(&dops(3, 0)),
        opus_entry(&boxed(b"dOps", &[&[0; 10]])),
        boxed(b"enca", &[&[0; 28], &secret]),
    ] {
        mp4.other_entry = Some(entry);
        let outcome = read(&mp4.bytes());
        assert_eq!(outcome.packets, mp4.packets);
        assert!(outcome.reports(|kind| matches!(kind, FindingKind::TrackSkipped { id: 2, .. })));
        let strict = read_strict(&mp4.bytes());
        assert_eq!(kind(strict.error.as_ref()), Some(ErrorKind::Violation));
        // The other one can still be asked for.
        let wanted = |track| read_with(&mp4.bytes(), Options::default().strict(true).track(track));
        assert_eq!(wanted(7).packets.len(), 6);
        assert!(wanted(2).error.is_some_and(|error| error.kind() != ErrorKind::NoSuchTrack));
    }
    mp4.sample_entry = opus_entry(&[]);
    assert!(read(&mp4.bytes()).text().contains("expected a \"dOps\" box"));
}

#[test]
fn heads_of_all_writers_are_read() {
    let mut mp4 = mp4();
    let head = |mp4: &Mp4| read(&mp4.bytes()).head.unwrap();
    assert_eq!((head(&mp4).channels(), head(&mp4).pre_skip()), (1, 312));
    // QuickTime writes version 1 and a box around the head.
    let wave = boxed(b"wave", &[&dops(2, 100)]);
    mp4.sample_entry = boxed(b"Opus", &[&[0; 8], &[0, 1], &[0; 18 + 16], &wave]);
    assert_eq!((head(&mp4).channels(), head(&mp4).pre_skip()), (2, 100));
    // An unchanged copy of OpusHead.
    let little = boxed(b"dOps", &[&[0, 1, 156, 0, 0xc0, 0x5d, 0, 0, 1, 0, 0]]);
    mp4.sample_entry = opus_entry(&little);
    let found = head(&mp4);
    assert_eq!(
        (found.pre_skip(), found.input_sample_rate(), found.output_gain()),
        (156, 24_000, 1)
    );
    let strict = read_strict(&mp4.bytes());
    assert_eq!(kind(strict.error.as_ref()), Some(ErrorKind::Violation));
    mp4.sample_entry = opus_entry(&boxed(b"dOps", &[&[0; 10]]));
    assert!(read(&mp4.bytes()).text().contains("of 10 bytes, expected at least 11"));
    mp4.sample_entry = opus_entry(&dops(3, 0));
    assert!(read(&mp4.bytes()).text().contains("\"dOps\": mapping family 0 does not allow 3"));
    mp4.sample_entry = opus_entry(&[]);
    assert!(read(&mp4.bytes()).text().contains("expected a \"dOps\" box"));
}

#[test]
fn texts_become_comments() {
    let mut mp4 = mp4();
    let text = |name: &[u8; 4], text: &[u8]| {
        boxed(name, &[&boxed(b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0], text])])
    };
    let list = boxed(b"ilst", &[&text(b"\xa9nam", b"A title"), &text(b"\xa9ART", b"Someone")]);
    mp4.metadata = boxed(b"meta", &[&[0; 4], &boxed(b"hdlr", &[&[0; 25]]), &list]);
    let reader = Mp4OpusReader::new(std::io::Cursor::new(mp4.bytes())).unwrap();
    let comments: Vec<_> = reader.tags().comments().map(String::from).collect();
    assert_eq!(comments, ["TITLE=A title", "ARTIST=Someone"]);
}

#[test]
fn other_files_are_refused_by_name() {
    assert!(is_mp4(&mp4().bytes()) && !is_mp4(b"OggS\0\0\0\0") && !is_mp4(b"ftyp"));
    let other = read(b"OggS\0\0\0\0");
    assert_eq!(kind(other.error.as_ref()), Some(ErrorKind::WrongContainer));
    let start = boxed(b"ftyp", &[b"iso6"]);
    assert!(read(&start).text().starts_with("byte 12: the file ends before a \"moov\" box"));
    let segment = [start, boxed(b"moof", &[])].concat();
    assert!(read(&segment).text().starts_with("byte 12: a fragment before any \"moov\" box"));
}

/// Chunks that all lie in the same place.
#[test]
fn overlapping_chunks_do_not_multiply_audio() {
    let mut mp4 = Mp4::new(vec![vec![0x78; 50]; 2000]);
    mp4.division = vec![1];
    let mut file = mp4.bytes();
    let table = file.windows(4).rposition(|four| four == b"stco").unwrap() + 12;
    let first = file[table..table + 4].to_vec();
    for chunk in 0..2000 {
        file[table + 4 * chunk..][..4].copy_from_slice(&first);
    }
    let outcome = read(&file);
    assert_eq!(outcome.packets.len(), 1);
    assert_eq!(outcome.findings.len(), 1001, "findings are bounded too");
}

/// A table of one number for billions of samples.
#[test]
fn billions_of_samples_in_few_bytes_are_skipped_together() {
    let mut mp4 = mp4();
    mp4.division = vec![6];
    let mut file = mp4.bytes();
    let at = file.windows(4).rposition(|four| four == b"stsz").unwrap() + 8;
    file[at..at + 8].copy_from_slice(&[[0, 0, 0, 3], [0xff; 4]].concat());
    let runs = file.windows(4).rposition(|four| four == b"stsc").unwrap() + 16;
    file[runs..runs + 4].copy_from_slice(&[0xff; 4]);
    let outcome = read(&file);
    assert_eq!(outcome.packets[..6], mp4.packets);
    assert!(outcome.reports(|kind| matches!(kind, FindingKind::Outside { .. })));
    mp4.layout = Layout::Runs;
    let mut file = mp4.bytes();
    let at = file.windows(4).rposition(|four| four == b"trun").unwrap() + 4;
    file[at..at + 8].copy_from_slice(&[[0, 0, 0, 1], [0xff; 4]].concat());
    assert!(
        read(&file).reports(|kind| matches!(kind, FindingKind::NoBytes { count: 0xffff_ffff }))
    );
}

#[test]
fn stale_absolute_offsets_are_mended() {
    let mut mp4 = mp4();
    mp4.layout = Layout::Fragments { absolute: true };
    let file = mp4.bytes();
    let movie = file.windows(4).position(|four| four == b"moof").unwrap() - 4;
    let moved = [&file[..movie], &boxed(b"free", &[&[0; 4]]), &file[movie..]].concat();
    let outcome = read(&moved);
    assert_eq!(outcome.packets, mp4.packets);
    assert!(
        outcome.reports(|kind| matches!(kind, FindingKind::DataInFragment { mended: Some(_), .. }))
    );
    assert_eq!(kind(read_strict(&moved).error.as_ref()), Some(ErrorKind::Violation));
    assert_eq!(count(1), [0, 0, 0, 1]);
}

/// Without an offset or a flag, the data of a track follows that of the one before (ISO/IEC
/// 14496-12 section 8.8.7).
#[test]
fn data_follows_that_of_the_track_before() {
    let mut mp4 = Mp4::new(vec![]);
    mp4.layout = Layout::Runs;
    mp4.durations = vec![960];
    let start = mp4.bytes();
    let start = &start[..start.windows(4).position(|four| four == b"moof").unwrap() - 4];
    let words =
        |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    let fragment = |offset: u32| {
        let run = boxed(b"trun", &[&words(&[0x201, 2, offset, 3, 4])]);
        let video = boxed(b"traf", &[&boxed(b"tfhd", &[&words(&[0, 1])]), &run]);
        let runs = [
            boxed(b"trun", &[&words(&[0x200, 1, 2])]),
            boxed(b"trun", &[&words(&[0x200, 2, 3, 1])]),
        ];
        let header = boxed(b"tfhd", &[&words(&[8, 7, 960])]);
        let audio = boxed(b"traf", &[&header, &runs.concat()]);
        boxed(b"moof", &[&video, &audio])
    };
    let offset = u32::try_from(fragment(0).len()).unwrap() + 8;
    let data = boxed(b"mdat", &[b"picture", &[0x78, 1, 0x78, 2, 2, 0x78]]);
    let file = [start, &fragment(offset), &data].concat();
    let outcome = read_strict(&file);
    assert_eq!(outcome.packets, [vec![0x78, 1], vec![0x78, 2, 2], vec![0x78]], "{outcome:?}");
}

#[test]
fn any_timescale_is_accepted() {
    for (timescale, duration) in [(1000, 20), (1_000_000, 20_001), (44_100, 882), (90_000, 1799)] {
        for layout in [Layout::MovieFirst, Layout::Fragments { absolute: false }] {
            let mut mp4 = Mp4::new(vec![vec![0x78, 1]; 300]);
            (mp4.timescale, mp4.layout) = (timescale, layout);
            mp4.durations = vec![duration; 300];
            let outcome = read_strict(&mp4.bytes());
            assert_eq!((outcome.packets.len(), outcome.concealed), (300, 0), "{timescale}");
        }
    }
    let mut mp4 = mp4();
    mp4.timescale = 0;
    let outcome = read(&mp4.bytes());
    assert_eq!(outcome.packets.len(), 6);
    assert!(outcome.reports(|kind| *kind == FindingKind::NoTimescale));
}

/// A segment from the middle of a recording.
#[test]
fn a_later_start_is_reported_and_is_not_a_gap() {
    let mut mp4 = mp4();
    mp4.layout = Layout::Fragments { absolute: false };
    let file = mp4.bytes();
    let first = file.windows(4).position(|four| four == b"moof").unwrap() - 4;
    let len =
        usize::try_from(u32::from_be_bytes(file[first..first + 4].try_into().unwrap())).unwrap();
    let second = first + len + 8 + 9;
    let joined = [&file[..first], &file[second..]].concat();
    let outcome = read_strict(&joined);
    assert_eq!((outcome.packets.len(), outcome.concealed), (3, 0));
    assert!(outcome.reports(|kind| *kind == FindingKind::StartsLater { samples: 2880 }));
}

#[test]
fn a_table_of_times_that_ends_early_trims_nothing() {
    let mut mp4 = mp4();
    mp4.durations.truncate(3);
    mp4.edits = vec![(0, 312, SPEED)];
    let outcome = read(&mp4.bytes());
    assert!(outcome.reports(|kind| *kind == FindingKind::TimesEnd { sample: 3 }));
    assert_eq!((outcome.packets.len(), outcome.timeline), (6, timeline(312, 0)));
    mp4.edits.clear();
    mp4.durations[2] = 1;
    let outcome = read(&mp4.bytes());
    assert!(!outcome.reports(|kind| matches!(kind, FindingKind::ShortEnd { .. })));
}

/// Times beyond the end of the file do not trim it.
#[test]
fn a_cut_file_is_not_trimmed() {
    let mut mp4 = mp4();
    mp4.layout = Layout::MovieFirst;
    mp4.edits = vec![(0, 312, SPEED)];
    let file = mp4.bytes();
    let outcome = read(&file[..file.len() - 4]);
    assert_eq!(outcome.packets.len(), 4);
    assert_eq!(outcome.timeline, Timeline::new(312, 4 * 960, 0).ok());
}
