//! Losses that are easy to misplace: next to another loss, behind a page of another
//! stream, at the end of a page, before the first packet.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{RawPage, outcome::read, to_stream, with_headers};

/// The page of the other stream has other bytes where the last packet was, or none.
#[test]
fn rule_25_a_page_of_another_stream_does_not_change_what_concealment_asks_for() {
    let silk_20_ms = [0x48, 0, 0];
    let page = |sequence, granule| RawPage::new(sequence, granule).packet(&silk_20_ms);
    for other in [&[][..], &[0xe4; 300]] {
        let other = RawPage::new(1, 0).serial(7).packet(other);
        let first = RawPage::new(0, 0).first().serial(7).packet(b"\x80theora");
        let mut pages = with_headers([page(2, 960), other, page(9, 2880), page(10, 3840)]);
        pages.insert(1, first);
        let outcome = read(&to_stream(&pages)).unwrap();
        let data: Vec<_> =
            outcome.link().packets.iter().map(|packet| packet.data.as_slice()).collect();
        assert_eq!(data, [&silk_20_ms[..], &[0x48], &silk_20_ms, &silk_20_ms]);
    }
}
