use bytemuck::{Pod, Zeroable};

use crate::{Error, error::Reason};

/// One packet in the index: five unsigned 64-bit numbers, in the order of the columns of the
/// stored table. The format fixes these five for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct IndexRow {
    /// Byte position of the packet in the blob.
    pub offset: u64,
    /// Byte length of the packet.
    pub length: u64,
    /// Duration in samples per channel at 48 kHz.
    pub duration: u64,
    /// Coded position of the first sample.
    pub first: u64,
    /// Coded position of the last sample (inclusive).
    pub last: u64,
}

/// Serialises rows, little-endian, 40 bytes each.
pub fn rows_to_bytes(rows: &[IndexRow]) -> Vec<u8> {
    let little_endian: Vec<IndexRow> = rows.iter().map(|&row| swap_on_big_endian(row)).collect();
    bytemuck::cast_slice(&little_endian).to_vec()
}

/// Deserialises rows written by [`rows_to_bytes`]. [`Span::parse`](crate::Span::parse) checks
/// their numbers.
pub fn rows_from_bytes(bytes: &[u8]) -> Result<Vec<IndexRow>, Error> {
    if bytes.len() % size_of::<IndexRow>() != 0 {
        return Err(Reason::IndexLength { found: bytes.len() }.into());
    }
    let mut rows: Vec<IndexRow> = bytemuck::allocation::pod_collect_to_vec(bytes);
    rows.iter_mut().for_each(|row| *row = swap_on_big_endian(*row));
    Ok(rows)
}

/// Converts native numbers to little-endian ones, or back.
fn swap_on_big_endian(row: IndexRow) -> IndexRow {
    let IndexRow { offset, length, duration, first, last } = row;
    IndexRow {
        offset: offset.to_le(),
        length: length.to_le(),
        duration: duration.to_le(),
        first: first.to_le(),
        last: last.to_le(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_are_in_order_and_little_endian() {
        let row = IndexRow { offset: 1, length: 2, duration: 3, first: 4, last: 5 << 8 };
        let bytes = rows_to_bytes(&[row]);
        assert_eq!(bytes.len(), 40);
        assert_eq!((bytes[0], bytes[8], bytes[16], bytes[24], bytes[33]), (1, 2, 3, 4, 5));
    }

    #[test]
    fn a_partial_row_is_rejected() {
        assert_eq!(rows_from_bytes(&[0; 41]), Err(Reason::IndexLength { found: 41 }.into()));
    }

    proptest! {
        #[test]
        fn round_trip(numbers: Vec<[u64; 5]>) {
            let rows: Vec<_> = numbers
                .into_iter()
                .map(|[offset, length, duration, first, last]| {
                    IndexRow { offset, length, duration, first, last }
                })
                .collect();
            prop_assert_eq!(rows_from_bytes(&rows_to_bytes(&rows)), Ok(rows));
        }
    }
}
