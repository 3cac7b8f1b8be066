//! The writer refuses everything that its own reader would refuse.

use std::io::{self, Write};

use ogg_opus_demux::{
    Error, ErrorKind, InvalidTimeline, OggOpusReader, OggOpusWriter, OpusHead, OpusTags,
};
use opus_packet::ChannelMapping;

fn writer<W: Write>(out: W) -> Result<OggOpusWriter<W>, Error> {
    let head = OpusHead::new(1, 312, 48_000).expect("one channel is valid");
    OggOpusWriter::new(out, 1, &head, &OpusTags::new("tests", []))
}

const TWENTY_MS: [u8; 2] = [0x78, 1];

#[test]
fn packets_are_checked_and_refused_ones_leave_no_trace() {
    let mut refusing = writer(vec![]).unwrap();
    let mut plain = writer(vec![]).unwrap();
    refusing.write(&TWENTY_MS).unwrap();
    plain.write(&TWENTY_MS).unwrap();
    let error = refusing.write(&[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unwritable);
    assert_eq!(error.to_string(), "packet 1: empty packet, expected a TOC byte (RFC 6716 R1)");
    assert_eq!(refusing.finish(0).unwrap(), plain.finish(0).unwrap());
}

#[test]
fn the_longest_packet_is_written_and_read() {
    // One empty frame; then 240 x 254 + 237 bytes of padding.
    let mut packet = [&[0x7b, 0x41][..], &[255; 240], &[237]].concat();
    packet.resize(61_440, 0);
    let mut writer = writer(vec![]).unwrap();
    writer.write(&packet).unwrap();
    let mut longer = packet.clone();
    longer[242] += 1;
    longer.push(0);
    let error = writer.write(&longer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unwritable);
    assert!(error.to_string().starts_with("packet 1 has 61441 bytes"), "{error}");
    let stream = writer.finish(0).unwrap();
    let mut reader = OggOpusReader::strict(stream.as_slice()).unwrap();
    assert!(reader.next_located().unwrap().unwrap().data == packet);
}

#[test]
fn a_stream_has_packets() {
    let error = writer(vec![]).unwrap().finish(0).unwrap_err();
    assert_eq!(error.to_string(), "no packet was written, expected at least one");
}

/// A stream of packets of 20 ms, with a page for each second and one for the rest.
fn with_packets(count: usize) -> OggOpusWriter<Vec<u8>> {
    let mut writer = writer(vec![]).unwrap();
    (0..count).for_each(|_| writer.write(&TWENTY_MS).unwrap());
    writer
}

#[test]
fn the_last_page_holds_the_trimmed_packets() {
    // The last page has 20 ms. To trim more, it needs packets of the one before.
    for end_trim in [0, 960, 961, 1920, 48_000, 48_960] {
        let stream = with_packets(101).finish(end_trim).unwrap();
        let mut reader = OggOpusReader::new(stream.as_slice()).unwrap();
        let mut packets = 0;
        while reader.next_located().unwrap().is_some() {
            packets += 1;
        }
        let timeline = reader.timeline().unwrap();
        assert_eq!((packets, timeline.end_trim()), (101, end_trim));
    }
}

#[test]
fn more_than_the_last_two_pages_cannot_be_trimmed() {
    let error = with_packets(101).finish(48_961).unwrap_err();
    let expected = "end trim of 48961 samples, expected at most the 48960 of the last page";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn the_end_trim_leaves_the_pre_skip() {
    let error = with_packets(1).finish(649).unwrap_err();
    let reason = InvalidTimeline::new(312, 960, 649);
    assert_eq!(error.to_string(), format!("end of the stream: {reason}"));
    with_packets(1).finish(648).unwrap();
}

#[test]
fn a_failed_write_is_an_error() {
    let Err(error) = writer(Full) else { panic!("nothing can be written") };
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.into_io().unwrap().kind(), io::ErrorKind::StorageFull);
}

struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// OpusHead must end on its page (RFC 7845 section 3).
#[test]
fn a_head_longer_than_a_page_is_refused() {
    let of_order = |order: u8| {
        let channels = (1 + order) * (1 + order);
        let matrix = vec![0; 2 * usize::from(channels) * usize::from(channels)];
        let mapping = [&[channels, 0][..], &matrix].concat();
        let mapping = ChannelMapping::parse(3, channels, &mapping).unwrap();
        let head = OpusHead::new(1, 0, 0).unwrap().with_mapping(mapping);
        OggOpusWriter::new(vec![], 1, &head, &OpusTags::new("tests", [])).map(drop)
    };
    of_order(12).unwrap();
    let found = 21 + 2 * 196 * 196;
    let error = of_order(13).unwrap_err();
    assert!(error.to_string().starts_with(&format!("OpusHead of {found} bytes")), "{error}");
}
