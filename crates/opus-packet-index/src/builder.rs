use crate::{IndexRow, InvalidIndex};

/// Makes index rows out of packets that come in order, in constant memory.
#[derive(Clone, Debug, Default)]
pub struct IndexBuilder {
    packets: u64,
    coded_length: u64,
    blob_pos: u64,
}

impl IndexBuilder {
    /// The row of the next packet: `length` bytes at byte `offset` of the blob,
    /// lasting `duration` samples per channel at 48 kHz.
    pub fn push(
        &mut self,
        offset: u64,
        length: u64,
        duration: u32,
    ) -> Result<IndexRow, InvalidIndex> {
        let duration = u64::from(duration);
        let row = IndexRow {
            offset,
            length,
            duration,
            first: self.coded_length,
            last: (self.coded_length + duration).saturating_sub(1),
        };
        let end = check_row(&row, self.packets, self.coded_length, self.blob_pos)?;
        self.packets += 1;
        self.coded_length = row.last + 1;
        self.blob_pos = end;
        Ok(row)
    }

    /// Packets so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Samples of the packets so far, per channel at 48 kHz.
    pub fn coded_length(&self) -> u64 {
        self.coded_length
    }
}

/// Holds a row against what came before it: the coded position and the byte at
/// which it must begin. Gives the byte at which it ends.
pub(crate) fn check_row(
    row: &IndexRow,
    packet: u64,
    coded_pos: u64,
    blob_pos: u64,
) -> Result<u64, InvalidIndex> {
    let IndexRow { offset, length, duration, first, last } = *row;
    if length == 0 {
        return Err(InvalidIndex::Length { packet });
    }
    if duration == 0 || duration % 120 != 0 || duration > 5760 {
        return Err(InvalidIndex::Duration { packet, found: duration });
    }
    if first != coded_pos || first.checked_add(duration - 1) != Some(last) || last == u64::MAX {
        let expected = coded_pos;
        return Err(InvalidIndex::Samples { packet, first, last, duration, expected });
    }
    if offset < blob_pos {
        return Err(InvalidIndex::Offset { packet, found: offset, expected: blob_pos });
    }
    offset.checked_add(length).ok_or(InvalidIndex::BeyondBlob {
        packet,
        offset,
        length,
        blob_len: u64::MAX,
    })
}
