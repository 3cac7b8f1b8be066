//! The demuxers to compare with.

pub mod libogg;

use std::hint::black_box;

use opus_packet::duration;

/// The least work that yields each packet with its duration and position: skips checksums and
/// rules, and trusts every length.
pub fn bare_walk(file: &[u8]) -> (u64, u64) {
    let (mut at, mut count, mut position) = (0, 0, 0);
    while let Some(lacing) =
        file.get(at + 26).and_then(|&n| file.get(at + 27..at + 27 + usize::from(n)))
    {
        let mut start = at + 27 + lacing.len();
        let mut end = start;
        for &value in lacing {
            end += usize::from(value);
            if value < 255 {
                let packet = &file[start..end];
                position += u64::from(duration(packet).unwrap_or_default());
                count += 1;
                black_box((packet, position));
                start = end;
            }
        }
        at = end;
    }
    (count, position)
}

/// The slice reader of `ogg-opus-demux`, built without checksums.
pub fn without_checksums(file: &[u8]) -> (u64, u64) {
    let mut reader = without_checksums::OggOpusReader::from_slice(file).unwrap();
    let (mut count, mut position) = (0, 0);
    while let Some(packet) = reader.next_located().unwrap() {
        count += 1;
        position = packet.position.get();
        black_box(packet);
    }
    (count, position)
}

/// The `ogg` crate.
pub fn ogg_crate(file: &[u8]) -> (u64, u64) {
    let mut reader = ogg::PacketReader::new(std::io::Cursor::new(file));
    let (mut count, mut bytes) = (0, 0);
    while let Some(packet) = reader.read_packet().unwrap() {
        count += 1;
        bytes += u64::try_from(packet.data.len()).unwrap();
        black_box(packet);
    }
    (count, bytes)
}
