//! CAF files.

use std::io::Cursor;

use opus_demux::{
    Error, ErrorKind,
    caf::{CafOpusReader, Options, is_caf},
};

/// Reads arbitrary bytes as a CAF file. The packets follow one another in the data, so the file
/// bounds the work, whatever its table claims.
pub fn caf(file: &[u8]) {
    let tolerant = read(file, false);
    let strict = read(file, true);
    for error in [&tolerant, &strict].into_iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(error.to_string().lines().count(), 1);
    }
    if let Err(tolerant) = tolerant {
        assert_ne!(tolerant.kind(), ErrorKind::Violation);
        assert!(strict.is_err());
        assert!(is_caf(file) || tolerant.kind() == ErrorKind::WrongContainer);
    }
}

fn read(file: &[u8], strict: bool) -> Result<(), Error> {
    let mut reader =
        CafOpusReader::with_options(Cursor::new(file), Options::default().strict(strict))?;
    let head = reader.head().clone();
    let (mut position, mut end) = (0, 0);
    while let Some(packet) = reader.next_located()? {
        assert_eq!(head.packet_duration(packet.data), Ok(packet.duration));
        assert_eq!(packet.position.get(), position);
        if let Some(offset) = packet.offset {
            let at = usize::try_from(offset).unwrap();
            assert!(file[at..].starts_with(packet.data));
            assert!(at >= end, "a byte was returned twice");
            end = at + packet.data.len();
        }
        position += u64::from(packet.duration);
    }
    assert!(reader.next_located()?.is_none(), "packets after the end");
    assert_eq!(reader.timeline().expect("known at the end").coded_length(), position);
    assert!(reader.findings().count() <= 1001);
    Ok(())
}
