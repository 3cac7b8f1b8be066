use std::{error::Error as StdError, ops::Range};

use opus_packet::CodedPos;

use crate::{Error, Span, SyncStart, error::Reason};

/// Looks up packets in the index of one recording.
///
/// Contract for implementers:
///
/// - `span` returns exactly the packets that hold at least one sample of the range, in order.
///   It fails if the range is empty or not covered ([`Error::not_covered`]).
/// - The cost does not depend on the length of the recording: O(log n) steps, and O(1) reads
///   besides those for the returned rows.
/// - Untrusted numbers go through [`Span::parse`]. Damage results in an error, never in a
///   span.
pub trait IndexRead {
    /// The error of a failed lookup.
    type Error: StdError + Send + Sync + 'static;

    /// Returns the packets of a half-open range of coded samples.
    fn span(&self, samples: Range<CodedPos>) -> Result<Span, Self::Error>;
}

/// Reads bytes from the blob of one recording.
///
/// Contract for implementers:
///
/// - On success, `out` holds exactly the bytes of the range and nothing else. On failure its
///   content is unspecified.
/// - Bytes known to be damaged result in an error.
/// - The cost is proportional to the range.
pub trait BlobRead {
    /// The error of a failed read.
    type Error: StdError + Send + Sync + 'static;

    /// Reads a half-open range of bytes into `out`, replacing its content.
    fn read(&self, bytes: Range<u64>, out: &mut Vec<u8>) -> Result<(), Self::Error>;
}

/// Looks up where decoding may begin in one recording.
///
/// Contract for implementers:
///
/// - `start` and `exact_from` lie at or before the position, and `until` lies after it. Output is
///   exact from `exact_from` up to `until`.
/// - Where nothing is known, the start is [`SyncStart::BEGINNING`].
pub trait SyncRead {
    /// The error of a failed lookup.
    type Error: StdError + Send + Sync + 'static;

    /// Returns the latest known start whose output is exact at a coded position.
    fn start(&self, position: CodedPos) -> Result<SyncStart, Self::Error>;
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
    type Error = Error;

    fn read(&self, requested: Range<u64>, out: &mut Vec<u8>) -> Result<(), Error> {
        let bytes = usize::try_from(requested.start)
            .ok()
            .zip(usize::try_from(requested.end).ok())
            .and_then(|(start, end)| self.get(start..end))
            .ok_or(Reason::BlobRange { requested, length: self.len() })?;
        out.clear();
        out.extend_from_slice(bytes);
        Ok(())
    }
}
