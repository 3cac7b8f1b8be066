//! Any bytes: a page or an error, the same from memory and from a reader.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ogg_opus_demux::{Error, InvalidPage, Page, PageReader};

fuzz_target!(|bytes: &[u8]| {
    let mut pages = PageReader::new(bytes);
    let read = pages.next_page();
    match Page::parse(bytes) {
        Ok(page) => {
            assert_eq!(read.unwrap(), Some((0, page)));
            check(bytes, page);
        }
        Err(reason) => match read {
            Ok(None) => assert!(bytes.is_empty()),
            Err(Error::Page { offset: 0, reason: found }) => assert_eq!(found, reason),
            other => panic!("{reason:?} from memory, {other:?} from a reader"),
        },
    }
});

fn check(bytes: &[u8], page: Page<'_>) {
    assert!((27..=65_307).contains(&page.len()));
    assert!(page.packets_ended() <= 255);
    assert_eq!(page.bytes(), &bytes[..page.len()]);
    assert_eq!(Page::parse(page.bytes()), Ok(page), "what follows the page has no effect");
    let cut = Page::parse(&bytes[..page.len() - 1]);
    assert!(matches!(cut, Err(InvalidPage::Truncated { .. })), "{cut:?}");
}
