//! MP4 files.

use std::io::Cursor;

use opus_demux::{
    Error, ErrorKind,
    mp4::{Mp4OpusReader, Options, is_mp4},
};

/// Reads arbitrary bytes as an MP4 file, plain or fragmented. The reader returns no byte twice, so
/// the file bounds the work, whatever its tables claim.
pub fn mp4(file: &[u8]) {
    let (tolerant, all) = read(file, false);
    let (strict, some) = read(file, true);
    assert!(all.starts_with(&some), "the strict reader returned other packets");
    for error in [&tolerant, &strict].into_iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(error.to_string().lines().count(), 1);
    }
    if let Err(tolerant) = tolerant {
        assert_ne!(tolerant.kind(), ErrorKind::Violation);
        assert!(strict.is_err());
        assert!(is_mp4(file) || tolerant.kind() == ErrorKind::WrongContainer);
    }
}

/// Returns the offsets and positions of the packets.
fn read(file: &[u8], strict: bool) -> (Result<(), Error>, Vec<(u64, u64)>) {
    let mut packets = vec![];
    (read_into(&mut packets, file, strict), packets)
}

fn read_into(packets: &mut Vec<(u64, u64)>, file: &[u8], strict: bool) -> Result<(), Error> {
    let options = Options::default().strict(strict);
    let mut reader = Mp4OpusReader::with_options(Cursor::new(file), options)?;
    let head = reader.head().clone();
    let (mut position, mut bytes, mut lost) = (0, 0, 0);
    while let Some(packet) = reader.next_located()? {
        assert_eq!(head.packet_duration(packet.data), Ok(packet.duration));
        assert_eq!(packet.position.get(), position);
        if let Some(offset) = packet.offset {
            assert!(file[usize::try_from(offset).unwrap()..].starts_with(packet.data));
            bytes += packet.data.len();
            assert!(bytes <= file.len(), "a byte was returned twice");
            packets.push((offset, position));
        } else {
            lost += u64::from(packet.duration);
            // A day of lost audio teaches a fuzzer nothing.
            if lost > 1 << 22 {
                return Ok(());
            }
        }
        position += u64::from(packet.duration);
    }
    assert!(reader.next_located()?.is_none(), "packets after the end");
    let timeline = reader.timeline().expect("known at the end");
    assert_eq!(timeline.coded_length(), position);
    assert!(reader.findings().count() <= 1001);
    Ok(())
}
