//! Long ranges decoded in several threads, against a full decode.

use std::{
    fmt::Debug,
    num::NonZeroUsize,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use opus_packet::PlayPos;
use opus_packet_index::SyncEntry;
use opus_segment_decode::{LibopusDecoder, Sample, SegmentReader};

use super::{
    recording::Recording,
    signal::{Kind, LOUD, MUSIC, SPEECH, encode},
};

/// Reads these ranges in one to five threads. Returns the number of further decoders.
fn check_samples<S: Sample + PartialEq + Debug>(
    recording: &Recording,
    sync: &[SyncEntry],
    what: &str,
) -> usize {
    let (index, blob, timeline) =
        (recording.index(), recording.packets.concat(), recording.timeline());
    let all = recording.decode::<S>(0..recording.packets.len());
    let (channels, len) = (usize::from(recording.head.channels()), timeline.play_length());
    let at = |play| usize::try_from(play + timeline.pre_skip()).unwrap() * channels;
    let made = Arc::new(AtomicUsize::new(0));
    for Range { start, end } in [0..len, 123_457..len - 54_321] {
        for threads in 1..=5 {
            let (made, head) = (made.clone(), recording.head.clone());
            let more = move || {
                made.fetch_add(1, Ordering::Relaxed);
                LibopusDecoder::new(&head)
            };
            let mut samples: Vec<S> = Vec::new();
            SegmentReader::new(&index, blob.as_slice(), timeline)
                .stream(PlayPos::new(start)..PlayPos::new(end), sync, recording.decoder())
                .unwrap()
                .threads(NonZeroUsize::new(threads).unwrap(), more)
                .read_to_end(&mut samples)
                .unwrap();
            assert!(
                samples == all[at(start)..at(end)],
                "{what}: {start}..{end}, {threads} threads"
            );
        }
    }
    made.load(Ordering::Relaxed)
}

/// Checks both sample types. Returns the number of further decoders.
fn check(recording: &Recording, what: &str) -> usize {
    let sync = recording.sync_map();
    check_samples::<f32>(recording, &sync, what) + check_samples::<i16>(recording, &sync, what)
}

#[test]
fn threads_decode_every_mode() {
    let kinds = [
        SPEECH,
        Kind { kbps: 18, ..SPEECH },
        Kind { packet: 240, channels: 1, ..MUSIC },
        Kind { volume: LOUD, ..MUSIC },
    ];
    for kind in kinds {
        let further = check(&encode(kind, 50), &format!("{kind:?}"));
        assert!(further > 10, "threads were hardly used: {kind:?}, {further} decoders");
    }
}

#[test]
fn threads_decode_through_losses_and_changes_of_mode() {
    let (silk, hybrid) = (encode(SPEECH, 50), encode(Kind { kbps: 18, ..SPEECH }, 50));
    let celt = encode(Kind { channels: 1, ..MUSIC }, 50);
    let mut recording = silk.clone();
    for number in 0..recording.packets.len() {
        match number / 170 % 3 {
            0 => {}
            1 => recording.packets[number].clone_from(&celt.packets[number]),
            _ => recording.packets[number].clone_from(&hybrid.packets[number]),
        }
    }
    check(&recording, "changes of mode");
    for mut recording in [silk, celt] {
        for lost in [600..601, 1200..1215, 2000..2003, 2100..2101] {
            recording.lose(lost);
        }
        check(&recording, "losses");
    }
}
