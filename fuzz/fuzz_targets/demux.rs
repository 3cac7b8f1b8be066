//! Any bytes as an Ogg Opus stream. Under a fuzzer neither this demuxer nor the
//! `ogg` crate compares checksums, so what lies behind them is reached.

#![no_main]

use std::io::{self, Cursor, Read};

use libfuzzer_sys::fuzz_target;
use ogg::PacketReader;
use ogg_opus_demux::{Error, OggOpusReader};

fuzz_target!(|stream: &[u8]| {
    let whole = read(stream, stream);
    let in_pieces = read(Pieces(stream), stream);
    assert_eq!(whole.packets, in_pieces.packets, "how the bytes come makes no difference");
    assert_eq!(whole.error, in_pieces.error);
    assert_eq!(second_opinion(stream, whole.packets.len()), whole.packets);
});

/// What a stream holds up to its end or its first error.
#[derive(Default)]
struct Outcome {
    packets: Vec<Vec<u8>>,
    error: Option<String>,
}

fn read(source: impl Read, stream: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    if let Err(error) = read_into(&mut outcome.packets, source, stream) {
        let text = error.to_string();
        assert_eq!(text.lines().count(), 1, "{text}");
        outcome.error = Some(text);
    }
    outcome
}

/// Reads, and checks what holds for any stream.
fn read_into(packets: &mut Vec<Vec<u8>>, source: impl Read, stream: &[u8]) -> Result<(), Error> {
    let mut reader = OggOpusReader::new(source)?;
    let (mut position, mut bytes) = (0, 0);
    while let Some(packet) = reader.next_ogg_packet()? {
        assert_eq!(opus_packet::duration(packet.data), Ok(packet.duration));
        assert_eq!(packet.position.get(), position);
        if let Some(offset) = packet.offset {
            assert!(stream[usize::try_from(offset).unwrap()..].starts_with(packet.data));
        }
        position += u64::from(packet.duration);
        bytes += packet.data.len();
        assert!(bytes < stream.len(), "no byte is given out twice");
        packets.push(packet.data.to_vec());
    }
    assert!(reader.next_ogg_packet()?.is_none(), "the end stays the end");
    let timeline = reader.timeline().expect("known at the end");
    assert_eq!(timeline.coded_len(), position);
    let plays = timeline.pre_skip() + timeline.play_len() + timeline.end_trim();
    assert_eq!(plays, position);
    Ok(())
}

/// That many packets after the headers, as the `ogg` crate reads them.
fn second_opinion(stream: &[u8], count: usize) -> Vec<Vec<u8>> {
    let mut reader = PacketReader::new(Cursor::new(stream));
    let packets = std::iter::from_fn(|| {
        let packet = reader.read_packet().expect("the strict reader accepts it");
        packet.map(|packet| packet.data)
    });
    packets.skip(2).take(count).collect()
}

/// Gives few bytes at a time.
struct Pieces<'a>(&'a [u8]);

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(61);
        self.0.read(&mut buffer[..len])
    }
}
