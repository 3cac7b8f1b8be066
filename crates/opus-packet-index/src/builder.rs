use opus_packet::MAX_PACKET_DURATION;

use crate::{Error, IndexRow, error::Reason};

/// Builds index rows from packets in their order, in constant memory.
#[derive(Clone, Debug, Default)]
pub struct IndexBuilder {
    packets: u64,
    coded_length: u64,
    blob_pos: u64,
}

impl IndexBuilder {
    /// Returns the row of the next packet: `length` bytes at byte `offset` of the blob,
    /// lasting `duration` samples per channel at 48 kHz.
    pub fn push(&mut self, offset: u64, length: u64, duration: u32) -> Result<IndexRow, Error> {
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

    /// Number of packets so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Samples in the packets so far, per channel at 48 kHz.
    pub fn coded_length(&self) -> u64 {
        self.coded_length
    }
}

/// Checks a row against the coded position and the byte where the previous packet ended.
/// Returns the byte where this packet ends.
pub(crate) fn check_row(
    row: &IndexRow,
    packet: u64,
    coded_pos: u64,
    blob_pos: u64,
) -> Result<u64, Reason> {
    let IndexRow { offset, length, duration, first, last } = *row;
    if length == 0 {
        return Err(Reason::Length { packet });
    }
    if duration == 0 || duration % SHORTEST != 0 || duration > u64::from(MAX_PACKET_DURATION) {
        return Err(Reason::Duration { packet, found: duration });
    }
    if first != coded_pos || first.checked_add(duration - 1) != Some(last) || last == u64::MAX {
        return Err(Reason::Samples { packet, first, last, duration, expected: coded_pos });
    }
    if offset < blob_pos {
        return Err(Reason::Offset { packet, found: offset, expected: blob_pos });
    }
    let end = offset.checked_add(length);
    end.ok_or(Reason::BeyondBlob { packet, offset, length, blob_length: u64::MAX })
}

/// The shortest packet, and the unit of all durations: 2.5 ms at 48 kHz (RFC 6716 section
/// 2.1.4).
pub(crate) const SHORTEST: u64 = 120;
