//! The headers of Opus streams.

use opus_packet::{MappingTable, OpusHead, OpusTags};

/// Parses arbitrary bytes as OpusHead and OpusTags. Whatever parses can be written again.
pub fn headers(bytes: &[u8]) {
    match OpusHead::parse(bytes) {
        Ok(head) => check_head(bytes, &head),
        Err(error) => assert_eq!(error.to_string().lines().count(), 1),
    }
    match OpusTags::parse(bytes.to_vec()) {
        Ok(tags) => check_tags(bytes, &tags),
        Err(error) => assert_eq!(error.to_string().lines().count(), 1),
    }
}

fn check_head(bytes: &[u8], head: &OpusHead) {
    let written = head.to_bytes();
    assert!(bytes.starts_with(&written), "a field of this version is missing");
    assert_eq!(OpusHead::parse(&written).as_ref(), Ok(head));
    let mapping = head.mapping();
    let (streams, coupled) = (mapping.streams().get(), mapping.coupled());
    assert!(head.channels() > 0 && coupled <= streams);
    let decoded = streams.checked_add(coupled).expect("at most 255");
    match mapping.table() {
        MappingTable::Indices(table) => {
            assert_eq!(table.len(), usize::from(head.channels()));
            assert!(table.iter().all(|&index| index < decoded || index == 255));
        }
        MappingTable::Matrix(matrix) => {
            assert_eq!(matrix.len(), 2 * usize::from(decoded) * usize::from(head.channels()));
        }
        other => panic!("{other:?}"),
    }
}

fn check_tags(bytes: &[u8], tags: &OpusTags) {
    assert_eq!(tags.as_bytes(), bytes);
    let comments: Vec<_> = tags.comments().collect();
    assert!(comments.len() <= bytes.len() / 4);
    // UTF-8 text survives a round trip.
    let again = OpusTags::new(&tags.vendor(), comments.iter().map(|comment| &**comment));
    let again = OpusTags::parse(again.as_bytes().to_vec()).unwrap();
    assert_eq!(again.vendor(), tags.vendor());
    assert!(again.comments().eq(comments));
}
