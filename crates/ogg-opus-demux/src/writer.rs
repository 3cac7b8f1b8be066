use std::io::{self, Write};

use ogg::{PacketWriteEndInfo, PacketWriter};
use opus_packet::{
    InvalidPacket, InvalidTimeline, OpusHead, OpusTags, SAMPLE_RATE, Timeline, duration,
};

use crate::reader::MAX_PACKET_LEN;

/// Writes canonical Ogg Opus: one logical stream in which no audio packet
/// crosses a page, no page holds more than one second, granule positions begin
/// at 0, and the last page trims the end.
///
/// Such a stream is what every player reads without effort, and what
/// [`OggOpusReader`](crate::OggOpusReader) gives a byte range for every packet of.
pub struct OggOpusWriter<W: Write> {
    pages: PacketWriter<'static, W>,
    serial: u32,
    pre_skip: u16,
    /// The last packet, held back until it is known whether it ends its page.
    pending: Option<Vec<u8>>,
    /// Samples of all packets, and of those of the page in the making.
    coded_len: u64,
    page_duration: u32,
    page_segments: usize,
    packets: u64,
}

/// Why a stream could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum WriteError {
    #[error("cannot write: {source}")]
    Io {
        #[from]
        source: io::Error,
    },
    #[error("packet {packet}: {reason}")]
    Packet { packet: u64, reason: InvalidPacket },
    #[error("packet {packet} has {found} bytes, expected at most 61440 (RFC 7845 section 6)")]
    PacketTooLong { packet: u64, found: usize },
    #[error("no packet was written, expected at least one")]
    NoPackets,
    #[error("end trim of {end_trim} samples, expected at most the {last_page} of the last page")]
    EndTrim { end_trim: u64, last_page: u32 },
    #[error("end of the stream: {reason}")]
    Timeline { reason: InvalidTimeline },
}

impl<W: Write> OggOpusWriter<W> {
    /// Writes the headers, each on pages of its own.
    pub fn new(out: W, serial: u32, head: &OpusHead, tags: &OpusTags) -> Result<Self, WriteError> {
        let mut pages = PacketWriter::new(out);
        pages.write_packet(head.to_bytes(), serial, PacketWriteEndInfo::EndPage, 0)?;
        pages.write_packet(tags.as_bytes().to_vec(), serial, PacketWriteEndInfo::EndPage, 0)?;
        Ok(Self {
            pages,
            serial,
            pre_skip: head.pre_skip(),
            pending: None,
            coded_len: 0,
            page_duration: 0,
            page_segments: 0,
            packets: 0,
        })
    }

    /// Writes an audio packet.
    pub fn write(&mut self, packet: &[u8]) -> Result<(), WriteError> {
        let number = self.packets;
        let samples =
            duration(packet).map_err(|reason| WriteError::Packet { packet: number, reason })?;
        if packet.len() > MAX_PACKET_LEN {
            return Err(WriteError::PacketTooLong { packet: number, found: packet.len() });
        }
        let segments = packet.len() / 255 + 1;
        let page_is_full = self.page_segments + segments > MAX_SEGMENTS
            || self.page_duration + samples > SAMPLE_RATE;
        if page_is_full {
            self.write_pending(PacketWriteEndInfo::EndPage, self.coded_len)?;
            (self.page_segments, self.page_duration) = (0, 0);
        } else {
            self.write_pending(PacketWriteEndInfo::NormalPacket, self.coded_len)?;
        }
        self.pending = Some(packet.to_vec());
        self.packets += 1;
        self.page_segments += segments;
        self.page_duration += samples;
        self.coded_len += u64::from(samples);
        Ok(())
    }

    /// Ends the stream, of which the last `end_trim` samples do not play, and
    /// gives back what it was written to.
    pub fn finish(mut self, end_trim: u64) -> Result<W, WriteError> {
        let last_page = self.page_duration;
        if self.pending.is_none() {
            return Err(WriteError::NoPackets);
        }
        if end_trim > u64::from(last_page) {
            return Err(WriteError::EndTrim { end_trim, last_page });
        }
        Timeline::new(self.pre_skip, self.coded_len, end_trim)
            .map_err(|reason| WriteError::Timeline { reason })?;
        self.write_pending(PacketWriteEndInfo::EndStream, self.coded_len - end_trim)?;
        let mut out = self.pages.into_inner();
        out.flush()?;
        Ok(out)
    }

    fn write_pending(&mut self, end: PacketWriteEndInfo, granule: u64) -> Result<(), WriteError> {
        if let Some(packet) = self.pending.take() {
            self.pages.write_packet(packet, self.serial, end, granule)?;
        }
        Ok(())
    }
}

/// Lacing values of a page (RFC 3533 section 6).
const MAX_SEGMENTS: usize = 255;
const _: () = assert!(MAX_PACKET_LEN / 255 < MAX_SEGMENTS, "the longest packet fits in one page");
