//! Rule by rule: what is reported, what is refused, and what is read.

use super::common::{self, *};
use opus_demux::{
    AudioFinding, CodedPos, ErrorKind, Gap,
    webm::{FindingKind, Options, TrackKind, WebmOpusReader, is_webm},
};

fn kinds(file: &[u8]) -> Vec<FindingKind> {
    read(file).2.into_iter().map(|finding| finding.kind).collect()
}

fn refused(file: &[u8], options: Options) -> String {
    let mut reader = match WebmOpusReader::with_options(file, options) {
        Ok(reader) => reader,
        Err(error) => return error.to_string(),
    };
    read_all(&mut reader).1.unwrap().to_string()
}

fn strict(file: &[u8]) -> String {
    refused(file, Options::default().strict(true))
}

#[test]
fn is_detected_by_content() {
    assert!(is_webm(&packets_at(&[0])));
    assert!(!is_webm(b"OggS"));
    assert!(!is_webm(b"\x1a\x45\xdf"));
}

#[test]
fn other_files_are_refused() {
    let kind = |file: &[u8]| WebmOpusReader::new(file).unwrap_err().kind();
    for other in [&b"OggS"[..], b""] {
        assert_eq!(kind(other), ErrorKind::WrongContainer);
        assert!(strict(other).starts_with("byte 0: expected an EBML header"));
    }
    let other = [ebml_header("mka\n"), element(SEGMENT, &[])].concat();
    assert!(strict(&other).contains(r#"document type "mka\n", expected"#));
    let other = [ebml_header("webm"), element(CLUSTER, &[])].concat();
    assert_eq!(kind(&other), ErrorKind::Unreadable);
    assert!(strict(&other).contains("expected a Segment"));
    let other = file(&[info(1), cluster(0, &[])]);
    assert!(strict(&other).contains("expected a list of tracks"));
}

#[test]
fn a_track_can_be_chosen_and_a_wrong_choice_lists_the_others() {
    let tracks = [video_track(1), opus_track(2), opus_track(300), track(4, 17, "S_\n", &[])];
    let blocks = [
        simple_block(2, 0, &[packet(2)]),
        simple_block(300, 0, &[packet(3)]),
        simple_block(1, 0, &[vec![0; 70_000]]),
        simple_block(300, 20, &[packet(4)]),
    ];
    let file = file(&[element(TRACKS, &tracks.concat()), cluster(0, &blocks)]);
    let (reader, packets, _) = read(&file);
    assert_eq!((reader.track(), packets.len()), (2, 1));
    assert_eq!(reader.tracks()[0].kind(), TrackKind::Video);
    let mut reader =
        WebmOpusReader::with_options(file.as_slice(), Options::default().track(300)).unwrap();
    assert_eq!(read_all(&mut reader).0.len(), 2);
    let list = "tracks 1 V_VP9 (video), 2 A_OPUS (audio), 300 A_OPUS (audio), 4 S_\\n (subtitle)";
    for wanted in [1, 7] {
        let text = refused(&file, Options::default().track(wanted));
        let expected = format!("expected an Opus track of number {wanted}, found {list}");
        assert!(text.ends_with(&expected), "{text}");
    }
    let file = common::file(&[element(TRACKS, &video_track(1))]);
    assert!(strict(&file).ends_with("an Opus track (A_OPUS), found tracks 1 V_VP9 (video)"));
    assert_eq!(WebmOpusReader::new(&file[..]).unwrap_err().kind(), ErrorKind::NoOpus);
}

#[test]
fn encodings_are_refused_by_name() {
    let file = |encoding: Vec<u8>| {
        let encodings = element(0x6d80, &element(0x6240, &encoding));
        let track = track(1, 2, "A_OPUS", &[element(0x63a2, OPUS_HEAD), encodings]);
        common::file(&[element(TRACKS, &track)])
    };
    let aes = file(element(0x5035, &uint(0x47e1, 5)));
    assert!(strict(&aes).contains("track 1 has AES encryption"));
    let stripped = file(element(0x5034, &uint(0x4254, 3)));
    assert!(strict(&stripped).contains("header stripping compression"));
    assert!(strict(&file(vec![])).contains("zlib"), "the default");
}

#[test]
fn head_and_tags_come_from_the_headers() {
    let simple = |name: &str, value: &str| {
        element(
            0x67c8,
            &[element(0x45a3, name.as_bytes()), element(0x4487, value.as_bytes())].concat(),
        )
    };
    let tag = |target: Vec<u8>, simple: Vec<u8>| {
        element(0x7373, &[element(0x63c0, &target), simple].concat())
    };
    let tags = [
        tag(vec![], simple("ARTIST", "the wren")),
        tag(uint(0x63c5, 99), simple("X", "of another track")),
        tag(uint(0x63c5, 5), simple("ENCODER", "ours")),
        tag(vec![], simple("A=B", "no name")),
    ];
    let track = track(1, 2, "A_OPUS", &[uint(0x73c5, 5), element(0x63a2, OPUS_HEAD)]);
    let info = element(INFO, &[element(0x7ba9, b"dawn"), element(0x4d80, b"mux")].concat());
    let file = file(&[info, element(TRACKS, &track), element(0x1254_c367, &tags.concat())]);
    let (reader, _, _) = read(&file);
    assert_eq!((reader.head().pre_skip(), reader.head().channels()), (312, 1));
    assert_eq!(reader.tags().vendor(), "mux");
    let comments: Vec<_> = reader.tags().comments().collect();
    assert_eq!(comments, ["TITLE=dawn", "ARTIST=the wren", "ENCODER=ours"]);
}

#[test]
fn without_codec_private_a_head_is_made() {
    let audio = element(0xe1, &uint(0x9f, 2));
    let with = |audio| track(1, 2, "A_OPUS", &[audio, uint(0x56aa, 6_500_000)]);
    let stereo = file(&[element(TRACKS, &with(audio))]);
    let (reader, _, findings) = read(&stereo);
    assert_eq!((reader.head().pre_skip(), reader.head().channels()), (312, 2));
    assert!(matches!(findings[0].kind, FindingKind::NoCodecPrivate { channels: 2 }));
    let surround = file(&[element(TRACKS, &with(element(0xe1, &uint(0x9f, 6))))]);
    assert!(strict(&surround).contains("mapping family 0 does not allow 6 channels"));
}

#[test]
fn a_codec_delay_that_disagrees_is_reported_and_the_head_holds() {
    let file = |delay| {
        let track = track(1, 2, "A_OPUS", &[element(0x63a2, OPUS_HEAD), uint(0x56aa, delay)]);
        let blocks = cluster(0, &[simple_block(1, 0, &[packet(0)])]);
        common::file(&[element(TRACKS, &track), blocks])
    };
    assert_eq!(kinds(&file(6_500_001)), [], "rounding");
    let wrong = file(6_000_000);
    let (reader, _, findings) = read(&wrong);
    assert_eq!(reader.timeline().unwrap().pre_skip(), 312);
    let kind = FindingKind::CodecDelay { nanoseconds: 6_000_000, pre_skip: 312 };
    assert_eq!(findings[0].kind, kind);
    assert!(strict(&file(6_000_000)).contains("CodecDelay of 6000000 ns"));
}

/// Two packets, DiscardPadding in the block of each.
fn discarding(first: Option<i32>, last: Option<i32>) -> Vec<u8> {
    let group = |time, discard| block_group(&block(1, time, Lacing::None, &[packet(0)]), discard);
    opus_file(&[cluster(0, &[group(0, first), group(20, last)])])
}

#[test]
fn discard_padding_trims_the_end() {
    let trim = |file: &[u8]| read(file).0.timeline().unwrap().end_trim();
    let good = discarding(None, Some(13_500_000));
    assert_eq!((trim(&good), kinds(&good)), (648, vec![]));
    assert_eq!(trim(&discarding(None, Some(166_667))), 8);
    for (nanoseconds, end_trim) in [(-128, 0), (20_020_834, 960)] {
        let bad = discarding(None, Some(nanoseconds));
        let nanoseconds = i64::from(nanoseconds);
        assert_eq!(trim(&bad), end_trim);
        assert_eq!(kinds(&bad), [FindingKind::DiscardPadding { nanoseconds, samples: 960 }]);
        assert!(strict(&bad).contains("expected 0 to the 960 samples"));
    }
    let inside = discarding(Some(8_000_000), None);
    assert_eq!(trim(&inside), 0);
    let position = CodedPos::new(960);
    let kind = FindingKind::DiscardPaddingInside { position, nanoseconds: 8_000_000 };
    assert_eq!(kinds(&inside), [kind]);
}

#[test]
fn less_than_the_pre_skip_plays_nothing() {
    let short = opus_file(&[cluster(0, &[simple_block(1, 0, &[vec![0xe0]])])]);
    let (reader, packets, findings) = read(&short);
    assert_eq!(packets.len(), 1);
    assert_eq!(reader.timeline().unwrap().play_length(), 0);
    let FindingKind::Audio(AudioFinding::NothingPlays(reason)) = findings[0].kind else {
        panic!("{findings:?}")
    };
    assert_eq!(reason.coded_length, 120);
}

#[test]
fn a_gap_is_concealed_and_reported() {
    let file = packets_at(&[0, 20, 101, 120]);
    let (reader, packets, findings) = read(&file);
    check(&packets, &file, reader.head());
    let at: Vec<_> = packets.iter().map(|one| (one.position, one.offset.is_some())).collect();
    assert_eq!(at, [(0, true), (960, true), (1920, false), (4800, true), (5760, true)]);
    assert_eq!(packets[2].data, [0x7b, 3], "three empty frames like the one before");
    let gap = Gap::new(CodedPos::new(1920), 2880);
    assert_eq!(findings[0].kind, AudioFinding::Gap(gap).into());
    assert!(!findings[0].is_violation(), "Matroska allows it");
    assert_eq!(reader.timeline().unwrap().coded_length(), 7 * 960);
}

#[test]
fn a_dropped_packet_leaves_a_gap() {
    let blocks: Vec<_> = (0..4)
        .map(|i| simple_block(1, 20 * i16::from(i), &[if i == 2 { vec![] } else { packet(i) }]))
        .collect();
    let (_, packets, findings) = read(&opus_file(&[cluster(0, &blocks)]));
    let offsets: Vec<bool> = packets.iter().map(|one| one.offset.is_some()).collect();
    assert_eq!(offsets, [true, true, false, true]);
    let FindingKind::Audio(AudioFinding::InvalidPacket { length: 0, .. }) = findings[0].kind else {
        panic!("{findings:?}")
    };
    let gap = Gap::new(CodedPos::new(1920), 960);
    assert_eq!(findings[1].kind, AudioFinding::Gap(gap).into());
}

#[test]
fn a_hostile_time_does_not_cause_endless_packets() {
    let text = refused(&packets_at(&[0, u64::MAX]), Options::default());
    assert!(text.contains("samples are lost after 960 were read"), "{text}");
    let day: u64 = 24 * 3600 * 1000;
    let (_, packets, _) = read(&packets_at(&[0, day]));
    assert_eq!(packets.len(), 2 + 720_000);
    let twice = packets_at(&[0, day, 2 * day]);
    assert!(refused(&twice, Options::default()).contains("at most 24 hours more lost"));
}

#[test]
fn times_that_go_backward_are_reported_once() {
    let (_, packets, findings) = read(&packets_at(&[500, 520, 400, 300, 200]));
    assert_eq!((packets.len(), findings.len()), (5, 1));
    assert!(matches!(findings[0].kind, FindingKind::BackwardTime { samples: 6720, .. }));
}

#[test]
fn bytes_after_the_segment_are_reported_and_clusters_there_are_read() {
    let once = packets_at(&[0, 20]);
    assert_eq!(kinds(&[once.clone(), vec![0; 50]].concat()), [FindingKind::TrailingBytes]);
    assert_eq!(kinds(&[once.clone(), element(VOID, &[0; 50])].concat()), []);
    let late = [once, cluster(40, &[simple_block(1, 0, &[packet(9)])])].concat();
    let (_, packets, findings) = read(&late);
    assert_eq!((packets.len(), findings.len()), (3, 1));
    assert!(matches!(findings[0].kind, FindingKind::AfterSegment { .. }));
}

#[test]
fn damage_is_skipped_up_to_the_next_cluster() {
    let block = |i: u8| simple_block(1, 0, &[packet(i)]);
    let odd: [(Vec<u8>, &str); 6] = [
        (vec![0; 40], "found byte 0x00"),
        (vec![0xa3, 0, 1, 2], "SimpleBlock 0xa3 has an invalid size"),
        (vec![0xa3, 0xff, 0x81, 0, 0, 0], "of unknown size"),
        ([vec![0xa3], size(1 << 40, 1)].concat(), "ends after its parent"),
        ([vec![0x7a, 0xbc], size(1 << 30, 1)].concat(), "element 0x7abc of 1073741824 bytes"),
        ([vec![0xa3], size(5 << 20, 1), vec![0x81]].concat(), "block of 5242880 bytes"),
    ];
    for (damage, expected) in odd {
        let first = if expected.contains("bytes") && !expected.contains("parent") {
            unknown_size(CLUSTER, &[uint(0xe7, 0), block(0), damage].concat())
        } else {
            element(CLUSTER, &[uint(0xe7, 0), block(0), damage].concat())
        };
        // The four bytes of the id on their own are not a Cluster.
        let decoy = vec![0x1f, 0x43, 0xb6, 0x75, 0x80, 0x1f, 0x43, 0xb6];
        let body = [element(TRACKS, &opus_track(1)), first, decoy, cluster(20, &[block(1)])];
        let file = [ebml_header("webm"), unknown_size(SEGMENT, &body.concat())].concat();
        let (_, packets, findings) = read(&file);
        assert_eq!(packets.len(), 2, "{expected}: {findings:?}");
        assert!(findings.iter().any(|one| one.to_string().contains(expected)), "{findings:?}");
        assert!(matches!(
            findings.last().unwrap().kind,
            FindingKind::Resynchronised { found: true, .. }
        ));
        assert!(!strict(&file).is_empty());
    }
}

#[test]
fn many_findings_are_only_counted() {
    let blocks: Vec<_> = (0..1500).map(|_| simple_block(1, 0, &[vec![]])).collect();
    let file = opus_file(&[cluster(0, &blocks)]);
    let (mut reader, _, findings) = read(&file);
    assert_eq!(findings.len(), 1001);
    // One more finding reports that nothing plays.
    assert_eq!(findings[1000].kind, AudioFinding::Omitted { count: 501 }.into());
    assert_eq!(reader.findings().count(), 0, "taken");
}

#[test]
fn errors_of_the_source_have_an_offset_and_a_cause() {
    struct Broken<'a>(&'a [u8]);
    impl std::io::Read for Broken<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(std::io::Error::other("unplugged")),
                len => Ok(len),
            }
        }
    }
    let file = packets_at(&[0]);
    let error = WebmOpusReader::new(Broken(&file[..30])).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::Io, Some(30)));
    assert_eq!(error.to_string(), "byte 30: cannot read", "without its cause");
    assert_eq!(format!("{error:?}"), "byte 30: cannot read: unplugged");
    assert_eq!(error.into_io().unwrap().to_string(), "unplugged");
}

/// 8 packets in each block, 150 ppm fast for an hour, as when mkvmerge laces the recording of a
/// browser. The clock follows each block by the audio in it.
#[test]
fn drift_is_followed_in_laced_blocks_too() {
    let clusters: Vec<_> = (0..22_500)
        .map(|i| {
            let time = i * 160 + i * 160 * 150 / 1_000_000;
            cluster(time, &[simple_block(1, 0, &vec![packet(0); 8])])
        })
        .collect();
    let (_, packets, findings) = read(&opus_file(&clusters));
    assert_eq!(packets.len(), 22_500 * 8, "{findings:?}");
}

#[test]
fn at_most_a_thousand_tracks_are_kept() {
    let empty = element(TRACKS, &[0xae, 0x80].repeat(1000));
    let file = file(&vec![empty; 50]);
    let error = WebmOpusReader::new(file.as_slice()).unwrap_err();
    assert!(error.to_string().ends_with(", and 980 more"), "{error}");
}

#[test]
fn an_invalid_frame_of_a_laced_block_is_a_gap_in_its_place() {
    let empty = || vec![];
    let frames = [
        [packet(0), packet(1), packet(2), packet(3)],
        [empty(), packet(5), empty(), packet(7)],
        [packet(8), empty(), packet(10), empty()],
        [packet(12), packet(13), packet(14), packet(15)],
    ];
    let blocks = [0, 80, 160, 240].into_iter().zip(&frames);
    let blocks: Vec<_> = blocks.map(|(time, frames)| simple_block(1, time, frames)).collect();
    let file = opus_file(&[cluster(0, &blocks)]);
    let (reader, packets, findings) = read(&file);
    check(&packets, &file, reader.head());
    for one in packets.iter().filter(|one| one.offset.is_some()) {
        assert_eq!(one.position, 960 * u64::from(one.data[1]), "{findings:?}");
    }
    assert_eq!(reader.timeline().unwrap().coded_length(), 16 * 960);
}

#[test]
fn blocks_outside_of_a_cluster_are_read_and_reported() {
    let block = |i: u8| simple_block(1, 20 * i16::from(i), &[packet(i)]);
    // A Cluster that claims to end before its last block.
    let file = opus_file(&[cluster(0, &[block(0)]), block(1), cluster(40, &[block(0)])]);
    let (_, packets, findings) = read(&file);
    assert!(!strict(&file).is_empty());
    assert_eq!(packets.len(), 3, "{findings:?}");
}

#[test]
fn a_cluster_of_unknown_size_ends_with_its_segment() {
    let last = unknown_size(CLUSTER, &[uint(0xe7, 0), simple_block(1, 0, &[packet(0)])].concat());
    let whole = opus_file(&[last]);
    let (_, packets, findings) = read(&whole);
    assert_eq!((packets.len(), findings), (1, vec![]));
    assert_eq!(kinds(&whole[..whole.len() - 1])[0], FindingKind::Truncated { id: 0xa3 });
    assert!(strict(&whole[..whole.len() - 10]).contains("the file ends inside a Cluster"));
}
