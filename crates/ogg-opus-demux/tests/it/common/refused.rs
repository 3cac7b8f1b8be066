//! Streams that a strict reader refuses: with the right error, the right byte, and one line.

use std::io::Read;

use ogg_opus_demux::{Error, ErrorKind, FindingKind, InvalidPage, OggOpusReader, Violation};

use super::{RawPage, to_stream};

/// Reads to the end, or to the first error.
pub(crate) fn read(stream: impl Read) -> Result<(), Error> {
    let mut reader = OggOpusReader::strict(stream)?;
    while reader.next_located()?.is_some() {}
    Ok(())
}

/// The error of a stream, after checking that its text is one line and names the byte.
#[track_caller]
pub(crate) fn error_at(stream: impl Read, offset: u64) -> Error {
    let error = read(stream).expect_err("the stream is wrong");
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with(&format!("byte {offset}: ")), "{text:?} names byte {offset}");
    assert_eq!(error.offset(), Some(offset));
    error
}

/// The violation that a strict reader refuses.
#[track_caller]
pub(crate) fn refused_at(stream: impl Read, offset: u64) -> FindingKind {
    let error = error_at(stream, offset);
    assert_eq!(error.kind(), ErrorKind::Violation);
    let finding = error.finding().expect("a violation is a finding");
    assert_eq!(finding.offset, offset);
    finding.kind.clone()
}

/// Byte position of a page, or of the end of the stream.
pub(crate) fn offset_of(pages: &[RawPage], page: usize) -> u64 {
    u64::try_from(to_stream(&pages[..page]).len()).expect("64 bits are enough")
}

#[track_caller]
pub(crate) fn assert_violation(pages: &[RawPage], at_page: usize, expected: Violation) {
    let found = refused_at(to_stream(pages).as_slice(), offset_of(pages, at_page));
    assert_eq!(found, FindingKind::Violation(expected));
}

#[track_caller]
pub(crate) fn assert_page_error(stream: &[u8], offset: u64, expected: InvalidPage) {
    let FindingKind::Skipped { reason, .. } = refused_at(stream, offset) else {
        panic!("expected {expected:?}")
    };
    assert_eq!(reason, expected);
}
