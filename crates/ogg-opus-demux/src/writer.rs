use std::{
    collections::VecDeque,
    io::{self, Write},
};

use ogg::{PacketWriteEndInfo, PacketWriter};
use opus_packet::{InvalidPacket, InvalidTimeline, OpusHead, OpusTags, SAMPLE_RATE, Timeline};

use crate::link::max_packet_len;

/// Writes canonical Ogg Opus: one logical stream in which no audio packet crosses a
/// page, no page holds more than one second, granule positions begin at 0, and the
/// last page trims the end. (The last page may be longer, if it is to trim more.)
///
/// Such a stream is what every player reads without effort, and what
/// [`OggOpusReader`](crate::OggOpusReader) gives a byte range for every packet of.
pub struct OggOpusWriter<W: Write> {
    out: PacketWriter<'static, W>,
    serial: u32,
    head: OpusHead,
    packets: u64,
    /// Samples of the pages that have been written.
    written_len: u64,
    /// A page that is full, held back since the end trim may need its last packets
    /// on the last page; and the page in the making.
    full: AudioPage,
    page: AudioPage,
}

/// The packets of a page, each with its duration.
#[derive(Default)]
struct AudioPage(VecDeque<(Vec<u8>, u32)>);

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
    #[error(
        "OpusHead of {found} bytes, expected at most 65024, which one page holds (RFC 7845 section 3)"
    )]
    HeadTooLong { found: usize },
    #[error("packet {packet}: {reason}")]
    Packet { packet: u64, reason: InvalidPacket },
    #[error(
        "packet {packet} has {found} bytes, expected at most 61440 (RFC 7845 section 6), or of several streams 65024, which one page holds"
    )]
    PacketTooLong { packet: u64, found: usize },
    #[error("no packet was written, expected at least one")]
    NoPackets,
    #[error("end trim of {end_trim} samples, expected at most the {last_page} of the last page")]
    EndTrim { end_trim: u64, last_page: u64 },
    #[error("end of the stream: {reason}")]
    Timeline { reason: InvalidTimeline },
}

impl<W: Write> OggOpusWriter<W> {
    /// Writes the headers, each on pages of its own.
    pub fn new(out: W, serial: u32, head: &OpusHead, tags: &OpusTags) -> Result<Self, WriteError> {
        let head_bytes = head.to_bytes();
        if segments(&head_bytes) > MAX_SEGMENTS {
            return Err(WriteError::HeadTooLong { found: head_bytes.len() });
        }
        let mut out = PacketWriter::new(out);
        out.write_packet(head_bytes, serial, PacketWriteEndInfo::EndPage, 0)?;
        out.write_packet(tags.as_bytes().to_vec(), serial, PacketWriteEndInfo::EndPage, 0)?;
        Ok(Self {
            out,
            serial,
            head: head.clone(),
            packets: 0,
            written_len: 0,
            full: AudioPage::default(),
            page: AudioPage::default(),
        })
    }

    /// Writes an audio packet. Lost audio is to be written too, as packets that ask for
    /// concealment ([`Concealment`](opus_packet::Concealment)), so that time does not
    /// shift.
    pub fn write(&mut self, packet: &[u8]) -> Result<(), WriteError> {
        let number = self.packets;
        let samples = self
            .head
            .packet_duration(packet)
            .map_err(|reason| WriteError::Packet { packet: number, reason })?;
        if packet.len() > max_packet_len(&self.head) || segments(packet) > MAX_SEGMENTS {
            return Err(WriteError::PacketTooLong { packet: number, found: packet.len() });
        }
        if self.page.segments() + segments(packet) > MAX_SEGMENTS
            || self.page.duration() + u64::from(samples) > u64::from(SAMPLE_RATE)
        {
            let full = std::mem::replace(&mut self.full, std::mem::take(&mut self.page));
            self.write_page(full, PacketWriteEndInfo::EndPage, 0)?;
        }
        self.page.0.push_back((packet.to_vec(), samples));
        self.packets += 1;
        Ok(())
    }

    /// Ends the stream, of which the last `end_trim` samples do not play, and
    /// gives back what it was written to.
    pub fn finish(mut self, end_trim: u64) -> Result<W, WriteError> {
        if self.packets == 0 {
            return Err(WriteError::NoPackets);
        }
        let (mut full, mut page) = (std::mem::take(&mut self.full), std::mem::take(&mut self.page));
        let coded_length = self.written_len + full.duration() + page.duration();
        Timeline::new(self.head.pre_skip(), coded_length, end_trim)
            .map_err(|reason| WriteError::Timeline { reason })?;
        page.take_from(&mut full, end_trim);
        let last_page = page.duration();
        if end_trim > last_page {
            return Err(WriteError::EndTrim { end_trim, last_page });
        }
        self.write_page(full, PacketWriteEndInfo::EndPage, 0)?;
        self.write_page(page, PacketWriteEndInfo::EndStream, end_trim)?;
        let mut out = self.out.into_inner();
        out.flush()?;
        Ok(out)
    }

    fn write_page(
        &mut self,
        page: AudioPage,
        end: PacketWriteEndInfo,
        end_trim: u64,
    ) -> Result<(), WriteError> {
        let granule = self.written_len + page.duration() - end_trim;
        self.written_len += page.duration();
        let last = page.0.len().saturating_sub(1);
        for (number, (packet, _)) in page.0.into_iter().enumerate() {
            let end = if number == last { end } else { PacketWriteEndInfo::NormalPacket };
            self.out.write_packet(packet, self.serial, end, granule)?;
        }
        Ok(())
    }
}

impl AudioPage {
    fn duration(&self) -> u64 {
        self.0.iter().map(|(_, duration)| u64::from(*duration)).sum()
    }

    fn segments(&self) -> usize {
        self.0.iter().map(|(packet, _)| segments(packet)).sum()
    }

    /// Takes packets from the end of the page before, until this one lasts as long
    /// as the end trim or has no room.
    fn take_from(&mut self, before: &mut Self, end_trim: u64) {
        while self.duration() < end_trim {
            let room = MAX_SEGMENTS - self.segments();
            let Some(packet) = before.0.pop_back() else { break };
            if segments(&packet.0) > room {
                before.0.push_back(packet);
                break;
            }
            self.0.push_front(packet);
        }
    }
}

/// How many lacing values a packet takes.
fn segments(packet: &[u8]) -> usize {
    packet.len() / 255 + 1
}

/// Lacing values of a page (RFC 3533 section 6).
const MAX_SEGMENTS: usize = 255;
