//! Ogg pages.

use ogg_opus_demux::{InvalidPage, Page, PageReader, Skipped};

/// Parses arbitrary bytes as a page: the same page or error from memory and from a reader.
pub fn page(bytes: &[u8]) {
    let mut pages = PageReader::new(bytes);
    let read = pages.next_page().unwrap();
    match Page::parse(bytes) {
        Ok(page) => {
            assert_eq!(read, Some((0, page)));
            check(bytes, page);
        }
        Err(reason) => {
            let at = read.map(|(at, _)| at).unwrap_or(bytes.len() as u64);
            let fields = |skipped: Skipped| (skipped.offset, skipped.bytes, skipped.reason);
            let expected = (!bytes.is_empty()).then_some((0, at, reason));
            assert_eq!(pages.skipped().map(fields), expected);
        }
    }
    check_walk(bytes);
}

/// Memory and reader return the same pages, and leave nothing out.
fn check_walk(bytes: &[u8]) {
    let (mut pages, mut slices) = (PageReader::new(bytes), PageReader::from_slice(bytes));
    let mut end = 0;
    loop {
        let next = slices.next_page().unwrap().map(|(at, page)| (at, page.len() as u64));
        let same = pages.next_page().unwrap().map(|(at, page)| (at, page.len() as u64));
        assert_eq!(next, same);
        assert_eq!(slices.skipped(), pages.skipped());
        let skipped = slices.skipped().map_or(0, |skipped| skipped.bytes);
        let Some((at, len)) = next else { break };
        assert_eq!(at, end + skipped);
        end = at + len;
    }
    assert_eq!(slices.offset(), bytes.len() as u64);
}

fn check(bytes: &[u8], page: Page<'_>) {
    assert!((27..=65_307).contains(&page.len()));
    assert!(page.packets_ended() <= 255);
    assert_eq!(page.bytes(), &bytes[..page.len()]);
    assert_eq!(Page::parse(page.bytes()), Ok(page), "bytes after the page change it");
    let cut = Page::parse(&bytes[..page.len() - 1]);
    assert!(matches!(cut, Err(InvalidPage::Truncated { .. })), "{cut:?}");
}
