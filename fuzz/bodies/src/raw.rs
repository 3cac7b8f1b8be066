//! Raw Opus streams.

use std::io::Read;

use opus_demux::{
    Error, ErrorKind, LocatedPacket, OpusHead,
    raw::{Options, OpusDemoReader, SelfDelimitedReader},
};
use opus_packet::write_self_delimited;

use crate::pieces::Pieces;

/// Reads arbitrary bytes as self-delimited packets or as a file of opus_demo. The first byte chooses
/// which, and in what pieces the bytes arrive, which makes no difference.
pub fn raw(input: &[u8]) {
    let Some((&mode, stream)) = input.split_first() else { return };
    let strict = mode & 2 != 0;
    let read = if mode & 1 == 0 { self_delimited } else { opus_demo };
    let piece = usize::from(mode >> 2) + 1;
    let (whole, in_pieces) =
        (read(&mut &*stream, stream, strict), read(&mut Pieces(stream, piece), stream, strict));
    assert_eq!(whole.packets, in_pieces.packets);
    assert_eq!(whole.findings, in_pieces.findings);
    assert_eq!(whole.error.is_some(), in_pieces.error.is_some());
    if let Some(error) = whole.error {
        assert_eq!(error.to_string().lines().count(), 1);
        assert!(strict || error.kind() != ErrorKind::Violation);
    }
}

#[derive(Default)]
struct Outcome {
    packets: Vec<Vec<u8>>,
    position: u64,
    findings: Vec<String>,
    error: Option<Error>,
}

impl Outcome {
    fn add(&mut self, packet: LocatedPacket<'_>, stream: &[u8]) {
        assert_eq!(opus_packet::duration(packet.data), Ok(packet.duration));
        assert_eq!(packet.position.get(), self.position);
        self.position += u64::from(packet.duration);
        if let Some(offset) = packet.offset {
            assert!(stream[usize::try_from(offset).unwrap()..].starts_with(packet.data));
        }
        self.packets.push(packet.data.to_vec());
    }
}

fn head() -> OpusHead {
    OpusHead::new(2, 312, 0).expect("valid")
}

fn self_delimited(source: &mut dyn Read, stream: &[u8], strict: bool) -> Outcome {
    let mut outcome = Outcome::default();
    let read = |outcome: &mut Outcome| {
        let mut reader =
            SelfDelimitedReader::with_options(source, head(), Options::default().strict(strict))?;
        while let Some(packet) = reader.next_located()? {
            outcome.add(packet, stream);
        }
        assert_eq!(reader.timeline().expect("known").coded_length(), outcome.position);
        outcome.findings = reader.findings().map(|finding| finding.to_string()).collect();
        Ok(())
    };
    outcome.error = read(&mut outcome).err();
    // Written again, they are at most as long: no byte is added.
    let mut written = vec![];
    outcome.packets.iter().for_each(|packet| write_self_delimited(packet, &mut written).unwrap());
    assert!(written.len() <= stream.len());
    outcome
}

fn opus_demo(source: &mut dyn Read, stream: &[u8], strict: bool) -> Outcome {
    let mut outcome = Outcome::default();
    let read = |outcome: &mut Outcome| {
        let mut reader =
            OpusDemoReader::with_options(source, head(), Options::default().strict(strict))?;
        while let Some(packet) = reader.next_located()? {
            outcome.add(packet, stream);
        }
        assert_eq!(reader.timeline().expect("known").coded_length(), outcome.position);
        outcome.findings = reader.findings().map(|finding| finding.to_string()).collect();
        Ok(())
    };
    outcome.error = read(&mut outcome).err();
    outcome
}
