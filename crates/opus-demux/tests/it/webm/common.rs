//! A small writer of Matroska that shares no code with the crate.

#![allow(dead_code, reason = "no test uses all of it")]

pub(crate) mod packets;

use opus_demux::{
    Error, OpusHead,
    webm::{Finding, WebmOpusReader},
};

/// A number of up to 8 bytes without leading zeros, but at least one byte.
pub(crate) fn big_endian(value: u64) -> Vec<u8> {
    let skip = usize::try_from(value.leading_zeros() / 8).unwrap().min(7);
    value.to_be_bytes()[skip..].to_vec()
}

/// A size in as few bytes as possible, but at least `least`.
pub(crate) fn size(value: u64, least: u32) -> Vec<u8> {
    let len = (least..8).find(|len| value < (1 << (7 * len)) - 1).unwrap_or(8);
    let coded = value | 1 << (7 * len);
    coded.to_be_bytes()[8 - usize::try_from(len).unwrap()..].to_vec()
}

pub(crate) fn element(id: u64, data: &[u8]) -> Vec<u8> {
    [big_endian(id), size(u64::try_from(data.len()).unwrap(), 1), data.to_vec()].concat()
}

pub(crate) fn unknown_size(id: u64, data: &[u8]) -> Vec<u8> {
    [big_endian(id), vec![1, 255, 255, 255, 255, 255, 255, 255], data.to_vec()].concat()
}

pub(crate) fn uint(id: u64, value: u64) -> Vec<u8> {
    element(id, &big_endian(value))
}

pub(crate) const CLUSTER: u64 = 0x1f43_b675;
pub(crate) const SEGMENT: u64 = 0x1853_8067;
pub(crate) const TRACKS: u64 = 0x1654_ae6b;
pub(crate) const INFO: u64 = 0x1549_a966;
pub(crate) const VOID: u64 = 0xec;

pub(crate) fn ebml_header(doc_type: &str) -> Vec<u8> {
    element(0x1a45_dfa3, &[uint(0x4286, 1), element(0x4282, doc_type.as_bytes())].concat())
}

pub(crate) fn info(scale: u64) -> Vec<u8> {
    element(INFO, &[uint(0x2ad7b1, scale), element(0x5741, b"test writer")].concat())
}

/// Mono, pre-skip 312.
pub(crate) const OPUS_HEAD: &[u8] = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0";

pub(crate) fn track(number: u64, kind: u64, codec: &str, more: &[Vec<u8>]) -> Vec<u8> {
    let fields = [uint(0xd7, number), uint(0x83, kind), element(0x86, codec.as_bytes())];
    element(0xae, &[fields.concat(), more.concat()].concat())
}

pub(crate) fn opus_track(number: u64) -> Vec<u8> {
    let more = [element(0x63a2, OPUS_HEAD), uint(0x56aa, 6_500_000)];
    track(number, 2, "A_OPUS", &more)
}

pub(crate) fn video_track(number: u64) -> Vec<u8> {
    track(number, 1, "V_VP9", &[])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lacing {
    None,
    Xiph,
    Ebml,
    Fixed,
}

/// The data of a Block or SimpleBlock.
pub(crate) fn block(track: u64, time: i16, lacing: Lacing, frames: &[Vec<u8>]) -> Vec<u8> {
    let flags = match lacing {
        Lacing::None => 0x80,
        Lacing::Xiph => 0x82,
        Lacing::Fixed => 0x84,
        Lacing::Ebml => 0x86,
    };
    let mut block = [size(track, 1), time.to_be_bytes().to_vec(), vec![flags]].concat();
    if lacing != Lacing::None {
        block.push(u8::try_from(frames.len() - 1).unwrap());
    }
    let lengths: Vec<i64> =
        frames[..frames.len() - 1].iter().map(|one| i64::try_from(one.len()).unwrap()).collect();
    let mut before = None;
    for length in lengths {
        match lacing {
            Lacing::Xiph => {
                block.extend((0..length / 255).map(|_| 255));
                block.push(u8::try_from(length % 255).unwrap());
            }
            Lacing::Ebml => block.extend(ebml_length(length, before.replace(length))),
            Lacing::None | Lacing::Fixed => {}
        }
    }
    block.extend(frames.concat());
    block
}

/// The first length as it is, the others as differences.
fn ebml_length(length: i64, before: Option<i64>) -> Vec<u8> {
    let Some(before) = before else { return size(length.try_into().unwrap(), 1) };
    let difference = length - before;
    let len = (1..8).find(|len| difference.abs() < 1 << (7 * len - 1)).unwrap();
    let value = u64::try_from(difference + (1 << (7 * len - 1)) - 1).unwrap() | 1 << (7 * len);
    value.to_be_bytes()[8 - len..].to_vec()
}

pub(crate) fn simple_block(track: u64, time: i16, frames: &[Vec<u8>]) -> Vec<u8> {
    let lacing = if frames.len() > 1 { Lacing::Ebml } else { Lacing::None };
    element(0xa3, &block(track, time, lacing, frames))
}

pub(crate) fn block_group(block: &[u8], discard_nanoseconds: Option<i32>) -> Vec<u8> {
    let discard = discard_nanoseconds.map(|value| element(0x75a2, &value.to_be_bytes()));
    let lasts = uint(0x9b, 20);
    element(0xa0, &[element(0xa1, block), lasts, discard.unwrap_or_default()].concat())
}

pub(crate) fn cluster(timestamp: u64, blocks: &[Vec<u8>]) -> Vec<u8> {
    element(CLUSTER, &[uint(0xe7, timestamp), blocks.concat()].concat())
}

/// A file with these children of the Segment.
pub(crate) fn file(children: &[Vec<u8>]) -> Vec<u8> {
    [ebml_header("webm"), element(SEGMENT, &children.concat())].concat()
}

/// A file of one Opus track with ticks of 1 ms.
pub(crate) fn opus_file(clusters: &[Vec<u8>]) -> Vec<u8> {
    file(&[info(1_000_000), element(TRACKS, &opus_track(1)), clusters.concat()])
}

/// A packet of 20 ms.
pub(crate) fn packet(mark: u8) -> Vec<u8> {
    vec![0x78, mark, 2, 3]
}

/// A file with a block of one packet at each of these times in ms.
pub(crate) fn packets_at(times: &[u64]) -> Vec<u8> {
    let clusters: Vec<Vec<u8>> = times
        .iter()
        .zip(0..)
        .map(|(time, mark)| cluster(*time, &[simple_block(1, 0, &[packet(mark)])]))
        .collect();
    opus_file(&clusters)
}

/// A packet as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) data: Vec<u8>,
    pub(crate) duration: u32,
    pub(crate) position: u64,
    pub(crate) offset: Option<u64>,
}

/// Reads all packets, up to the end or the first error.
pub(crate) fn read_all<R: std::io::Read>(
    reader: &mut WebmOpusReader<R>,
) -> (Vec<Read>, Option<Error>) {
    let mut packets = vec![];
    loop {
        match reader.next_located() {
            Ok(Some(packet)) => packets.push(Read {
                data: packet.data.to_vec(),
                duration: packet.duration,
                position: packet.position.get(),
                offset: packet.offset,
            }),
            Ok(None) => return (packets, None),
            Err(error) => return (packets, Some(error)),
        }
    }
}

/// Reads a file that must be readable.
pub(crate) fn read(file: &[u8]) -> (WebmOpusReader<&[u8]>, Vec<Read>, Vec<Finding>) {
    let mut reader = WebmOpusReader::new(file).unwrap();
    let (packets, error) = read_all(&mut reader);
    assert!(error.is_none(), "{error:?}");
    let findings = reader.findings().collect();
    (reader, packets, findings)
}

/// Checks properties of the packets of any file.
pub(crate) fn check(packets: &[Read], file: &[u8], head: &OpusHead) {
    let mut position = 0;
    for packet in packets {
        assert_eq!(head.packet_duration(&packet.data), Ok(packet.duration));
        assert_eq!(packet.position, position);
        position += u64::from(packet.duration);
        if let Some(offset) = packet.offset {
            assert!(file[usize::try_from(offset).unwrap()..].starts_with(&packet.data));
        }
    }
}
