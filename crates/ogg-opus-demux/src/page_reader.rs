use std::io::Read;

use memchr::memmem;

use crate::{
    Buffered, Error, Input, InvalidPage, Page,
    page::{CAPTURE, wide},
};

/// Gives the pages of a file or stream one after the other, in bounded memory.
///
/// What is not a valid page is passed over, up to the next one that is: see
/// [`skipped`](Self::skipped). After a page with a wrong checksum the search goes on
/// four bytes after its beginning, since the length it claims may be what is wrong.
#[derive(Debug)]
pub struct PageReader<I> {
    input: I,
    /// Byte position in the stream of what is unread.
    offset: u64,
    /// Length of the page that was given last, which is still unread.
    page_len: usize,
    skipped: Option<Skipped>,
}

/// Bytes that are no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Byte position of the first.
    pub offset: u64,
    /// How many.
    pub bytes: u64,
    /// Why there is no page at the first.
    pub reason: InvalidPage,
}

/// What the unread bytes begin with.
enum Next {
    Page { len: usize },
    NoPage(InvalidPage),
    End,
}

impl<R: Read> PageReader<Buffered<R>> {
    /// Reads pages from `inner`. There is no need to wrap it in a `BufReader`.
    pub fn new(inner: R) -> Self {
        Self::with_input(Buffered::new(inner))
    }
}

impl<'a> PageReader<&'a [u8]> {
    /// Walks over the pages in memory, without copying.
    pub fn from_slice(bytes: &'a [u8]) -> Self {
        Self::with_input(bytes)
    }
}

impl<I: Input> PageReader<I> {
    pub(crate) fn with_input(input: I) -> Self {
        Self { input, offset: 0, page_len: 0, skipped: None }
    }

    /// The next page and its byte position in the stream, or `None` at the end.
    pub fn next_page(&mut self) -> Result<Option<(u64, Page<'_>)>, Error> {
        self.advance(Self::skip)
    }

    /// The same, but what is no page is an error at once: nothing is searched behind it.
    pub(crate) fn next_page_strictly(&mut self) -> Result<Option<(u64, Page<'_>)>, Error> {
        self.advance(|pages, reason| Err(Error::Page { offset: pages.offset, reason }))
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

    /// What was passed over by the last call of [`next_page`](Self::next_page).
    pub fn skipped(&self) -> Option<Skipped> {
        self.skipped
    }

    /// Byte position in the stream of the page that was given last; at the end,
    /// the length of the stream.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The page that was given last.
    #[inline]
    pub(crate) fn page(&self) -> Option<Page<'_>> {
        Page::verified(self.page_bytes())
    }

    /// The bytes of the page that was given last.
    #[inline]
    pub(crate) fn page_bytes(&self) -> &[u8] {
        self.input.unread().get(..self.page_len).unwrap_or_default()
    }

    fn parse(&mut self) -> Result<Next, Error> {
        let mut has_more = true;
        loop {
            match Page::parse(self.input.unread()).map(|page| page.len()) {
                Ok(len) => return Ok(Next::Page { len }),
                // If that many do not come, some may: they are looked at once more.
                Err(InvalidPage::Truncated { needed, .. }) if has_more => {
                    has_more = self.fill(needed)?;
                }
                Err(_) if self.input.unread().is_empty() => return Ok(Next::End),
                Err(reason) => return Ok(Next::NoPage(reason)),
            }
        }
    }

    /// Goes to the next capture pattern, or to the end.
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
            // The last three bytes may be the beginning of a pattern.
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
            Error::Io { offset, source }
        })
    }
}

/// Whether a file that begins with these bytes is Ogg: with a page, or with something
/// else (such as an ID3 tag) and then a page that is complete.
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
    fn junk_of_any_length_is_passed_over_and_told() {
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

    /// A wrong length does not hide the pages that it claims.
    #[test]
    fn the_search_goes_on_inside_a_page_that_claims_too_much() {
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
