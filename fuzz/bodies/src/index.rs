//! Indexes.

use opus_packet::CodedPos;
use opus_packet_index::{
    Checkpoints, IndexBuilder, IndexRead, IndexRow, Span, rows_from_bytes, rows_to_bytes,
};

/// Parses arbitrary numbers as an index: a span that keeps its promises, or an error.
pub fn index(bytes: &[u8]) {
    let Some((&[mode, a, b, c], rest)) = bytes.split_first_chunk() else { return };
    let query = [a, b].map(u64::from).map(|number| number * 97);
    if mode % 2 == 0 {
        raw(rest, u64::from(c), query);
    } else {
        damaged(rest, usize::from(c), query);
    }
    checkpoints(rest, u64::from(c), query);
}

/// Bytes as they are: a start, the length of the blob, then rows.
fn raw(bytes: &[u8], first_packet: u64, query: [u64; 2]) {
    let Some((start, rest)) = bytes.split_first_chunk() else { return };
    let Some((blob_len, rest)) = rest.split_first_chunk() else { return };
    let Ok(rows) = rows_from_bytes(rest) else {
        assert_ne!(rest.len() % 40, 0);
        return;
    };
    assert_eq!(rows_to_bytes(&rows), rest);
    let (start, blob_len) = (u64::from_le_bytes(*start), u64::from_le_bytes(*blob_len));
    if let Ok(span) = Span::parse(first_packet, CodedPos::new(start), rows, blob_len) {
        assert!(span.bytes().end <= blob_len);
        assert_eq!(span.samples().start.get(), start);
        check(&span, query.map(|number| start.saturating_add(number)));
    }
}

/// A valid index that small numbers describe, with one number changed.
fn damaged(bytes: &[u8], change: usize, query: [u64; 2]) {
    let (mut builder, mut rows, mut at) = (IndexBuilder::default(), vec![], 0);
    for packet in bytes.as_chunks::<3>().0 {
        let [gap, len, units] = *packet;
        if let Ok(row) = builder.push(at + u64::from(gap), u64::from(len), 120 * u32::from(units)) {
            at = row.offset + row.length;
            rows.push(row);
        }
    }
    if let Ok(span) = Span::parse(0, CodedPos::new(0), rows.clone(), at) {
        assert_eq!(
            (span.packets(), span.samples().end.get()),
            (0..builder.packets(), builder.coded_length())
        );
        check(&span, query);
    } else {
        assert!(rows.is_empty());
    }
    if let Some(row) = rows.get_mut(change / 5) {
        let columns =
            [&mut row.offset, &mut row.length, &mut row.duration, &mut row.first, &mut row.last];
        *columns.into_iter().nth(change % 5).unwrap() ^= query[0];
        if let Ok(span) = Span::parse(0, CodedPos::new(0), rows, at) {
            assert!(span.bytes().end <= at);
            check(&span, query);
        }
    }
}

fn check(span: &Span, [a, b]: [u64; 2]) {
    let samples = span.samples();
    let bytes = span.rows().iter().map(|row| row.length).sum::<u64>();
    assert!(bytes <= span.bytes().end - span.bytes().start, "packets do not overlap");
    let duration = span.rows().iter().map(|row| row.duration).sum::<u64>();
    assert_eq!(samples.start.get() + duration, samples.end.get(), "no gap, no overlap");
    let range = CodedPos::new(a.min(b))..CodedPos::new(a.max(b));
    if range.is_empty() {
        assert!(span.find(&range).is_empty() && span.span(range).is_err());
        return;
    }
    let holds = |row: &&IndexRow| row.first < range.end.get() && row.last >= range.start.get();
    let expected: Vec<_> = span.rows().iter().filter(holds).copied().collect();
    let found = span.span(range.clone());
    let covered = samples.start <= range.start && range.end <= samples.end;
    assert_eq!(found.is_ok(), covered, "{found:?}");
    if let Ok(found) = found {
        assert_eq!(found.rows(), expected);
        assert_eq!(found.packets(), span.find(&range));
    }
}

/// Checkpoints lead to the chunks that hold a range.
fn checkpoints(bytes: &[u8], rows_per_chunk: u64, [a, b]: [u64; 2]) {
    let mut first = 0;
    let mut firsts = vec![];
    for (count, &step) in (0..).zip(bytes) {
        if rows_per_chunk != 0 && count % rows_per_chunk == 0 {
            firsts.push(first);
        }
        first += 120 * u64::from(step);
    }
    let packets = u64::try_from(bytes.len()).unwrap();
    let Ok(checkpoints) = Checkpoints::parse(firsts.clone(), rows_per_chunk, packets, first) else {
        return;
    };
    let range = CodedPos::new(a.min(b))..CodedPos::new(a.max(b));
    let ends = firsts.iter().skip(1).chain([&first]);
    let holds = |(&start, &end): (&u64, &u64)| start < range.end.get() && end > range.start.get();
    let expected = firsts.iter().zip(ends).map(holds);
    let chunks = checkpoints.chunks(&range);
    for (chunk, expected) in expected.enumerate() {
        let expected = expected && !range.is_empty();
        assert_eq!(chunks.contains(&chunk), expected, "chunk {chunk} of {range:?}");
    }
}
