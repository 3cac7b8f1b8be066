//! Raw streams: packets are read back, and damage never becomes audio.

use std::io::{self, Read};

use opus_demux::{
    ErrorKind, OpusHead, Packet, PacketSource,
    raw::{FindingKind, Options, OpusDemoReader, SelfDelimitedReader},
};
use opus_packet::{duration, write_self_delimited};
use proptest::{collection::vec, prelude::*};

fn head() -> OpusHead {
    OpusHead::new(2, 312, 48_000).unwrap()
}

/// A valid packet of any framing.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let any = (any::<u8>(), 0u8..=255, vec(any::<u8>(), 0..300));
    any.prop_map(|(toc, count, body)| {
        let signalled = [&[toc, count], body.as_slice()].concat();
        let plain = [&[toc & !3], body.as_slice()].concat();
        if duration(&signalled).is_ok() { signalled } else { plain }
    })
}

fn self_delimited(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut stream = vec![];
    packets.iter().for_each(|packet| write_self_delimited(packet, &mut stream).unwrap());
    stream
}

fn opus_demo(packets: &[Vec<u8>]) -> Vec<u8> {
    let entry = |packet: &Vec<u8>| {
        let length = u32::try_from(packet.len()).unwrap().to_be_bytes();
        [&length, &[9; 4], packet.as_slice()].concat()
    };
    packets.iter().flat_map(entry).collect()
}

/// Returns few bytes at a time.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(self.1);
        self.0.read(&mut buffer[..len])
    }
}

/// All packets up to the end or the first error.
fn all<S: PacketSource>(mut source: S) -> (Vec<Vec<u8>>, u64, Option<S::Error>) {
    let (mut packets, mut samples) = (vec![], 0);
    loop {
        match source.next_packet() {
            Ok(Some(Packet { data, duration: lasts })) => {
                assert_eq!(duration(data), Ok(lasts));
                samples += u64::from(lasts);
                packets.push(data.to_vec());
            }
            Ok(None) => return (packets, samples, None),
            Err(error) => {
                assert_eq!(error.to_string().lines().count(), 1);
                assert!(matches!(source.next_packet(), Ok(None)), "it ends after an error");
                return (packets, samples, Some(error));
            }
        }
    }
}

proptest! {
    #[test]
    fn self_delimited_packets_are_read_back(packets in vec(packet(), 1..40), piece in 1usize..500) {
        let stream = self_delimited(&packets);
        let mut reader = SelfDelimitedReader::new(Pieces(&stream, piece), head()).unwrap();
        let mut position = 0;
        for expected in &packets {
            let packet = reader.next_located().unwrap().unwrap();
            prop_assert_eq!((packet.data, packet.offset), (expected.as_slice(), None));
            prop_assert_eq!(packet.position.get(), position);
            position += u64::from(packet.duration);
        }
        prop_assert!(reader.next_located().unwrap().is_none());
        prop_assert_eq!(reader.timeline().unwrap().coded_length(), position);
        prop_assert_eq!(reader.findings().filter(|finding| finding.is_violation()).count(), usize::from(position < 312));
    }

    #[test]
    fn packets_of_opus_demo_are_read_back(packets in vec(packet(), 1..40), piece in 1usize..500) {
        let stream = opus_demo(&packets);
        let mut reader = OpusDemoReader::new(Pieces(&stream, piece), head()).unwrap();
        let mut position = 0;
        for expected in &packets {
            let packet = reader.next_located().unwrap().unwrap();
            prop_assert_eq!(packet.data, expected.as_slice());
            prop_assert_eq!(packet.position.get(), position);
            let at = usize::try_from(packet.offset.unwrap()).unwrap();
            prop_assert_eq!(&stream[at..at + packet.data.len()], packet.data);
            position += u64::from(packet.duration);
        }
        prop_assert!(reader.next_located().unwrap().is_none());
        prop_assert_eq!(reader.timeline().unwrap().coded_length(), position);
    }

    #[test]
    fn a_cut_stream_returns_its_complete_packets(packets in vec(packet(), 1..4)) {
        let lengths = |framed: fn(&[Vec<u8>]) -> Vec<u8>| -> Vec<usize> {
            (1..=packets.len()).map(|count| framed(&packets[..count]).len()).collect()
        };
        let (ends, stream) = (lengths(self_delimited), self_delimited(&packets));
        for cut in 1..stream.len() {
            let complete = ends.iter().filter(|end| **end <= cut).count();
            let mut reader = SelfDelimitedReader::new(&stream[..cut], head()).unwrap();
            let (read, _, error) = all(&mut reader);
            prop_assert_eq!(&read[..], &packets[..complete]);
            prop_assert!(error.is_none());
            let truncated = reader.findings().filter(|finding| matches!(finding.kind, FindingKind::Truncated { .. }));
            prop_assert_eq!(truncated.count(), usize::from(!ends.contains(&cut)));
        }
        let (ends, stream) = (lengths(opus_demo), opus_demo(&packets));
        for cut in 1..stream.len() {
            let complete = ends.iter().filter(|end| **end <= cut).count();
            let (read, _, error) = all(OpusDemoReader::new(&stream[..cut], head()).unwrap());
            prop_assert_eq!(&read[..], &packets[..complete]);
            prop_assert!(error.is_none());
        }
    }

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 1..2000), strict: bool) {
        let options = Options::default().strict(strict);
        all(SelfDelimitedReader::with_options(bytes.as_slice(), head(), options).unwrap());
        all(OpusDemoReader::with_options(bytes.as_slice(), head(), options).unwrap());
    }
}

#[test]
fn lost_and_invalid_packets_are_concealed_like_the_one_before() {
    let packets = [vec![], vec![0x78, 1], vec![], vec![0xfb, 0], vec![0x48, 2]];
    let stream = opus_demo(&packets);
    let mut reader = OpusDemoReader::new(stream.as_slice(), head()).unwrap();
    let (read, samples, error) = all(&mut reader);
    assert_eq!(read, [vec![0x78, 1], vec![0x78], vec![0x78], vec![0x48, 2]]);
    assert_eq!((samples, error.is_none()), (3840, true));
    let texts: Vec<_> = reader.findings().map(|finding| finding.to_string()).collect();
    assert_eq!(texts.len(), 4);
    assert_eq!(
        texts[0],
        "byte 0: lost packet before the first one, so its duration is unknown; dropped"
    );
    assert_eq!(texts[1], "byte 18: 960 samples are lost before coded sample 960; concealed");
    assert!(texts[2].starts_with("byte 34: invalid packet of 2 bytes: 0 frames"));
    assert!(texts[3].contains("960 samples (inferred) are lost before coded sample 1920"));
    let strict = Options::default().strict(true);
    let (read, _, error) =
        all(OpusDemoReader::with_options(stream.as_slice(), head(), strict).unwrap());
    assert_eq!(read.len(), 2, "up to the invalid packet");
    assert_eq!(error.unwrap().kind(), ErrorKind::Violation);
}

#[test]
fn more_than_a_day_lost_is_an_error() {
    let mut packets = vec![vec![0x7b, 6, 1, 1, 1, 1, 1, 1]];
    packets.resize(24 * 3600 * 1000 / 120 + 10, vec![]);
    let (_, samples, error) =
        all(OpusDemoReader::new(opus_demo(&packets).as_slice(), head()).unwrap());
    assert_eq!(error.unwrap().kind(), ErrorKind::TooMuchLost);
    assert!(samples <= 24 * 3600 * 48_000 + 2 * 5760);
}

#[test]
fn other_streams_are_refused_by_name() {
    let ogg = b"OggS\0\x02\0\0\0\0\0\0\0\0";
    let (_, _, error) = all(OpusDemoReader::new(ogg.as_slice(), head()).unwrap());
    let text = error.unwrap().to_string();
    assert!(text.ends_with("this does not look like a file of opus_demo"), "{text}");
    let empty = OpusDemoReader::new([].as_slice(), head()).unwrap_err();
    assert_eq!(empty.to_string(), "expected an Opus packet, found an empty stream");
    let empty = SelfDelimitedReader::new([].as_slice(), head()).unwrap_err();
    assert_eq!((empty.kind(), empty.offset()), (ErrorKind::Unreadable, None));
    let (_, _, error) = all(SelfDelimitedReader::new([0x7b, 0].as_slice(), head()).unwrap());
    let text = error.unwrap().to_string();
    assert!(text.starts_with("byte 0: expected a self-delimited packet"), "{text}");
    assert!(opus_demux::raw::WHY_BARE_PACKETS_CANNOT_BE_SPLIT.contains("RFC 6716"));
}

/// Only padding makes a packet this long.
#[test]
fn an_endless_packet_is_refused() {
    let endless = [&[0x7b, 0x41][..], &[255; 300_000]].concat();
    for piece in [1, 70_000] {
        let source = Pieces(if piece == 1 { &endless[..70_000] } else { &endless }, piece * 61);
        let (read, _, error) = all(SelfDelimitedReader::new(source, head()).unwrap());
        assert!(read.is_empty());
        let error = error.unwrap();
        assert_eq!((error.kind(), error.offset()), (ErrorKind::Unreadable, Some(0)), "{error}");
    }
}
