//! What a refused stream must say: the error, the byte, one line of text.

use std::io::Read;

use ogg_opus_demux::{Error, InvalidPage, OggOpusReader, Violation};

use super::{RawPage, to_stream};

/// Reads to the end, or to the first error.
pub(crate) fn read(stream: impl Read) -> Result<(), Error> {
    let mut reader = OggOpusReader::strict(stream)?;
    while reader.next_ogg_packet()?.is_some() {}
    Ok(())
}

/// The error of a stream, after a check that its text is one line and names the byte.
#[track_caller]
pub(crate) fn error_at(stream: impl Read, offset: u64) -> Error {
    let error = read(stream).expect_err("the stream is wrong");
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(&format!("byte {offset}")), "{text:?} names byte {offset}");
    error
}

/// Byte position of a page; of the end, if it is one more than there are.
pub(crate) fn offset_of(pages: &[RawPage], page: usize) -> u64 {
    u64::try_from(to_stream(&pages[..page]).len()).expect("64 bits are enough")
}

#[track_caller]
pub(crate) fn assert_violation(pages: &[RawPage], at_page: usize, expected: Violation) {
    let expected_offset = offset_of(pages, at_page);
    match error_at(to_stream(pages).as_slice(), expected_offset) {
        Error::Structure { offset, violation } => {
            assert_eq!((offset, violation), (expected_offset, expected));
        }
        other => panic!("expected {expected:?}, found {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_page_error(stream: &[u8], expected_offset: u64, expected: InvalidPage) {
    match error_at(stream, expected_offset) {
        Error::Page { offset, reason } => {
            assert_eq!((offset, reason), (expected_offset, expected));
        }
        other => panic!("expected {expected:?}, found {other:?}"),
    }
}
