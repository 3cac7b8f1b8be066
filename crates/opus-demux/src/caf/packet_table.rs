use std::io::{Read, Seek};

use crate::{
    Error,
    caf::{
        chunks::{Chunk, Chunks},
        description::{Description, words},
        error::Reason,
    },
    input::{Seekable, Window},
};

/// The fields at the start of the packet table chunk.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TableHeader {
    pub(crate) offset: u64,
    pub(crate) valid_frames: i64,
    pub(crate) priming: i32,
    pub(crate) remainder: i32,
}

/// Reads the length and duration of each packet in constant memory.
#[derive(Debug)]
pub(crate) struct PacketTable {
    pub(crate) header: TableHeader,
    /// The stated number of packets.
    pub(crate) count: u64,
    next: u64,
    bytes_per_packet: u32,
    frames_per_packet: u32,
    /// Where the unread numbers lie.
    numbers: Chunk,
    window: Window,
}

/// A packet as the table describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableEntry {
    pub(crate) bytes: u64,
    pub(crate) frames: u64,
}

/// The next item of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TableItem {
    Entry(TableEntry),
    /// All packets were returned.
    End,
    /// The table ends early.
    CutOff,
}

impl PacketTable {
    pub(crate) fn read<R: Read + Seek>(
        input: &mut Seekable<R>,
        chunks: &Chunks,
        data_len: u64,
        description: &Description,
    ) -> Result<Self, Error> {
        let Some(chunk) = chunks.packet_table else {
            let count = data_len.checked_div(u64::from(description.bytes_per_packet));
            let count = count.ok_or_else(|| Error::at(input.len(), Reason::NoPacketTable))?;
            let numbers = Chunk { start: 0, end: 0 };
            return Ok(Self::new(TableHeader::default(), count, numbers, description));
        };
        let fields: [u8; 24] = chunk.fields(input, "pakt")?;
        let [c0, c1, v0, v1, priming, remainder] = words(&fields);
        let header = TableHeader {
            offset: chunk.start,
            valid_frames: long(v0, v1),
            priming: signed(priming),
            remainder: signed(remainder),
        };
        let numbers = Chunk { start: chunk.start.saturating_add(24), end: chunk.end };
        let count = u64::try_from(long(c0, c1)).unwrap_or(0);
        Ok(Self::new(header, count, numbers, description))
    }

    fn new(header: TableHeader, count: u64, numbers: Chunk, description: &Description) -> Self {
        Self {
            header,
            count,
            next: 0,
            bytes_per_packet: description.bytes_per_packet,
            frames_per_packet: description.frames_per_packet,
            numbers,
            window: Window::new(TABLE_AHEAD),
        }
    }

    /// The number of packets returned so far.
    pub(crate) fn returned(&self) -> u64 {
        self.next
    }

    pub(crate) fn next<R: Read + Seek>(
        &mut self,
        input: &mut Seekable<R>,
    ) -> Result<TableItem, Error> {
        if self.next >= self.count {
            return Ok(TableItem::End);
        }
        let bytes = self.field(input, self.bytes_per_packet)?;
        let frames = self.field(input, self.frames_per_packet)?;
        let (Some(bytes), Some(frames)) = (bytes, frames) else { return Ok(TableItem::CutOff) };
        self.next += 1;
        Ok(TableItem::Entry(TableEntry { bytes, frames }))
    }

    /// The value that all packets share, or the next number of the table.
    fn field<R: Read + Seek>(
        &mut self,
        input: &mut Seekable<R>,
        of_all: u32,
    ) -> Result<Option<u64>, Error> {
        if of_all > 0 { Ok(Some(u64::from(of_all))) } else { self.number(input) }
    }

    /// A number of up to 63 bits: seven in each byte, the highest first. The top bit of every
    /// byte but the last is set.
    fn number<R: Read + Seek>(&mut self, input: &mut Seekable<R>) -> Result<Option<u64>, Error> {
        let Chunk { start, end } = self.numbers;
        let bytes = self.window.get(input, start, MAX_NUMBER_LEN, end)?;
        let (mut value, mut used) = (0, 0);
        for byte in bytes {
            value = value << 7 | u64::from(byte & 0x7f);
            used += 1;
            if byte & 0x80 == 0 {
                self.numbers.start = start.saturating_add(used);
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

fn long(high: u32, low: u32) -> i64 {
    i64::from(signed(high)) << 32 | i64::from(low)
}

fn signed(word: u32) -> i32 {
    i32::from_be_bytes(word.to_be_bytes())
}

const MAX_NUMBER_LEN: usize = 9;
/// Fuzzing reads few bytes at a time, so that numbers often cross their end.
const TABLE_AHEAD: usize = if cfg!(fuzzing) { 12 } else { 4096 };
