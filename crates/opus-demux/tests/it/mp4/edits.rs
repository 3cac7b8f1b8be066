//! Which samples play: edit lists, pre-skips and the duration of the last packet.

use std::{fs, path::Path};

use super::common::{
    Layout, Mp4,
    outcome::{Outcome, read, read_strict},
};
use opus_demux::{AudioFinding, Timeline, mp4::FindingKind};

const SPEED: u32 = 0x1_0000;

fn mp4() -> Mp4 {
    Mp4::new((0..6).map(|i| vec![0x78, i, i]).collect())
}

fn timeline(pre_skip: u16, end_trim: u64) -> Option<Timeline> {
    Timeline::new(pre_skip, 6 * 960, end_trim).ok()
}

/// Files of ffmpeg: fragments without an edit list, whose last sample lasts 312 ticks of 960, and
/// an edit of four seconds that begins after two.
#[test]
fn files_of_ffmpeg_play_what_they_state() {
    for (file, plays) in [("cmaf-no-edit-list.mp4", 48_000), ("opus-elst-start-2s.mp4", 192_000)] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/mp4");
        let outcome = read_strict(&fs::read(root.join(file)).unwrap());
        assert_eq!(outcome.timeline.unwrap().play_length(), plays, "{file}");
    }
}

#[test]
fn without_an_edit_list_the_head_states_the_pre_skip() {
    let mut mp4 = mp4();
    mp4.durations[5] = 300;
    for layout in [Layout::MovieLast, Layout::Fragments { absolute: false }] {
        mp4.layout = layout;
        // The duration of the last sample counts, to the sample.
        for (duration, end_trim) in [(300, 660), (959, 1), (960, 0), (1, 959), (5000, 0)] {
            mp4.durations[5] = duration;
            let outcome = read_strict(&mp4.bytes());
            assert_eq!(outcome.timeline, timeline(312, end_trim));
            assert_eq!(outcome.findings, []);
        }
        mp4.durations[5] = 0;
        let outcome = read_strict(&mp4.bytes());
        assert_eq!(outcome.timeline, timeline(312, 0));
        assert!(outcome.reports(|kind| *kind == FindingKind::ShortEnd { samples: 960 }));
    }
    // Other ticks are not that fine.
    mp4.timescale = 1000;
    for (duration, end_trim) in [(19, 0), (18, 96), (7, 624)] {
        mp4.durations = vec![20, 20, 20, 20, 20, duration];
        assert_eq!(read_strict(&mp4.bytes()).timeline, timeline(312, end_trim));
    }
}

#[test]
fn the_edit_list_trims_both_ends_exactly() {
    let mut mp4 = mp4();
    // 5100 - 312 samples are 99.75 ms.
    mp4.durations[5] = 300;
    mp4.edits = vec![(100, 312, SPEED)];
    assert_eq!(read_strict(&mp4.bytes()).timeline, timeline(312, 660));
    // The edit holds if it differs by more than a tick.
    mp4.edits = vec![(90, 312, SPEED)];
    assert_eq!(read_strict(&mp4.bytes()).timeline, timeline(312, 5760 - 312 - 4320));
    // An edit to the end of the media.
    mp4.edits = vec![(0, 312, SPEED)];
    assert_eq!(read_strict(&mp4.bytes()).timeline, timeline(312, 660));
    mp4.edits = vec![(500, 312, SPEED)];
    let outcome = read(&mp4.bytes());
    assert_eq!(outcome.timeline, timeline(312, 0));
    assert!(outcome.reports(|kind| matches!(kind, FindingKind::EditBeyondEnd { .. })));
}

#[test]
fn the_edit_list_overrides_the_head() {
    let mut mp4 = mp4();
    mp4.edits = vec![(0, 1000, SPEED)];
    let outcome = read_strict(&mp4.bytes());
    assert_eq!(outcome.timeline, timeline(1000, 0));
    assert_eq!(outcome.head.as_ref().unwrap().pre_skip(), 1000);
    assert!(outcome.reports(|kind| *kind == FindingKind::PreSkip { edit: 1000, pre_skip: 312 }));
    mp4.edits = vec![(0, 80_000, SPEED)];
    let outcome = read_strict(&mp4.bytes());
    assert_eq!(outcome.timeline, timeline(312, 0));
    assert!(outcome.reports(|kind| *kind == FindingKind::EditAfterEnd { start: 80_000 }));
}

/// The first sample that plays, counted by the packets' numbers, and how many play.
fn played(outcome: &Outcome) -> (u64, u64) {
    let first =
        outcome.packets.first().map(|packet| u64::from(packet[1]) << 8 | u64::from(packet[2]));
    let timeline = outcome.timeline.unwrap();
    (first.unwrap() * 960 + timeline.pre_skip(), timeline.play_length())
}

#[test]
fn an_edit_that_begins_late_plays_from_there() {
    let packets = (0..300_u16).map(|i| [vec![0x78], i.to_be_bytes().to_vec()].concat());
    let mut mp4 = Mp4::new(packets.collect());
    let layouts = [Layout::MovieFirst, Layout::Fragments { absolute: false }, Layout::Runs];
    for layout in layouts {
        (mp4.layout, mp4.division) = (layout, vec![7]);
        for start in [65_535, 65_536, 65_537, 96_312, 200_001, 287_000_u64] {
            let media = i64::try_from(start).unwrap();
            for (is_long, timescale) in [(false, 48_000), (true, 48_000), (false, 44_100)] {
                mp4.is_long = is_long;
                mp4.movie_timescale = timescale;
                // To the end.
                mp4.edits = vec![(0, media, SPEED)];
                let outcome = read_strict(&mp4.bytes());
                assert_eq!(played(&outcome), (start, 300 * 960 - start));
                // The packets before prepare a decoder, as far as a pre-skip allows.
                let pre_skip = outcome.timeline.unwrap().pre_skip();
                assert!(start < 65_536 || pre_skip > 65_535 - 960, "{pre_skip}");
                let kind = FindingKind::EditStart { start, dropped: start - pre_skip };
                assert_eq!(outcome.reports(|found| *found == kind), start > 65_535);
                // A part.
                mp4.edits = vec![(441, media, SPEED)];
                let length = 441 * 48_000 / u64::from(timescale);
                assert_eq!(played(&read_strict(&mp4.bytes())), (start, length));
            }
        }
    }
    // Other ticks of the media.
    (mp4.timescale, mp4.durations) = (24_000, vec![480; 300]);
    mp4.edits = vec![(0, 48_156, SPEED)];
    assert_eq!(played(&read_strict(&mp4.bytes())), (96_312, 300 * 960 - 96_312));
}

#[test]
fn losses_do_not_move_a_late_start() {
    let packets = (0..300_u16).map(|i| [vec![0x78], i.to_be_bytes().to_vec()].concat());
    let mut mp4 = Mp4::new(packets.collect());
    mp4.edits = vec![(0, 100_000, SPEED)];
    // Among the dropped packets, and around the start itself.
    for (lost, is_reported) in [(20, false), (90, true)] {
        let mut mp4 = mp4.clone();
        mp4.durations[lost] = 960 * 41;
        let outcome = read_strict(&mp4.bytes());
        let gap = |kind: &FindingKind| matches!(kind, FindingKind::Audio(AudioFinding::Gap(_)));
        assert_eq!(outcome.reports(gap), is_reported);
        assert_eq!(outcome.timeline.unwrap().play_length(), 340 * 960 - 100_000);
        // Packet 250 is at its time.
        let after = outcome.packets.iter().zip(&outcome.positions);
        let (_, position) = after.clone().find(|(packet, _)| packet[2] == 250).unwrap();
        let pre_skip = outcome.timeline.unwrap().pre_skip();
        assert_eq!(position - pre_skip, 290 * 960 - 100_000);
    }
}

#[test]
fn after_an_empty_edit_the_head_states_the_pre_skip() {
    let mut mp4 = mp4();
    // As ffmpeg writes it: the samples before the pre-skip are part of the edit.
    for (duration, end_trim) in [(0, 0), (120, 0), (100, 960)] {
        mp4.edits = vec![(1993, -1, SPEED), (duration, 0, SPEED)];
        let outcome = read_strict(&mp4.bytes());
        assert_eq!(outcome.timeline, timeline(312, end_trim));
        assert_eq!(outcome.findings.len(), 1);
        assert!(outcome.reports(|kind| *kind == FindingKind::Delayed { samples: 95_664 }));
    }
    // No delay, but a rounded time.
    mp4.edits = vec![(1, -1, SPEED), (0, 0, SPEED)];
    assert_eq!(read_strict(&mp4.bytes()).timeline, timeline(0, 0));
    // A start of its own holds.
    mp4.edits = vec![(1993, -1, SPEED), (0, 1000, SPEED)];
    assert_eq!(read_strict(&mp4.bytes()).timeline, timeline(1000, 0));
    mp4.edits = vec![(0, 0, SPEED)];
    assert_eq!(read_strict(&mp4.bytes()).timeline, timeline(0, 0));
}

#[test]
fn several_edits_play_as_one_or_are_ignored() {
    let mut mp4 = mp4();
    for long in [false, true] {
        mp4.is_long = long;
        mp4.edits = vec![(7, -1, SPEED), (50, 312, SPEED), (50, 312 + 2400, SPEED)];
        let outcome = read_strict(&mp4.bytes());
        assert_eq!(outcome.timeline, timeline(312, 5760 - 312 - 4800), "joined");
        assert!(outcome.reports(|kind| *kind == FindingKind::Delayed { samples: 336 }));
        // What lies between plays too.
        mp4.edits = vec![(20, 312, SPEED), (5, -1, SPEED), (20, 3000, SPEED), (9, -1, SPEED)];
        let outcome = read_strict(&mp4.bytes());
        assert_eq!(outcome.timeline, timeline(312, 5760 - 3960));
        let left_out = FindingKind::SeveralEdits { samples: 3000 - 312 - 960 };
        assert!(outcome.reports(|kind| *kind == left_out));
        assert!(outcome.reports(|kind| *kind == FindingKind::Silence { samples: 240 }));
        for edits in [
            vec![(20, 3000, SPEED), (20, 312, SPEED)],
            vec![(20, 312, SPEED), (20, 312, SPEED)],
            vec![(0, 312, SPEED), (20, 3000, SPEED)],
            vec![(20, 1000, SPEED / 2)],
            vec![(20, 1000, 2 * SPEED)],
            vec![(20, 1000, 0)],
            vec![(20, -2, SPEED)],
        ] {
            mp4.edits = edits;
            let outcome = read_strict(&mp4.bytes());
            assert_eq!(outcome.timeline, timeline(312, 0));
            assert!(outcome.reports(|kind| *kind == FindingKind::Edits));
        }
    }
}
