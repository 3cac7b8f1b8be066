//! What the writer refuses: what its own reader would refuse.

use std::io::{self, ErrorKind, Write};

use ogg_opus_demux::{OggOpusWriter, WriteError};
use opus_packet::{InvalidPacket, InvalidTimeline, OpusHead, OpusTags};

fn writer<W: Write>(out: W) -> Result<OggOpusWriter<W>, WriteError> {
    let head = OpusHead::new(1, 312, 48_000).expect("one channel is valid");
    OggOpusWriter::new(out, 1, &head, &OpusTags::new("tests", []))
}

const TWENTY_MS: [u8; 2] = [0x78, 1];

#[test]
fn packets_are_checked_and_a_refused_one_leaves_no_trace() {
    let mut refusing = writer(vec![]).unwrap();
    let mut plain = writer(vec![]).unwrap();
    refusing.write(&TWENTY_MS).unwrap();
    plain.write(&TWENTY_MS).unwrap();
    let error = refusing.write(&[]).unwrap_err();
    assert!(matches!(error, WriteError::Packet { packet: 1, reason: InvalidPacket::Empty }));
    assert_eq!(error.to_string(), "packet 1: empty packet, expected a TOC byte (RFC 6716 R1)");
    assert_eq!(refusing.finish(0).unwrap(), plain.finish(0).unwrap());
}

#[test]
fn a_packet_has_at_most_61440_bytes() {
    // One empty frame; then 240 x 254 + 237 or 238 bytes of padding.
    let mut packet = [&[0x7b, 0x41][..], &[255; 240], &[237]].concat();
    packet.resize(61_440, 0);
    let mut writer = writer(vec![]).unwrap();
    writer.write(&packet).unwrap();
    packet[242] += 1;
    packet.push(0);
    let error = writer.write(&packet).unwrap_err();
    assert!(matches!(error, WriteError::PacketTooLong { packet: 1, found: 61_441 }), "{error}");
}

#[test]
fn a_stream_has_packets() {
    let error = writer(vec![]).unwrap().finish(0).unwrap_err();
    assert!(matches!(error, WriteError::NoPackets), "{error}");
}

#[test]
fn only_the_last_page_is_trimmed() {
    // One second, and 20 ms on a page of their own.
    let with_a_second = || {
        let mut writer = writer(vec![]).unwrap();
        (0..51).for_each(|_| writer.write(&TWENTY_MS).unwrap());
        writer
    };
    let error = with_a_second().finish(961).unwrap_err();
    assert!(matches!(error, WriteError::EndTrim { end_trim: 961, last_page: 960 }), "{error}");
    with_a_second().finish(960).unwrap();
}

#[test]
fn the_end_trim_leaves_the_pre_skip() {
    let with_one = || {
        let mut writer = writer(vec![]).unwrap();
        writer.write(&TWENTY_MS).unwrap();
        writer
    };
    let WriteError::Timeline { reason } = with_one().finish(649).unwrap_err() else { panic!() };
    assert_eq!(reason, InvalidTimeline { pre_skip: 312, coded_len: 960, end_trim: 649 });
    with_one().finish(648).unwrap();
}

#[test]
fn a_failed_write_is_an_error() {
    let Err(WriteError::Io { source }) = writer(Full) else { panic!("nothing can be written") };
    assert_eq!(source.kind(), ErrorKind::StorageFull);
}

struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
