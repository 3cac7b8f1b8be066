use opus_packet_index::{IndexRow, InvalidIndex, Span};

use super::{FaultKind, Verifier};
use crate::{
    index::ShardedIndex,
    recording::StoredRecording,
    storage::{Ready, ready},
};

/// How far the rows of an index have been read.
pub(super) struct Rows<'a> {
    recording: &'a StoredRecording,
    index: &'a ShardedIndex,
    /// Where in the blob the packets of the chunks before end, if that is known.
    blob_pos: u64,
}

impl<'a> Rows<'a> {
    pub(super) fn new(recording: &'a StoredRecording, index: &'a ShardedIndex) -> Self {
        Self { recording, index, blob_pos: 0 }
    }

    /// The packets of a chunk, if they lie behind those before. That their samples go on
    /// where those before end, the checkpoints tell.
    fn parse(&mut self, chunk: usize, encoded: &[u8]) -> Result<Span, FaultKind> {
        let bytes = self.index.unpack(encoded).map_err(|reason| FaultKind::Damaged { reason })?;
        let (span, filling) = self.index.parse_chunk(chunk, &bytes).map_err(FaultKind::Rows)?;
        if filling.iter().any(|&byte| byte != 0) {
            return Err(FaultKind::Filling);
        }
        let (packet, start) = (span.packets().start, span.bytes().start);
        if start < self.blob_pos {
            let expected = self.blob_pos;
            let reason = InvalidIndex::Offset { packet, found: start, expected };
            return Err(FaultKind::Rows(reason));
        }
        self.blob_pos = span.bytes().end;
        Ok(span)
    }
}

impl Verifier<'_> {
    /// The rows of a chunk of the index, and the packets that they say are in the blob.
    pub(super) fn rows(&mut self, rows: &mut Rows<'_>, chunk: u64, encoded: &[u8]) {
        let span = match rows.parse(usize::try_from(chunk).unwrap_or(usize::MAX), encoded) {
            Ok(span) => span,
            Err(kind) => {
                let (key, chunks) = rows.index.shard();
                let range = usize::try_from(chunk).ok().and_then(|chunk| chunks.get(chunk));
                let range = range.map(|(range, _)| range.clone());
                return self.place_fault(key, range, None, kind);
            }
        };
        let options = self.options;
        let blob_bytes = rows.recording.document.info.blob_bytes;
        let takes = |row: &IndexRow| options.takes_byte(row.offset, blob_bytes);
        let all: Vec<(u64, &IndexRow)> = span.packets().zip(span.rows()).collect();
        for run in all.chunk_by(|left, right| takes(left.1) == takes(right.1)) {
            if run.first().is_some_and(|(_, row)| takes(row)) {
                run.chunks(PACKETS_AT_ONCE).for_each(|some| self.packets(rows.recording, some));
            }
        }
    }

    /// Packets that follow one another.
    fn packets(&mut self, recording: &StoredRecording, some: &[(u64, &IndexRow)]) {
        let [(_, first), ..] = some else { return };
        let end = some.last().map_or(first.offset, |(_, last)| last.offset + last.length);
        let (mut bytes, storage) = (Vec::new(), Ready(self.storage));
        let is_wide = end - first.offset > BYTES_AT_ONCE;
        let is_read = !(is_wide && some.len() > 1)
            && ready(recording.blob.read(&storage, first.offset..end, &mut bytes)).is_ok();
        if !is_read {
            // That a chunk is damaged has been found before; packets beside it are read.
            let (left, right) = some.split_at(some.len() / 2);
            if !left.is_empty() {
                self.packets(recording, left);
                self.packets(recording, right);
            }
            return;
        }
        for (packet, row) in some {
            let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
            let start = at(row.offset - first.offset);
            let data = bytes.get(start..start.saturating_add(at(row.length))).unwrap_or_default();
            self.packet(recording, *packet, row, data);
        }
    }

    fn packet(&mut self, recording: &StoredRecording, packet: u64, row: &IndexRow, data: &[u8]) {
        self.found.packets += 1;
        let kind = match recording.head.packet_duration(data) {
            Ok(found) if u64::from(found) == row.duration => return,
            Ok(found) => FaultKind::Duration { indexed: row.duration, found },
            Err(reason) => FaultKind::Packet(reason),
        };
        // In the blob, which is where people look for a packet.
        let (key, bytes) = (recording.blob.key(), row.offset..row.offset + row.length);
        self.place_fault(key, Some(bytes), Some(packet), kind);
    }
}

/// Some seconds.
const PACKETS_AT_ONCE: usize = 500;
/// Of the blob.
const BYTES_AT_ONCE: u64 = 512 * 1024;
