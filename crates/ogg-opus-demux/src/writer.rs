use std::{collections::VecDeque, io::Write};

use ogg::{PacketWriteEndInfo, PacketWriter};
use opus_packet::{OpusHead, OpusTags, SAMPLE_RATE, Timeline};

use crate::{Error, error::Reason};

/// Writes canonical Ogg Opus: one logical stream in which no audio packet crosses a page, no
/// page lasts longer than a second, granule positions begin at 0, and the last page trims the
/// end. (The last page may last longer if it trims more.)
///
/// Every player reads such a stream, and [`OggOpusReader`](crate::OggOpusReader) returns the
/// byte position of each of its packets.
///
/// ```
/// use ogg_opus_demux::{OggOpusReader, OggOpusWriter};
/// use opus_packet::{OpusHead, OpusTags};
///
/// let head = OpusHead::new(1, 312, 48_000)?;
/// let tags = OpusTags::new("my encoder 1.0", ["TITLE=Dawn chorus"]);
/// let mut writer = OggOpusWriter::new(Vec::new(), 1, &head, &tags)?;
/// writer.write(&[0x78, 1, 2, 3])?; // 20 ms
/// let file = writer.finish(648)?; // trims all but the pre-skip
/// assert_eq!(OggOpusReader::new(file.as_slice())?.tags(), &tags);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OggOpusWriter<W: Write> {
    out: PacketWriter<'static, W>,
    serial: u32,
    head: OpusHead,
    packets: u64,
    /// Samples on the pages written so far.
    written_len: u64,
    /// A full page, held back because the end trim may need its last packets on the last page.
    full: AudioPage,
    /// The page being filled.
    page: AudioPage,
}

/// The packets of a page, each with its duration.
#[derive(Default)]
struct AudioPage(VecDeque<(Vec<u8>, u32)>);

impl<W: Write> OggOpusWriter<W> {
    /// Writes the headers, each on pages of its own.
    ///
    /// # Errors
    ///
    /// The head does not fit on one page, or writing fails.
    pub fn new(out: W, serial: u32, head: &OpusHead, tags: &OpusTags) -> Result<Self, Error> {
        let head_bytes = head.to_bytes();
        if segments(&head_bytes) > MAX_SEGMENTS {
            return Err(Reason::HeadTooLong { found: head_bytes.len() }.into());
        }
        let mut out = PacketWriter::new(out);
        let end = PacketWriteEndInfo::EndPage;
        out.write_packet(head_bytes, serial, end, 0).map_err(Reason::Write)?;
        out.write_packet(tags.as_bytes().to_vec(), serial, end, 0).map_err(Reason::Write)?;
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

    /// Writes an audio packet. Write lost audio too, as packets that ask for concealment
    /// ([`Concealment`](opus_packet::Concealment)), so that the audio after it does not shift.
    ///
    /// # Errors
    ///
    /// The packet is invalid or too long, which leaves the stream as it was, or writing fails.
    pub fn write(&mut self, packet: &[u8]) -> Result<(), Error> {
        let number = self.packets;
        let samples = self
            .head
            .packet_duration(packet)
            .map_err(|reason| Reason::Packet { packet: number, reason })?;
        if packet.len() > self.head.max_packet_len() || segments(packet) > MAX_SEGMENTS {
            return Err(Reason::PacketTooLong { packet: number, found: packet.len() }.into());
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

    /// Ends the stream, whose last `end_trim` samples do not play, and returns the underlying
    /// writer.
    ///
    /// # Errors
    ///
    /// The stream has no packets, fewer samples than are trimmed, or more to trim than the last
    /// page can hold; or writing fails.
    pub fn finish(mut self, end_trim: u64) -> Result<W, Error> {
        if self.packets == 0 {
            return Err(Reason::NoPackets.into());
        }
        let (mut full, mut page) = (std::mem::take(&mut self.full), std::mem::take(&mut self.page));
        let coded_length = self.written_len + full.duration() + page.duration();
        Timeline::new(self.head.pre_skip(), coded_length, end_trim).map_err(Reason::Timeline)?;
        page.take_from(&mut full, end_trim);
        let last_page = page.duration();
        if end_trim > last_page {
            return Err(Reason::EndTrim { end_trim, last_page }.into());
        }
        self.write_page(full, PacketWriteEndInfo::EndPage, 0)?;
        self.write_page(page, PacketWriteEndInfo::EndStream, end_trim)?;
        let mut out = self.out.into_inner();
        out.flush().map_err(Reason::Write)?;
        Ok(out)
    }

    fn write_page(
        &mut self,
        page: AudioPage,
        end: PacketWriteEndInfo,
        end_trim: u64,
    ) -> Result<(), Error> {
        let granule = self.written_len + page.duration() - end_trim;
        self.written_len += page.duration();
        let last = page.0.len().saturating_sub(1);
        for (number, (packet, _)) in page.0.into_iter().enumerate() {
            let end = if number == last { end } else { PacketWriteEndInfo::NormalPacket };
            self.out.write_packet(packet, self.serial, end, granule).map_err(Reason::Write)?;
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

    /// Moves packets from the end of the page before until this one lasts as long as the end
    /// trim or has no room.
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

/// The number of lacing values of a packet.
fn segments(packet: &[u8]) -> usize {
    packet.len() / 255 + 1
}

/// The most lacing values of a page (RFC 3533 section 6).
const MAX_SEGMENTS: usize = 255;
