use std::{error::Error, ops::Range};

use opus_packet::CodedPos;

use crate::{Span, SyncStart};

/// A place where the index of one recording can be looked up.
///
/// Contract for implementers:
///
/// - `span` gives exactly the packets that hold at least one sample of the
///   range, in order; it fails if the range is empty or not covered.
/// - What it reads does not depend on the length of the recording: O(log n)
///   steps, O(1) reads beside those for the rows it gives.
/// - Numbers from outside go through [`Span::parse`]. What is damaged is an
///   error and never a span.
pub trait IndexRead {
    /// Why the index could not be read.
    type Error: Error + Send + Sync + 'static;

    /// The packets of a half-open range of coded samples.
    fn span(&self, samples: Range<CodedPos>) -> Result<Span, Self::Error>;
}

/// A place where bytes of the blob of one recording can be read.
///
/// Contract for implementers:
///
/// - On success `out` holds exactly the bytes of the range, and nothing that it
///   held before; on failure its content does not matter.
/// - Bytes that are known to be damaged are an error.
/// - What it reads is proportional to the range.
pub trait BlobRead {
    /// Why the blob could not be read.
    type Error: Error + Send + Sync + 'static;

    /// Reads a half-open range of bytes.
    fn read(&self, bytes: Range<u64>, out: &mut Vec<u8>) -> Result<(), Self::Error>;
}

/// A place where it is known from which packets decoding may begin.
///
/// Contract for implementers:
///
/// - The start lies at or before the position, and its output is exact from the position
///   up to `until`, which lies behind it.
/// - Where nothing is known, the start is [`SyncStart::BEGINNING`].
pub trait SyncRead {
    /// Why the sync map could not be read.
    type Error: Error + Send + Sync + 'static;

    /// The start for output that is exact at a coded position: the latest one known.
    fn start(&self, position: CodedPos) -> Result<SyncStart, Self::Error>;
}

/// A range that reaches beyond a blob in memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bytes {}..{} asked for, the blob has {len}", range.start, range.end)]
#[allow(missing_docs, reason = "the message says what the fields are")]
pub struct BeyondBlob {
    pub range: Range<u64>,
    pub len: usize,
}

impl<T: IndexRead + ?Sized> IndexRead for &T {
    type Error = T::Error;

    fn span(&self, samples: Range<CodedPos>) -> Result<Span, Self::Error> {
        (**self).span(samples)
    }
}

impl<T: BlobRead + ?Sized> BlobRead for &T {
    type Error = T::Error;

    fn read(&self, bytes: Range<u64>, out: &mut Vec<u8>) -> Result<(), Self::Error> {
        (**self).read(bytes, out)
    }
}

impl<T: SyncRead + ?Sized> SyncRead for &T {
    type Error = T::Error;

    fn start(&self, position: CodedPos) -> Result<SyncStart, Self::Error> {
        (**self).start(position)
    }
}

/// A blob in memory.
impl BlobRead for [u8] {
    type Error = BeyondBlob;

    fn read(&self, range: Range<u64>, out: &mut Vec<u8>) -> Result<(), BeyondBlob> {
        let bytes = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok())
            .and_then(|(start, end)| self.get(start..end))
            .ok_or(BeyondBlob { range, len: self.len() })?;
        out.clear();
        out.extend_from_slice(bytes);
        Ok(())
    }
}
