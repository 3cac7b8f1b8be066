//! Extensions in the padding of packets are reported once per stream, and nothing else changes.

use std::fs;

use opus_demux::{
    ExtensionIds, Finding, FindingKind, Options, OpusHead, OpusTags, RawFormat, RawStream, Streams,
    ogg::OggOpusWriter,
};
use opus_packet::write_self_delimited;

/// Hybrid packets of 20 ms: two plain ones, then with ordinary padding, with Opus HD, with an
/// unknown extension, with Opus HD that is cut off.
fn packets() -> Vec<Vec<u8>> {
    let plain = vec![0x78, 1, 2];
    let padded = |padding: &[u8]| [&[0x7b, 0x41, 4, 1, 2][..], padding].concat();
    vec![
        plain.clone(),
        plain,
        padded(&[0, 0, 0, 0]),
        padded(&[248, 7, 8, 9]),
        padded(&[67, 1, 5, 0]),
        padded(&[249, 9, 8, 9]),
    ]
}

fn ogg(head: &OpusHead, serial: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = OggOpusWriter::new(vec![], serial, head, &OpusTags::new("", [])).unwrap();
    packets.iter().for_each(|packet| writer.write(packet).unwrap());
    writer.finish(0).unwrap()
}

/// The findings of every stream.
fn findings(bytes: &[u8], options: &Options) -> Vec<Vec<Finding>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let mut streams = Streams::open(file.path(), options).unwrap();
    let mut all = vec![];
    while let Some(stream) = streams.next_stream().unwrap() {
        while stream.next_located().unwrap().is_some() {
            assert_eq!(stream.findings(), [], "not before the end");
        }
        assert!(stream.next_located().unwrap().is_none());
        all.push(stream.findings());
        assert_eq!(stream.findings(), [], "once");
    }
    all
}

fn mono() -> OpusHead {
    OpusHead::new(1, 312, 48_000).unwrap()
}

#[test]
fn each_link_reports_its_own_once() {
    let whole = ogg(&mono(), 1, &packets());
    let none = ogg(&mono(), 2, &packets()[..3]);
    let file = [&whole[..], &none, &ogg(&mono(), 3, &packets()[3..4])].concat();
    for strict in [false, true] {
        let all = findings(&file, &Options::default().strict(strict));
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [1, 0, 1], "strict: {strict}");
        let finding = &all[0][0];
        let FindingKind::Extensions(found) = &finding.kind else { panic!("{finding}") };
        assert_eq!((found.packets, found.position.get()), (2, 3 * 960));
        assert!(found.ids.iter().eq([33, ExtensionIds::OPUS_HD]));
        assert!(!finding.is_violation());
        let start = usize::try_from(finding.offset).unwrap();
        assert!(file[start..].starts_with(&packets()[3]));
        assert_eq!(
            finding.to_string(),
            format!(
                "byte {start}: 2 packets contain extension 33, Opus HD (extension 124), the first at coded sample 2880; kept, but not decoded by libopus 1.3"
            )
        );
        assert!(all[2][0].to_string().contains(": 1 packet contains Opus HD (extension 124), the"));
    }
}

#[test]
fn every_stream_of_a_packet_is_looked_at() {
    let table = [&b"OpusHead\x01\x03\x38\x01\x80\xbb\0\0\0\0\x01\x02\x01"[..], &[0, 1, 2]].concat();
    let head = OpusHead::parse(&table).unwrap();
    let both = |first: &[u8], last: &[u8]| {
        let mut packet = vec![];
        write_self_delimited(first, &mut packet).unwrap();
        packet.extend_from_slice(last);
        packet
    };
    let (plain, hd) = (&packets()[0], &packets()[3]);
    let file = ogg(&head, 1, &[both(plain, plain), both(hd, plain), both(plain, hd)]);
    let all = findings(&file, &Options::default());
    let FindingKind::Extensions(found) = &all[0][0].kind else { panic!("{:?}", all[0]) };
    assert_eq!((found.packets, found.position.get()), (2, 960));
}

#[test]
fn raw_streams_report_them_too() {
    let (mut self_delimited, mut opus_demo) = (vec![], vec![]);
    for packet in packets() {
        write_self_delimited(&packet, &mut self_delimited).unwrap();
        opus_demo.extend(u32::try_from(packet.len()).unwrap().to_be_bytes());
        opus_demo.extend([0; 4]);
        opus_demo.extend(packet);
    }
    for (format, file) in
        [(RawFormat::SelfDelimited, self_delimited), (RawFormat::OpusDemo, opus_demo)]
    {
        let options = Options::default().raw(RawStream::new(format).head(mono()));
        let all = findings(&file, &options);
        let FindingKind::Extensions(found) = &all[0][0].kind else { panic!("{:?}", all[0]) };
        assert_eq!((found.packets, found.position.get()), (2, 2880), "{format:?}");
    }
}
