use opus_packet::MAX_PACKET_DURATION;
use opus_packet_index::{BlobRead, IndexRow};
use opus_segment_decode::{LibopusDecoder, PacketDecoder};
use opus_zarr_store::RecordingReader;

use super::{FaultKind, Verification, VerifyOptions};
use crate::{Error, progress::Watch};

/// Decodes the chosen packets, run by run.
pub(super) fn check(
    reader: &RecordingReader,
    decoder: LibopusDecoder,
    options: &VerifyOptions,
    found: &mut Verification,
    watch: &mut Watch<'_>,
) -> Result<(), Error> {
    // Packets are found through the index, whose faults are known by now.
    let Ok(chunks) = reader.index_chunks() else { return Ok(()) };
    let channels = PacketDecoder::<f32>::layout(&decoder).channels;
    let longest = usize::try_from(MAX_PACKET_DURATION).unwrap_or_default();
    let mut run = Run { decoder, pcm: vec![0.0; longest * channels], next: None };
    let blob_bytes = reader.info().blob_bytes;
    let mut ahead = Ahead { reader, blob_bytes, start: 0, bytes: Vec::new() };
    for span in chunks.map_while(Result::ok) {
        for (packet, row) in span.packets().zip(span.rows()) {
            if !options.includes_byte(row.offset, blob_bytes) {
                continue;
            }
            // One that cannot be read lies in a chunk that is known to be damaged.
            if let Some(data) = ahead.packet(row) {
                run.packet(packet, row, data, |kind| found.fault(reader, Some(packet), kind));
                found.decoded += 1;
            }
            let length = usize::try_from(row.length).unwrap_or(usize::MAX);
            watch.packet(length, u32::try_from(row.duration).unwrap_or(u32::MAX))?;
        }
    }
    Ok(())
}

/// Reads ahead in the blob, because packets follow one another.
struct Ahead<'a> {
    reader: &'a RecordingReader,
    blob_bytes: u64,
    /// The position of `bytes` in the blob.
    start: u64,
    bytes: Vec<u8>,
}

impl Ahead<'_> {
    /// Returns the bytes of a packet, if they can be read.
    fn packet(&mut self, row: &IndexRow) -> Option<&[u8]> {
        let end = row.offset + row.length;
        if self.at_hand(row).is_none() {
            self.start = row.offset;
            let far = row.offset.saturating_add(READ_AHEAD).min(self.blob_bytes).max(end);
            let is_read = self.reader.read(row.offset..far, &mut self.bytes).is_ok()
                || self.reader.read(row.offset..end, &mut self.bytes).is_ok();
            if !is_read {
                self.bytes.clear();
            }
        }
        self.at_hand(row)
    }

    fn at_hand(&self, row: &IndexRow) -> Option<&[u8]> {
        let start = usize::try_from(row.offset.checked_sub(self.start)?).ok()?;
        self.bytes.get(start..)?.get(..usize::try_from(row.length).ok()?)
    }
}

/// A decoder and its position.
struct Run {
    decoder: LibopusDecoder,
    pcm: Vec<f32>,
    next: Option<u64>,
}

impl Run {
    fn packet(&mut self, packet: u64, row: &IndexRow, data: &[u8], fault: impl FnOnce(FaultKind)) {
        if self.next != Some(packet)
            && let Err(error) = PacketDecoder::<f32>::reset(&mut self.decoder)
        {
            return fault(FaultKind::Decode { reason: format!("{error:?}") });
        }
        self.next = packet.checked_add(1);
        let expected = row.duration;
        match self.decoder.decode(data, &mut self.pcm) {
            Ok(found) if u64::try_from(found) == Ok(expected) => {}
            Ok(found) => fault(FaultKind::Decoded { found, expected }),
            Err(error) => fault(FaultKind::Decode { reason: format!("{error:?}") }),
        }
    }
}

/// Bytes read ahead: a chunk of the blob.
const READ_AHEAD: u64 = 64 * 1024;
