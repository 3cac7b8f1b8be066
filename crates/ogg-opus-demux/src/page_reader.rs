use std::io::Read;

use memchr::memmem;

use opus_packet::wide;

use crate::{
    Buffered, Error, Finding, FindingKind, Input, InvalidPage, Page, error::Reason, page::CAPTURE,
};

/// Reads the pages of a file or stream in order and in bounded memory.
///
/// Skips anything that is not a valid page: see [`skipped`](Self::skipped). After a page with
/// a wrong checksum, the search continues four bytes after its start, since its length may be
/// wrong.
///
/// ```
/// use ogg_opus_demux::PageReader;
///
/// let mut pages = PageReader::from_slice(b"junk");
/// assert!(pages.next_page()?.is_none());
/// assert_eq!(pages.skipped().map(|skipped| skipped.bytes), Some(4));
/// # Ok::<(), ogg_opus_demux::Error>(())
/// ```
#[derive(Debug)]
pub struct PageReader<I> {
    input: I,
    /// Byte position of the unread bytes.
    offset: u64,
    /// Length of the current page, which is still unread.
    page_len: usize,
    skipped: Option<Skipped>,
}

/// Bytes that are not a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// Byte position of the first byte.
    pub offset: u64,
    /// Number of bytes.
    pub bytes: u64,
    /// Why no page begins at `offset`.
    pub reason: InvalidPage,
}

/// The start of the unread bytes.
enum Next {
    Page { len: usize },
    NoPage(InvalidPage),
    End,
}

impl<R: Read> PageReader<Buffered<R>> {
    /// Reads pages from `inner`, which needs no `BufReader`.
    pub fn new(inner: R) -> Self {
        Self::with_input(Buffered::new(inner))
    }
}

impl<'a> PageReader<&'a [u8]> {
    /// Walks over pages in memory without copying them.
    pub fn from_slice(bytes: &'a [u8]) -> Self {
        Self::with_input(bytes)
    }
}

impl<I: Input> PageReader<I> {
    pub(crate) fn with_input(input: I) -> Self {
        Self { input, offset: 0, page_len: 0, skipped: None }
    }

    /// The next page and its byte position in the stream, or `None` at the end.
    ///
    /// # Errors
    ///
    /// The underlying reader failed.
    pub fn next_page(&mut self) -> Result<Option<(u64, Page<'_>)>, Error> {
        self.advance(Self::skip)
    }

    /// The same, but anything that is not a page is an error.
    pub(crate) fn next_page_strictly(&mut self) -> Result<Option<(u64, Page<'_>)>, Error> {
        self.advance(|pages, reason| {
            Err(Finding::new(pages.offset, FindingKind::Skipped { bytes: 0, reason }).into())
        })
    }

    #[inline]
    fn advance(
        &mut self,
        no_page: impl Fn(&mut Self, InvalidPage) -> Result<(), Error>,
    ) -> Result<Option<(u64, Page<'_>)>, Error> {
        self.consume(self.page_len);
        self.skipped = None;
        loop {
            match self.parse()? {
                Next::Page { len } => {
                    self.page_len = len;
                    return Ok(self.page().map(|page| (self.offset, page)));
                }
                Next::NoPage(reason) => no_page(self, reason)?,
                Next::End => return Ok(None),
            }
        }
    }

    /// The bytes that the last call of [`next_page`](Self::next_page) skipped.
    pub fn skipped(&self) -> Option<Skipped> {
        self.skipped
    }

    /// Byte position of the current page; at the end, the length of the stream.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The current page.
    #[inline]
    pub(crate) fn page(&self) -> Option<Page<'_>> {
        Page::verified(self.page_bytes())
    }

    /// The bytes of the current page.
    #[inline]
    pub(crate) fn page_bytes(&self) -> &[u8] {
        self.input.unread().get(..self.page_len).unwrap_or_default()
    }

    fn parse(&mut self) -> Result<Next, Error> {
        let mut has_more = true;
        loop {
            match Page::parse(self.input.unread()).map(|page| page.len()) {
                Ok(len) => return Ok(Next::Page { len }),
                // Fewer bytes than needed may come, so they are parsed once more.
                Err(InvalidPage::Truncated { needed, .. }) if has_more => {
                    has_more = self.fill(needed)?;
                }
                Err(_) if self.input.unread().is_empty() => return Ok(Next::End),
                Err(reason) => return Ok(Next::NoPage(reason)),
            }
        }
    }

    /// Skips to the next capture pattern, or to the end.
    fn skip(&mut self, reason: InvalidPage) -> Result<(), Error> {
        let offset = self.offset;
        let mut from = if self.input.unread().starts_with(CAPTURE) { CAPTURE.len() } else { 1 };
        loop {
            let unread = self.input.unread();
            let searched = unread.get(from..).unwrap_or_default();
            if let Some(at) = memmem::find(searched, CAPTURE) {
                self.consume(from + at);
                break;
            }
            // The last three bytes may begin a pattern.
            let kept = searched.len().min(CAPTURE.len() - 1);
            self.consume(unread.len() - kept);
            from = 0;
            if !self.fill(CAPTURE.len())? {
                self.consume(kept);
                break;
            }
        }
        let skipped = self.skipped.get_or_insert(Skipped { offset, bytes: 0, reason });
        skipped.bytes = self.offset - skipped.offset;
        Ok(())
    }

    #[inline]
    fn consume(&mut self, count: usize) {
        self.input.consume(count);
        self.offset += wide(count);
        self.page_len = 0;
    }

    fn fill(&mut self, needed: usize) -> Result<bool, Error> {
        self.input.fill(needed).map_err(|source| {
            let offset = self.offset + wide(self.input.unread().len());
            Error::at(offset, Reason::Read(source))
        })
    }
}

/// Returns whether a file that begins with these bytes is Ogg. It begins with a page, or with
/// other data (such as an ID3 tag) and then a complete page.
pub fn is_ogg(start: &[u8]) -> bool {
    start.starts_with(CAPTURE)
        || PageReader::from_slice(start).next_page().is_ok_and(|page| page.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OggOpusWriter;
    use opus_packet::{OpusHead, OpusTags};

    fn stream() -> Vec<u8> {
        let head = OpusHead::new(1, 0, 0).unwrap();
        let mut writer = OggOpusWriter::new(vec![], 7, &head, &OpusTags::new("", [])).unwrap();
        (0..100).for_each(|i| writer.write(&[0x78, i]).unwrap());
        writer.finish(0).unwrap()
    }

    fn pages(bytes: &[u8]) -> (Vec<u64>, Vec<Skipped>) {
        let (mut pages, mut found, mut skipped) = (PageReader::from_slice(bytes), vec![], vec![]);
        while let Some((offset, page)) = pages.next_page().unwrap() {
            assert_eq!(&bytes[usize::try_from(offset).unwrap()..][..page.len()], page.bytes());
            found.push(offset);
            skipped.extend(pages.skipped());
        }
        assert_eq!(pages.offset(), u64::try_from(bytes.len()).unwrap());
        skipped.extend(pages.skipped());
        (found, skipped)
    }

    #[test]
    fn junk_of_any_length_is_skipped_and_reported() {
        let (good, none) = pages(&stream());
        assert!(none.is_empty());
        for len in (1..20).chain([300_000]) {
            let junk: Vec<u8> = b"ID3OggOg".iter().copied().cycle().take(len).collect();
            let bytes = [&junk, stream().as_slice(), &junk].concat();
            let (found, skipped) = pages(&bytes);
            let len = u64::try_from(len).unwrap();
            assert_eq!(found, good.iter().map(|offset| offset + len).collect::<Vec<_>>());
            let places: Vec<_> =
                skipped.iter().map(|skipped| (skipped.offset, skipped.bytes)).collect();
            assert_eq!(places, [(0, len), (len + u64::try_from(stream().len()).unwrap(), len)]);
            let mut by_read = PageReader::new(bytes.as_slice());
            let mut count = 0;
            while by_read.next_page().unwrap().is_some() {
                count += 1;
            }
            assert_eq!(count, good.len());
        }
    }

    /// A wrong length does not hide the pages inside it.
    #[test]
    fn the_search_continues_inside_a_page_that_claims_too_much() {
        let good = stream();
        let (starts, _) = pages(&good);
        let second = usize::try_from(starts[1]).unwrap();
        let mut bytes = good.clone();
        bytes[second + 27] = 255;
        let (found, skipped) = pages(&bytes);
        assert_eq!(found, [&starts[..1], &starts[2..]].concat());
        assert_eq!(skipped.len(), 1);
        assert_eq!(skipped[0].bytes, starts[2] - starts[1]);
    }
}
