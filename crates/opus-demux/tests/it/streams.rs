//! The front end: files of any container, all their streams.

use std::{fs, path::PathBuf};

use opus_demux::{
    Container, ErrorKind, FindingKind, Options, OpusHead, OpusTags, PacketSource, RawFormat,
    RawStream, Streams, ogg, ogg::OggOpusWriter,
};
use opus_packet::write_self_delimited;
use tempfile::TempDir;

use crate::{caf::common::Caf, mp4::common::Mp4, webm::common as webm};

/// A directory with one file.
struct File {
    _directory: TempDir,
    path: PathBuf,
}

fn file(bytes: &[u8]) -> File {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, bytes).unwrap();
    File { _directory: directory, path }
}

fn packets() -> Vec<Vec<u8>> {
    (0..6).map(|i| vec![0x78, i, i]).collect()
}

fn ogg(serial: u32) -> Vec<u8> {
    let head = OpusHead::new(1, 312, 48_000).unwrap();
    let mut writer =
        OggOpusWriter::new(vec![], serial, &head, &OpusTags::new("tests", [])).unwrap();
    packets().iter().for_each(|packet| writer.write(packet).unwrap());
    writer.finish(0).unwrap()
}

fn webm_file() -> Vec<u8> {
    let blocks = packets().into_iter().zip([0, 20, 40, 60, 80, 100]);
    let blocks: Vec<_> =
        blocks.map(|(packet, time)| webm::simple_block(1, time, &[packet])).collect();
    webm::opus_file(&[webm::cluster(0, &blocks)])
}

fn raw(format: RawFormat) -> Options {
    Options::default().raw(RawStream::new(format).head(OpusHead::new(1, 312, 0).unwrap()))
}

/// The serial number of a stream and its packets.
type StreamPackets = (Option<u32>, Vec<Vec<u8>>);

/// Reads the packets of all streams.
fn read(bytes: &[u8], options: &Options) -> (Container, Vec<StreamPackets>) {
    let file = file(bytes);
    let mut streams = Streams::open(&file.path, options).unwrap();
    let mut all = vec![];
    while let Some(stream) = streams.next_stream().unwrap() {
        let mut packets = vec![];
        while let Some(packet) = stream.next_packet().unwrap() {
            packets.push(packet.data.to_vec());
        }
        all.push((stream.serial(), packets));
        assert_eq!(stream.number(), u64::try_from(all.len()).unwrap());
        assert!(stream.timeline().is_some(), "known at the end");
    }
    assert!(streams.next_stream().unwrap().is_none(), "the end stays the end");
    (streams.container(), all)
}

#[test]
fn every_container_is_recognised_and_read() {
    let mut self_delimited = vec![];
    for packet in packets() {
        write_self_delimited(&packet, &mut self_delimited).unwrap();
    }
    let opus_demo: Vec<u8> = packets()
        .iter()
        .flat_map(|packet| [&[0, 0, 0, 3, 9, 9, 9, 9], &packet[..]].concat())
        .collect();
    let (plain, self_format, demo_format) =
        (Options::default(), RawFormat::SelfDelimited, RawFormat::OpusDemo);
    let files = [
        (ogg(7), plain.clone(), Container::Ogg, "ogg", Some(7)),
        (webm_file(), plain.clone(), Container::Matroska, "matroska", None),
        (Mp4::new(packets()).bytes(), plain.clone(), Container::Mp4, "mp4", None),
        (Caf::new(packets()).bytes(), plain, Container::Caf, "caf", None),
        (self_delimited, raw(self_format), Container::Raw(self_format), "self-delimited", None),
        (opus_demo, raw(demo_format), Container::Raw(demo_format), "opus_demo", None),
    ];
    for (bytes, options, container, name, serial) in files {
        assert_eq!(read(&bytes, &options), (container, vec![(serial, packets())]), "{name}");
        assert_eq!(container.name(), name);
    }
}

#[test]
fn every_link_and_every_track_is_a_stream() {
    let (_, links) = read(&[ogg(7), ogg(8)].concat(), &Options::default());
    assert_eq!(links, [(Some(7), packets()), (Some(8), packets())]);
    let tracks = [webm::opus_track(2), webm::video_track(5), webm::opus_track(3)];
    let blocks = [
        webm::simple_block(3, 0, &[packets().remove(3)]),
        webm::simple_block(2, 0, &[packets().remove(2)]),
    ];
    let file =
        webm::file(&[webm::element(webm::TRACKS, &tracks.concat()), webm::cluster(0, &blocks)]);
    let (_, tracks) = read(&file, &Options::default());
    assert_eq!(tracks, [(None, vec![packets().remove(2)]), (None, vec![packets().remove(3)])]);
}

/// Returns the first page of a file, and the rest.
fn split_first_page(file: &[u8]) -> (&[u8], &[u8]) {
    let segments = usize::from(file[26]);
    let len: usize = file[27..27 + segments].iter().map(|&len| usize::from(len)).sum();
    file.split_at(27 + segments + len)
}

/// Two streams next to each other.
fn multiplexed(one: u32, other: u32) -> Vec<u8> {
    let (one, other) = (ogg(one), ogg(other));
    let [(one, of_one), (other, of_other)] = [&one, &other].map(|file| split_first_page(file));
    [one, other, of_one, of_other].concat()
}

#[test]
fn later_links_and_documents_do_not_begin_with_the_file() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/ogg/chain-last-head-bad.opus");
    let bad = fs::read(path).unwrap()[536..].to_vec();
    let no_opus = webm::file(&[webm::element(webm::TRACKS, &webm::video_track(1))]);
    for (file, expected) in [
        (ogg(7), &[true][..]),
        ([ogg(7), ogg(8), ogg(9)].concat(), &[true, false, false]),
        (multiplexed(7, 8), &[true, true]),
        // Track by track.
        ([multiplexed(7, 8), multiplexed(5, 6)].concat(), &[true, false, true, false]),
        ([ogg(7), multiplexed(5, 6)].concat(), &[true, false, false]),
        ([&bad[..], split_first_page(&ogg(77)).1, &ogg(7)].concat(), &[false]),
        (webm_file(), &[true]),
        ([webm_file(), webm_file()].concat(), &[true, false]),
        ([no_opus, webm_file()].concat(), &[false]),
        (Mp4::new(packets()).bytes(), &[true]),
    ] {
        let file = self::file(&file);
        let mut streams = Streams::open(&file.path, &Options::default()).unwrap();
        let mut found = vec![];
        while let Some(stream) = streams.next_stream().unwrap() {
            found.push(stream.begins_with_file());
        }
        assert_eq!(found, expected);
        let last = u64::try_from(found.len()).unwrap();
        let back: Vec<_> = (1..=last)
            .rev()
            .map(|number| streams.go_to(number).unwrap().unwrap().begins_with_file())
            .collect();
        assert!(back.iter().rev().eq(expected), "{back:?}");
    }
}

/// A link that cannot be read is reported wherever it is: with the stream after it, or after the
/// last stream.
#[test]
fn a_link_that_cannot_be_read_is_reported() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/ogg/chain-last-head-bad.opus");
    let bad = fs::read(path).unwrap()[536..].to_vec();
    for place in 0..3 {
        let mut links = vec![ogg(7), ogg(8)];
        links.insert(place, bad.clone());
        let offset = links[..place].concat().len();
        let file = file(&links.concat());
        let mut streams = Streams::open(&file.path, &Options::default()).unwrap();
        let mut found = vec![];
        while let Some(stream) = streams.next_stream().unwrap() {
            while stream.next_packet().unwrap().is_some() {}
            found.extend(stream.findings().iter().map(|finding| (stream.number(), finding.offset)));
            assert_eq!(streams.findings(), []);
        }
        let after = streams.findings();
        found.extend(after.iter().map(|finding| (3, finding.offset)));
        let number = u64::try_from(place).unwrap() + 1;
        assert_eq!(found, [(number, u64::try_from(offset).unwrap())]);
        assert_eq!((streams.findings(), after.len()), (vec![], usize::from(place == 2)));
        let mut strict = Streams::open(&file.path, &Options::default().strict(true)).unwrap();
        let error = loop {
            match strict.next_stream() {
                Ok(stream) => assert!(stream.is_some(), "a strict reader refuses it"),
                Err(error) => break error,
            }
        };
        assert_eq!((error.kind(), error.offset()), (ErrorKind::Violation, Some(found[0].1)));
    }
}

#[test]
fn streams_can_be_visited_in_any_order() {
    let file = file(&[ogg(7), ogg(8), ogg(9)].concat());
    let mut streams = Streams::open(&file.path, &Options::default()).unwrap();
    for number in [3, 1, 2, 2] {
        let stream = streams.go_to(number).unwrap().unwrap();
        assert_eq!((stream.number(), stream.serial().map(u64::from)), (number, Some(6 + number)));
        assert_eq!(stream.next_packet().unwrap().unwrap().data, packets()[0]);
    }
    assert!(streams.go_to(4).unwrap().is_none());
}

#[test]
fn a_file_without_opus_is_told_from_one_that_cannot_be_read() {
    let first = |bytes: &[u8]| {
        let file = file(bytes);
        let mut streams = Streams::open(&file.path, &Options::default())?;
        streams.next_stream().map(|_| ())
    };
    let video = webm::file(&[webm::element(webm::TRACKS, &webm::video_track(1))]);
    let mut vorbis = ogg(7);
    let at = vorbis.windows(8).position(|eight| eight == b"OpusHead").unwrap();
    vorbis[at..at + 7].copy_from_slice(b"\x01vorbis");
    // The checksum of the page with Vorbis is wrong.
    for (bytes, kind) in [
        (b"Dear reader".to_vec(), ErrorKind::NoOpus),
        (b"RIFF\0\0\0\0WAVEfmt ".to_vec(), ErrorKind::NoOpus),
        (vec![], ErrorKind::NoOpus),
        (video, ErrorKind::NoOpus),
        (ogg(7)[..40].to_vec(), ErrorKind::Unreadable),
        (vorbis, ErrorKind::Unreadable),
        (Mp4::new(packets()).bytes()[..30].to_vec(), ErrorKind::Unreadable),
    ] {
        let error = first(&bytes).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
}

#[test]
fn only_regular_files_are_opened() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().to_owned(), directory.path().join("missing")] {
        let Err(error) = Streams::open(&path, &Options::default()) else { panic!("{path:?}") };
        assert_eq!(error.kind(), ErrorKind::Open);
        assert_eq!(error.to_string(), "cannot open the file");
        assert!(format!("{error:?}").starts_with("cannot open the file: "), "{error:?}");
    }
}

#[test]
fn findings_keep_their_container() {
    let mut file_with_gap = ogg(7);
    let at = file_with_gap.windows(4).rposition(|four| four == b"OggS").unwrap();
    file_with_gap.splice(at..at, *b"junk");
    let file = file(&file_with_gap);
    let mut streams = Streams::open(&file.path, &Options::default()).unwrap();
    let stream = streams.next_stream().unwrap().unwrap();
    while stream.next_packet().unwrap().is_some() {}
    let findings = stream.findings();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].offset, u64::try_from(at).unwrap());
    let FindingKind::Ogg(ogg::FindingKind::Skipped { bytes: 4, .. }) = findings[0].kind else {
        panic!("{findings:?}")
    };
    assert!(findings[0].is_violation() && findings[0].kind.gap().is_none());
    let strict = Options::default().strict(true);
    let mut streams = Streams::open(&file.path, &strict).unwrap();
    let error = streams.next_stream().unwrap().unwrap().next_packet().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Violation);
    assert_eq!(error.offset(), Some(findings[0].offset));
    assert!(matches!(error.finding().unwrap().kind, FindingKind::Ogg(_)));
}

#[test]
fn a_gap_is_the_same_in_every_container() {
    let lost = webm::packets_at(&[0, 60]);
    let mut late = Mp4::new(packets());
    late.durations[0] = 960 * 3;
    for bytes in [lost, late.bytes()] {
        let file = file(&bytes);
        let mut streams = Streams::open(&file.path, &Options::default()).unwrap();
        let stream = streams.next_stream().unwrap().unwrap();
        while stream.next_packet().unwrap().is_some() {}
        let gaps: Vec<_> = stream.findings().iter().filter_map(|one| one.kind.gap()).collect();
        assert_eq!(
            gaps.iter().map(|gap| (gap.position.get(), gap.samples)).collect::<Vec<_>>(),
            [(960, 1920)]
        );
    }
}

/// TOC byte of a CELT packet of 20 ms (RFC 6716 section 3.1).
const MONO: u8 = 0xF8;
const STEREO: u8 = 0xFC;

#[test]
fn a_raw_stream_without_a_head_has_the_channels_of_its_packets() {
    let cases: [(&[u8], u8); 4] =
        [(&[MONO, MONO], 1), (&[STEREO, STEREO], 2), (&[MONO, STEREO], 2), (&[STEREO, MONO], 2)];
    for (tocs, channels) in cases {
        let (mut self_delimited, mut opus_demo) = (vec![], vec![]);
        for &toc in tocs {
            write_self_delimited(&[toc, 1], &mut self_delimited).unwrap();
            opus_demo.extend([0, 0, 0, 2, 9, 9, 9, 9, toc, 1]);
            opus_demo.extend([0; 8]); // a lost packet
        }
        for (bytes, format, packets) in [
            (self_delimited, RawFormat::SelfDelimited, tocs.len()),
            (opus_demo, RawFormat::OpusDemo, 2 * tocs.len()),
        ] {
            let file = file(&bytes);
            let options = Options::default().raw(RawStream::new(format)).strict(true);
            let mut streams = Streams::open(&file.path, &options).unwrap();
            let stream = streams.next_stream().unwrap().unwrap();
            assert_eq!((stream.head().channels(), stream.head().pre_skip()), (channels, 0));
            for _ in 0..packets {
                stream.next_packet().unwrap().expect("reading the head takes no packets");
            }
            assert!(stream.next_packet().unwrap().is_none(), "{format:?} {tocs:?}");
        }
    }
}

#[test]
fn a_file_of_another_format_is_no_raw_stream() {
    let wave = [b"RIFF\0\0\0\0WAVE", &[0; 99][..]].concat();
    let files =
        [ogg(7), webm_file(), Mp4::new(packets()).bytes(), Caf::new(packets()).bytes(), wave];
    for bytes in files {
        let file = file(&bytes);
        for format in [RawFormat::SelfDelimited, RawFormat::OpusDemo] {
            let error = Streams::open(&file.path, &raw(format)).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::WrongContainer, "{error}");
        }
    }
}
