//! Several documents in a row, and tracks that cannot be read.

use std::fs;

use super::common::{self, *};
use opus_demux::{
    Error, ErrorKind, FindingKind as AnyKind, Options as StreamOptions, Streams,
    webm::{FindingKind, Options, WebmOpusReader},
};
use proptest::prelude::*;

/// Like the recording of a browser: of unknown size, but complete. The packets bear these marks.
fn blob(marks: &[u8]) -> Vec<u8> {
    live(&opus_track(1), marks, 1)
}

fn live(tracks: &[u8], marks: &[u8], track: u64) -> Vec<u8> {
    let clusters = marks.chunks(2).zip(0..).map(|(marks, number)| {
        let blocks = marks.iter().zip([0, 20]);
        let blocks = blocks.map(|(&mark, time)| simple_block(track, time, &[packet(mark)]));
        let body = [uint(0xe7, 40 * number), blocks.collect::<Vec<_>>().concat()].concat();
        unknown_size(CLUSTER, &body)
    });
    let clusters = clusters.collect::<Vec<_>>().concat();
    let body = [info(1_000_000), element(TRACKS, tracks), clusters].concat();
    [ebml_header("webm"), unknown_size(SEGMENT, &body)].concat()
}

/// The marks of the packets of each document.
fn documents(file: &[u8], options: Options) -> Result<(Vec<Vec<u8>>, Vec<FindingKind>), Error> {
    let mut reader = WebmOpusReader::with_options(file, options)?;
    let mut all = vec![];
    loop {
        let (packets, error) = read_all(&mut reader);
        if let Some(error) = error {
            return Err(error);
        }
        check(&packets, file, reader.head());
        assert!(reader.timeline().is_some());
        all.push(
            packets.iter().filter(|one| one.offset.is_some()).map(|one| one.data[1]).collect(),
        );
        if !reader.next_document()? {
            break;
        }
    }
    assert!(!reader.next_document()? && reader.next_located()?.is_none(), "the end stays the end");
    let findings = reader.findings().map(|finding| finding.kind).collect();
    Ok((all, findings))
}

fn tolerant(file: &[u8]) -> (Vec<Vec<u8>>, Vec<FindingKind>) {
    documents(file, Options::default()).unwrap()
}

#[test]
fn every_document_is_read() {
    let marks: [&[u8]; 3] = [&[1, 2, 3], &[4], &[5, 6]];
    let strict = Options::default().strict(true);
    let file = marks.map(blob).concat();
    assert_eq!(documents(&file, strict).unwrap(), (marks.map(<[u8]>::to_vec).to_vec(), vec![]));
    // Of known size.
    let known = packets_at(&[0, 20]);
    let file = [known.clone(), blob(&[7]), known].concat();
    let expected = vec![vec![0, 1], vec![7], vec![0, 1]];
    assert_eq!(documents(&file, strict).unwrap(), (expected, vec![]));
}

#[test]
fn every_document_has_its_own_head_and_clock() {
    let stereo = b"OpusHead\x01\x02\x78\0\x80\xbb\0\0\0\0\0";
    let track = track(5, 2, "A_OPUS", &[element(0x63a2, stereo), uint(0x56aa, 2_500_000)]);
    let file = [blob(&[1, 2]), live(&[video_track(1), track].concat(), &[3, 4], 5)].concat();
    let mut reader =
        WebmOpusReader::with_options(&file[..], Options::default().strict(true)).unwrap();
    assert_eq!((reader.head().channels(), reader.track()), (1, 1));
    // Without reading the rest of the first one.
    assert!(reader.next_document().unwrap());
    assert_eq!((reader.head().channels(), reader.track()), (2, 5));
    let (packets, _) = read_all(&mut reader);
    assert_eq!(packets.iter().map(|one| one.position).collect::<Vec<_>>(), [0, 960]);
    assert_eq!(reader.timeline().unwrap().play_length(), 2 * 960 - 120);
}

#[test]
fn a_second_segment_is_another_document() {
    let once = packets_at(&[0, 20]);
    let header = ebml_header("webm").len();
    let twice = [&once, &once[header..]].concat();
    let expected = (vec![vec![0, 1], vec![0, 1]], vec![FindingKind::SecondSegment]);
    assert_eq!(tolerant(&twice), expected);
}

#[test]
fn documents_that_cannot_be_read_are_skipped() {
    let video = live(&video_track(1), &[1], 1);
    let bad = live(&track(1, 2, "A_OPUS", &[element(0x63a2, b"OpusHead\xff")]), &[2], 1);
    let headless = [ebml_header("webm"), unknown_size(SEGMENT, &info(1_000_000))].concat();
    let other = [ebml_header("mkv?"), unknown_size(SEGMENT, &[])].concat();
    for (skipped, is_violation) in [(video, false), (bad, true), (headless, true), (other, true)] {
        for file in [[skipped.clone(), blob(&[3])].concat(), [blob(&[3]), skipped.clone()].concat()]
        {
            let Ok((read, findings)) = documents(&file, Options::default()) else {
                assert!(file.windows(4).any(|four| four == b"mkv?") && file.starts_with(&skipped));
                continue;
            };
            assert_eq!(read, [[3]]);
            let [finding] = &findings[..] else { panic!("{findings:?}") };
            assert_eq!(opus_packet::FindingKind::is_violation(finding), is_violation);
            let strict = documents(&file, Options::default().strict(true));
            assert_eq!(strict.is_err(), is_violation);
        }
    }
    let error = WebmOpusReader::new(&live(&video_track(1), &[1], 1)[..]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoOpus);
}

#[test]
fn bytes_between_documents_are_skipped() {
    for (first, kind) in [
        (packets_at(&[0]), FindingKind::TrailingBytes),
        (blob(&[0]), FindingKind::InvalidId { byte: 0 }),
    ] {
        let (read, findings) = tolerant(&[first, vec![0; 100_000], blob(&[7])].concat());
        assert_eq!(read, [[0], [7]]);
        assert_eq!(findings[0], kind);
    }
}

/// Wherever the first one is cut off, what it has in complete blocks is read, and all of the second.
#[test]
fn a_document_that_was_cut_off_does_not_hide_the_next() {
    let known_clusters = packets_at(&[0, 20, 40]);
    let tail = [7, 8, 9];
    for first in [
        blob(&[1, 2, 3]),
        live(&[video_track(4), opus_track(1)].concat(), &[1, 2], 1),
        known_clusters,
    ] {
        let (whole, _) = tolerant(&first);
        for cut in 40..first.len() {
            let file = [&first[..cut], &blob(&tail)].concat();
            let (read, findings) = tolerant(&file);
            assert_eq!(read.last().unwrap(), &tail, "cut at {cut}");
            if let [first, _] = &read[..] {
                assert!(whole[0].starts_with(first), "cut at {cut}");
            }
            assert!(read.len() <= 2, "cut at {cut}");
            // A cut between blocks of a Cluster of unknown size cannot be told from an end.
            let alone = WebmOpusReader::new(&first[..cut]).ok().map(|mut reader| {
                let packets = read_all(&mut reader).0;
                (packets.len(), reader.findings().count())
            });
            if let Some((packets, found)) = alone {
                assert_eq!(read[0].len(), packets, "cut at {cut}");
                assert_eq!(found > 0, !findings.is_empty(), "cut at {cut}: {findings:?}");
            }
        }
    }
}

/// A long block of another track is skipped, not read.
#[test]
fn a_cut_block_of_another_track_does_not_hide_the_next_document() {
    let video = element(0xa3, &block(4, 20, Lacing::None, &[vec![0x1a; 200_000]]));
    let start = live(&[video_track(4), opus_track(1)].concat(), &[1], 1);
    let file = [&start, &video[..video.len() - 70_000], &blob(&[2, 3])].concat();
    let (read, findings) = tolerant(&file);
    assert_eq!(read, [vec![1], vec![2, 3]]);
    assert_eq!(findings, [FindingKind::DocumentCut { id: 0xa3 }]);
}

#[test]
fn an_attached_matroska_file_is_not_a_document() {
    let attachments = element(0x1941_a469, &element(0x61a7, &element(0x465c, &blob(&[9]))));
    let body = [element(TRACKS, &opus_track(1)), attachments];
    let file = common::file(&[body.concat(), cluster(0, &[simple_block(1, 0, &[packet(3)])])]);
    assert_eq!(tolerant(&file), (vec![vec![3]], vec![]));
}

/// Writes a file and reads the marks of all its streams, with all findings.
fn streams(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<AnyKind>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, bytes).unwrap();
    let mut streams = Streams::open(&path, &StreamOptions::default()).unwrap();
    let (mut all, mut findings) = (vec![], vec![]);
    while let Some(stream) = streams.next_stream().unwrap() {
        let mut marks = vec![];
        while let Some(packet) = stream.next_located().unwrap() {
            marks.push(packet.data[1]);
        }
        all.push(marks);
        findings.extend(stream.findings());
    }
    findings.extend(streams.findings());
    (all, findings.into_iter().map(|finding| finding.kind).collect())
}

#[test]
fn an_unusable_track_does_not_cost_the_others() {
    let bad = |number| track(number, 2, "A_OPUS", &[element(0x63a2, b"OpusHead\x01\x09")]);
    let encodings = element(0x6d80, &element(0x6240, &element(0x5035, &uint(0x47e1, 5))));
    let secret =
        |number| track(number, 2, "A_OPUS", &[element(0x63a2, OPUS_HEAD), encodings.clone()]);
    let file = |tracks: &[Vec<u8>]| {
        let blocks = (1..=3).map(|mark| simple_block(u64::from(mark), 0, &[packet(mark)]));
        let blocks: Vec<_> = blocks.collect();
        common::file(&[element(TRACKS, &tracks.concat()), cluster(0, &blocks)])
    };
    for place in 0..3 {
        let mut tracks: Vec<_> = (1..=3).map(opus_track).collect();
        let number = u64::try_from(place).unwrap() + 1;
        tracks[place] = bad(number);
        let (read, findings) = streams(&file(&tracks));
        let others = (1..=3).filter(|mark| u64::from(*mark) != number).map(|mark| vec![mark]);
        assert_eq!(read, others.collect::<Vec<_>>());
        let [AnyKind::Webm(FindingKind::TrackSkipped { number: found, .. })] = findings[..] else {
            panic!("{findings:?}")
        };
        assert_eq!(found, number);
    }
    let (read, findings) = streams(&file(&[secret(1), opus_track(2)]));
    assert_eq!((read, findings.len()), (vec![vec![2]], 1));
    assert!(
        findings[0]
            .to_string()
            .ends_with("AES encryption, which is not supported (RFC 9559 section 5.1.4.1.31)")
    );
    let strict = Options::default().strict(true);
    let one = file(&[bad(1), opus_track(2)]);
    let error = WebmOpusReader::with_options(&one[..], strict).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Violation);
    let error = WebmOpusReader::new(&file(&[bad(1), bad(2)])[..]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreadable);
    let wanted = Options::default().track(1);
    assert!(WebmOpusReader::with_options(&one[..], wanted).is_err());
}

#[test]
fn streams_are_the_documents_of_each_track() {
    let two = [opus_track(1), opus_track(2)].concat();
    let file = [blob(&[1]), live(&two, &[2], 2), blob(&[3]), live(&video_track(1), &[4], 1)];
    let (read, findings) = streams(&file.concat());
    // The first track of each document, then the second, which only one of them has.
    assert_eq!(read, [vec![1], vec![], vec![3], vec![2]]);
    assert!(
        matches!(
            findings[..],
            [_, AnyKind::Webm(FindingKind::OtherDocument { .. })]
                | [AnyKind::Webm(FindingKind::OtherDocument { .. }), _]
        ),
        "{findings:?}"
    );
}

/// Parts of `samples` each, appended as mkvmerge and ffmpeg do: the last packet of each ends with
/// discarded samples, and the next one begins that much earlier. Returns the file, and the time in
/// samples at which each part begins.
fn appended(parts: &[u64], duration: u64, scale: u64) -> (Vec<u8>, Vec<u64>) {
    let toc = [(480, 0x70), (960, 0x78), (1920, 0x50), (2880, 0x58)];
    let toc = toc.iter().find(|(samples, _)| *samples == duration).unwrap().1;
    let (mut clusters, mut starts, mut start) = (vec![], vec![], 0);
    for (&part, mark) in parts.iter().zip(0..) {
        starts.push(start);
        let packets = part.div_ceil(duration);
        for number in 0..packets {
            let is_last = number + 1 == packets;
            let ticks = (start + number * duration) * 62_500 / 3 / scale;
            let discarded = (packets * duration - part) * 1_000_000_000 / 48_000;
            let discarded = Some(i32::try_from(discarded).unwrap()).filter(|_| is_last);
            let block = block(1, 0, Lacing::None, &[vec![toc, mark]]);
            clusters.push(cluster(ticks, &[block_group(&block, discarded)]));
        }
        start += part;
    }
    let tracks = element(TRACKS, &opus_track(1));
    (common::file(&[info(scale), tracks, clusters.concat()]), starts)
}

proptest! {
    #[test]
    fn appended_parts_begin_at_their_time(
        parts in proptest::collection::vec(5_000_u64..20_000, 1..30),
        duration in proptest::sample::select(vec![480_u64, 960, 1920, 2880]),
        scale in proptest::sample::select(vec![1_000_000_u64, 20_833]),
    ) {
        let (file, starts) = appended(&parts, duration, scale);
        let mut reader =
            WebmOpusReader::with_options(&file[..], Options::default().strict(true)).unwrap();
        let (packets, error) = read_all(&mut reader);
        prop_assert!(error.is_none(), "{:?}", error);
        check(&packets, &file, reader.head());
        for (&start, mark) in starts.iter().zip(0..) {
            let mut own = packets.iter().filter(|one| one.offset.is_some() && one.data[1] == mark);
            let first = own.next().unwrap().position;
            prop_assert!(first.abs_diff(start) < 120, "part {} at {} for {}", mark, first, start);
            // At most one packet of a part is concealed.
            let real = u64::try_from(own.count()).unwrap() + 1;
            prop_assert!(real + 1 >= parts[usize::from(mark)].div_ceil(duration));
        }
        let total = parts.iter().sum::<u64>();
        let plays = reader.timeline().unwrap().play_length() + 312;
        prop_assert!(plays.abs_diff(total) < 120, "{} of {}", plays, total);
    }
}

/// The next block begins where the whole packets end, so nothing is left out.
#[test]
fn discarded_samples_that_have_a_time_of_their_own_are_kept() {
    let blocks = [
        block_group(&block(1, 0, Lacing::None, &[packet(0)]), Some(13_500_000)),
        simple_block(1, 20, &[packet(1)]),
        block_group(&block(1, 40, Lacing::None, &[packet(2)]), Some(20_000_000)),
        // A packet of which nothing is left takes no time.
        simple_block(1, 40, &[packet(3)]),
    ];
    let (_, packets, findings) = read(&opus_file(&[cluster(0, &blocks)]));
    let read: Vec<_> = packets.iter().map(|one| (one.data[1], one.position)).collect();
    assert_eq!(read, [(0, 0), (1, 960), (3, 1920)]);
    assert!(matches!(findings[0].kind, FindingKind::DiscardPaddingInside { .. }));
    assert!(matches!(findings[1].kind, FindingKind::Shortened { samples: 960, .. }));
    assert_eq!(findings.len(), 2);
}
