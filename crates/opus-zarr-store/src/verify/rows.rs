use opus_packet_index::{IndexRow, Span};

use super::{Component, FaultKind, Object, Verifier};
use crate::{
    index::{IndexFault, ShardedIndex},
    layout::ArrayKind,
    recording::StoredRecording,
    storage::{Ready, ready},
};

/// The rows of an index, read chunk by chunk.
pub(super) struct Rows<'a> {
    recording: &'a StoredRecording,
    index: &'a ShardedIndex,
    /// The byte of the blob where the packets of earlier chunks end, as far as known.
    blob_pos: u64,
}

impl<'a> Rows<'a> {
    pub(super) fn new(recording: &'a StoredRecording, index: &'a ShardedIndex) -> Self {
        Self { recording, index, blob_pos: 0 }
    }

    /// Parses a chunk and checks that its packets lie after those of earlier chunks. Checkpoints
    /// guarantee that their samples continue those of earlier chunks.
    fn parse(&mut self, chunk: usize, encoded: &[u8]) -> Result<Span, FaultKind> {
        let bytes = self.index.unpack(encoded).map_err(|reason| FaultKind::Damaged { reason })?;
        let (span, filling) = self.index.parse_chunk(chunk, &bytes).map_err(rows_fault)?;
        if filling.iter().any(|&byte| byte != 0) {
            return Err(FaultKind::Filling);
        }
        let (packet, start) = (span.packets().start, span.bytes().start);
        if start < self.blob_pos {
            let expected = self.blob_pos;
            return Err(rows_fault(IndexFault::Overlap { packet, found: start, expected }));
        }
        self.blob_pos = span.bytes().end;
        Ok(span)
    }
}

fn rows_fault(fault: IndexFault) -> FaultKind {
    FaultKind::Rows { reason: fault.to_string() }
}

impl Verifier<'_> {
    /// Checks the rows of a chunk of the index and the packets they point at.
    pub(super) fn rows(&mut self, rows: &mut Rows<'_>, chunk: u64, encoded: &[u8]) {
        let span = match rows.parse(usize::try_from(chunk).unwrap_or(usize::MAX), encoded) {
            Ok(span) => span,
            Err(kind) => {
                let (key, chunks) = rows.index.shard();
                let range = usize::try_from(chunk).ok().and_then(|chunk| chunks.get(chunk));
                let range = range.map(|(range, _)| range.clone());
                let at =
                    Object { component: Component::Data(ArrayKind::Index), key: key.to_owned() };
                return self.place_fault(&at, range, None, kind);
            }
        };
        let options = self.options;
        let blob_bytes = rows.recording.document.info.blob_bytes;
        let includes = |row: &IndexRow| options.includes_byte(row.offset, blob_bytes);
        let all: Vec<(u64, &IndexRow)> = span.packets().zip(span.rows()).collect();
        for run in all.chunk_by(|left, right| includes(left.1) == includes(right.1)) {
            if run.first().is_some_and(|(_, row)| includes(row)) {
                run.chunks(PACKETS_AT_ONCE).for_each(|some| self.packets(rows.recording, some));
            }
        }
    }

    /// Checks adjacent packets.
    fn packets(&mut self, recording: &StoredRecording, some: &[(u64, &IndexRow)]) {
        let [(_, first), ..] = some else { return };
        // Each attempt to read from a distant store that is out of reach takes long.
        if self.is_cancelled || self.is_unreadable(Component::Data(ArrayKind::Blob)) {
            return;
        }
        let end = some.last().map_or(first.offset, |(_, last)| last.offset + last.length);
        let (mut bytes, storage) = (Vec::new(), Ready(self.storage));
        let is_narrow = some.len() == 1 || end - first.offset <= BYTES_AT_ONCE;
        let mut read = || ready(recording.blob.read(&storage, first.offset..end, &mut bytes));
        match is_narrow.then(&mut read) {
            Some(Ok(())) => {}
            Some(Err(error)) if error.is_unreadable() => {
                let component = Component::Data(ArrayKind::Blob);
                let key = recording.blob.key().to_owned();
                return self.failure(&Object { component, key }, error);
            }
            // A damaged chunk has been found before; read the packets around it.
            _ => {
                let (left, right) = some.split_at(some.len() / 2);
                if !left.is_empty() {
                    self.packets(recording, left);
                    self.packets(recording, right);
                }
                return;
            }
        }
        self.advance(end - first.offset);
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
            Err(error) => FaultKind::Packet { reason: error.to_string() },
        };
        // Packets lie in the blob.
        let key = recording.blob.key().to_owned();
        let at = Object { component: Component::Data(ArrayKind::Blob), key };
        let bytes = row.offset..row.offset + row.length;
        self.place_fault(&at, Some(bytes), Some(packet), kind);
    }
}

/// The most packets per read: several seconds.
const PACKETS_AT_ONCE: usize = 500;
/// The most bytes of the blob per read.
const BYTES_AT_ONCE: u64 = 512 * 1024;
