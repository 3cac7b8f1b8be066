//! CAF: packets are read back, and damage never becomes audio.

pub(crate) mod common;

use std::io::Cursor;

use common::Caf;
use opus_demux::{
    AudioFinding, Error, ErrorKind, OpusHead, Timeline,
    caf::{CafOpusReader, FindingKind, Options, is_caf},
};
use opus_packet::duration;
use proptest::{collection::vec, prelude::*, sample::Index};

#[derive(Debug, Default)]
struct Outcome {
    /// Packets with their offsets, without concealment.
    packets: Vec<(Vec<u8>, u64)>,
    concealed: u64,
    timeline: Option<Timeline>,
    head: Option<OpusHead>,
    findings: Vec<FindingKind>,
    error: Option<Error>,
}

/// Reads a file and checks properties of all files.
fn read(file: &[u8], strict: bool) -> Outcome {
    let mut outcome = Outcome::default();
    let options = Options::default().strict(strict);
    let mut reader = match CafOpusReader::with_options(Cursor::new(file), options) {
        Ok(reader) => reader,
        Err(error) => return Outcome { error: Some(error), ..outcome },
    };
    outcome.head = Some(reader.head().clone());
    let mut position = 0;
    loop {
        match reader.next_located() {
            Ok(Some(packet)) => {
                assert_eq!(duration(packet.data), Ok(packet.duration));
                assert_eq!(packet.position.get(), position);
                position += u64::from(packet.duration);
                let Some(offset) = packet.offset else {
                    outcome.concealed += u64::from(packet.duration);
                    continue;
                };
                assert!(file[usize::try_from(offset).unwrap()..].starts_with(packet.data));
                outcome.packets.push((packet.data.to_vec(), offset));
            }
            Ok(None) => break,
            Err(error) => {
                outcome.error = Some(error);
                break;
            }
        }
    }
    assert!(reader.next_located().unwrap().is_none(), "the end stays the end");
    outcome.timeline = reader.timeline();
    outcome.findings = reader.findings().map(|finding| finding.kind).collect();
    for kind in &outcome.findings {
        assert_eq!(kind.to_string().lines().count(), 1);
    }
    outcome
}

fn reports(outcome: &Outcome, is_it: impl Fn(&FindingKind) -> bool) -> bool {
    outcome.findings.iter().any(is_it)
}

/// Valid packets of 20 ms.
fn packets() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 1..300), 2..40).prop_map(|mut packets| {
        packets.iter_mut().for_each(|packet| packet[0] = 0x78);
        packets
    })
}

proptest! {
    #[test]
    fn packets_are_read_back(packets in packets(), table_first: bool, variable: bool, open_end: bool,
                         priming in 0i32..960, remainder in 0i32..960) {
        let mut caf = Caf::new(packets.clone());
        let samples = i64::try_from(packets.len() * 960).unwrap();
        caf.valid = samples - i64::from(priming) - i64::from(remainder);
        (caf.priming, caf.remainder, caf.table_first) = (priming, remainder, table_first);
        caf.open_end = open_end && table_first;
        if variable {
            caf.frames_per_packet = 0;
            caf.frames = vec![960; packets.len()];
        }
        let outcome = read(&caf.bytes(), true);
        prop_assert!(outcome.error.is_none(), "{:?}", outcome.error);
        prop_assert!(outcome.packets.iter().map(|(packet, _)| packet).eq(&packets));
        let timeline = outcome.timeline.unwrap();
        prop_assert_eq!(i64::try_from(timeline.play_length()).unwrap(), caf.valid);
        prop_assert_eq!(i32::try_from(timeline.pre_skip()).unwrap(), priming);
    }

    #[test]
    fn flipped_bits_invent_no_packets(packets in packets(), at: Index, bit in 0u8..8) {
        let mut caf = Caf::new(packets);
        caf.others.push((b"info", b"\0\0\0\x01title\0A\0".to_vec()));
        let mut file = caf.bytes();
        let at = at.index(file.len());
        file[at] ^= 1 << bit;
        for strict in [false, true] {
            read(&file, strict);
        }
    }

    #[test]
    fn any_bytes(bytes: Vec<u8>, table in vec(any::<u8>(), 0..60)) {
        read(&bytes, false);
        let mut file = Caf::new(vec![]).bytes();
        let start = file.len() - 36;
        file.truncate(start);
        common::push_chunk(&mut file, b"data", &bytes);
        common::push_chunk(&mut file, b"pakt", &table);
        read(&file, false);
    }
}

#[test]
fn a_file_of_ffmpeg_is_read_and_its_missing_head_reported() {
    let file = include_bytes!("../data/short.caf");
    assert!(is_caf(file) && !is_caf(b"RIFF"));
    let mut reader = CafOpusReader::new(Cursor::new(file.as_slice())).unwrap();
    let comments: Vec<_> = reader.tags().comments().map(String::from).collect();
    assert!(comments.contains(&"TITLE=Short".to_owned()), "{comments:?}");
    let mut samples = 0;
    while let Some(packet) = reader.next_located().unwrap() {
        samples += u64::from(packet.duration);
    }
    assert_eq!(samples, 20 * 960);
    assert_eq!(reader.timeline(), Timeline::new(0, samples, 0).ok());
    let findings: Vec<_> = reader.findings().collect();
    assert!(matches!(findings[0].kind, FindingKind::NoHead { pre_skip: 0 }), "{findings:?}");
}

#[test]
fn a_cut_file_returns_its_complete_packets() {
    let packets: Vec<Vec<u8>> = (0..5).map(|i| vec![0x78, i, i]).collect();
    let mut caf = Caf::new(packets.clone());
    caf.table_first = true;
    let file = caf.bytes();
    let start = file.len() - 15;
    for cut in 0..file.len() {
        let outcome = read(&file[..cut], false);
        let expected = cut.saturating_sub(start) / 3;
        assert!(outcome.packets.iter().map(|(packet, _)| packet).eq(&packets[..expected]));
        if cut >= start {
            assert!(reports(&outcome, |kind| matches!(kind, FindingKind::Truncated { .. })));
        }
    }
    caf.table_first = false;
    let file = caf.bytes();
    for cut in 0..file.len() {
        let outcome = read(&file[..cut], false);
        assert_eq!(outcome.packets.is_empty(), cut < file.len() - 4, "the table is at the end");
    }
}

#[test]
fn an_invalid_packet_is_concealed() {
    let mut caf = Caf::new(vec![vec![0x78, 1], vec![0x7b, 0], vec![], vec![0x78, 2]]);
    let outcome = read(&caf.bytes(), false);
    assert_eq!((outcome.packets.len(), outcome.concealed), (2, 1920));
    assert!(reports(&outcome, |kind| matches!(
        kind,
        FindingKind::Audio(AudioFinding::InvalidPacket { length: 0, .. })
    )));
    let strict = read(&caf.bytes(), true).error.unwrap();
    assert_eq!((strict.kind(), strict.finding().is_some()), (ErrorKind::Violation, true));
    caf.frames_per_packet = 0;
    caf.frames = vec![960, 480, 999, 960];
    assert_eq!(read(&caf.bytes(), false).concealed, 480 + 960);
}

#[test]
fn the_head_of_the_cookie_overrides_the_priming_frames() {
    let mut caf = Caf::new(vec![vec![0x78, 1]; 3]);
    caf.others.push((b"kuki", OpusHead::new(1, 300, 8000).unwrap().to_bytes()));
    (caf.priming, caf.remainder) = (312, 100);
    let outcome = read(&caf.bytes(), false);
    assert_eq!(outcome.head.unwrap().pre_skip(), 300);
    assert_eq!(outcome.timeline, Timeline::new(300, 2880, 100).ok());
    assert!(outcome.findings.iter().any(|kind| matches!(
        kind,
        FindingKind::Priming { priming: 312, samples: 312, pre_skip: 300 }
    )));
    caf.others = vec![(b"kuki", b"else".to_vec())];
    let outcome = read(&caf.bytes(), false);
    assert!(reports(&outcome, |kind| *kind == FindingKind::Cookie));
    assert_eq!(outcome.head.unwrap().pre_skip(), 312);
}

#[test]
fn other_rates_are_counted_in_samples() {
    let mut caf = Caf::new(vec![vec![0x78, 1]; 3]);
    (caf.rate, caf.frames_per_packet) = (24_000.0, 480);
    (caf.priming, caf.remainder, caf.valid) = (156, 100, 1440 - 256);
    let outcome = read(&caf.bytes(), true);
    assert_eq!(outcome.timeline, Timeline::new(312, 2880, 200).ok());
}

#[test]
fn impossible_trims_are_reported() {
    let mut caf = Caf::new(vec![vec![0x78, 1]]);
    (caf.priming, caf.remainder) = (-1, -1);
    let outcome = read(&caf.bytes(), false);
    assert_eq!(outcome.timeline, Timeline::new(0, 960, 0).ok());
    assert!(reports(&outcome, |kind| *kind == FindingKind::InvalidPriming { frames: -1 }));
    assert!(reports(&outcome, |kind| *kind == FindingKind::InvalidRemainder { frames: -1 }));
    (caf.priming, caf.remainder) = (500, 500);
    let outcome = read(&caf.bytes(), false);
    assert_eq!(outcome.timeline, Timeline::new(500, 960, 460).ok());
}

#[test]
fn errors_name_their_byte() {
    let text = |file: &[u8]| read(file, false).error.unwrap().to_string();
    assert_eq!(text(b"OggS"), "byte 0: expected a CAF file, which begins with \"caff\"");
    let mut caf = Caf::new(vec![vec![0x78, 1]]);
    let file = caf.bytes();
    let mut other = file.clone();
    other[28..32].copy_from_slice(b"alac");
    assert_eq!(text(&other), "byte 20: the CAF file holds \"alac\", expected \"opus\"");
    assert!(text(&file[..file.len() - 37]).contains("packet table"));
    caf.channels = 6;
    assert!(text(&caf.bytes()).starts_with("byte 20: 6 channels need an OpusHead"));
    (caf.channels, caf.rate) = (1, 0.5);
    assert!(text(&caf.bytes()).starts_with("byte 20: sample rate"));
}

#[test]
fn packets_of_equal_length_are_read_without_a_table() {
    let mut caf = Caf::new(vec![vec![0x78, 1, 2]; 4]);
    caf.bytes_per_packet = 3;
    let file = caf.bytes();
    assert_eq!(read(&file, true).packets.len(), 4);
    let without_table = &file[..file.len() - 36];
    assert_eq!(read(without_table, true).packets.len(), 4);
}
