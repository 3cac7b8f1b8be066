//! Ogg Opus streams taken apart, put together and decoded without the crates under test: by the
//! `ogg` crate and by libopus.

use std::{io::Cursor, ops::Range};

use magnum_opus::{Channels, Decoder};
use ogg::{PacketReader, PacketWriteEndInfo, PacketWriter};

/// The duration of every packet in `testdata/`: 20 ms in samples at 48 kHz.
pub const PACKET: u64 = 960;

/// A stream whose packets last 20 ms each and whose granule positions begin at 0.
#[derive(Clone, Debug)]
pub struct Stream {
    /// The serial number of the logical stream.
    pub serial: u32,
    /// The OpusHead packet.
    pub head: Vec<u8>,
    /// The OpusTags packet.
    pub tags: Vec<u8>,
    /// The audio packets.
    pub packets: Vec<Vec<u8>>,
    /// The granule position of the last page.
    pub last_granule: u64,
}

/// How packets are put into pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pages {
    /// Fifty packets per page. No packet crosses a page.
    OfOneSecond,
    /// As many bytes per page as fit, so that packets continue on the next page.
    Full,
}

impl Stream {
    /// Takes a file apart.
    pub fn read(file: &[u8]) -> Self {
        let mut reader = PacketReader::new(Cursor::new(file));
        let head = reader.read_packet_expected().unwrap();
        let tags = reader.read_packet_expected().unwrap().data;
        let (mut packets, mut last_granule) = (vec![], 0);
        while let Some(packet) = reader.read_packet().unwrap() {
            last_granule = packet.absgp_page();
            packets.push(packet.data);
        }
        Self { serial: head.stream_serial(), head: head.data, tags, packets, last_granule }
    }

    /// Puts the file together.
    pub fn write(&self, pages: Pages) -> Vec<u8> {
        let mut writer = PacketWriter::new(Vec::new());
        for header in [&self.head, &self.tags] {
            writer.write_packet(header, self.serial, PacketWriteEndInfo::EndPage, 0).unwrap();
        }
        for (packet, count) in self.packets.iter().zip(1..) {
            let granule = (count * PACKET).min(self.last_granule);
            let end = match pages {
                _ if count == self.packet_count() => PacketWriteEndInfo::EndStream,
                Pages::OfOneSecond if count % 50 == 0 => PacketWriteEndInfo::EndPage,
                _ => PacketWriteEndInfo::NormalPacket,
            };
            writer.write_packet(packet, self.serial, end, granule).unwrap();
        }
        writer.into_inner()
    }

    /// Keeps only the first packets, without an end trim.
    pub fn shortened(mut self, packets: usize) -> Self {
        self.packets.truncate(packets);
        self.last_granule = self.packet_count() * PACKET;
        self
    }

    /// Adds 300 bytes of padding to every packet (RFC 6716 section 3.2.5), which change no
    /// sample.
    pub fn padded(mut self) -> Self {
        for packet in &mut self.packets {
            assert_eq!(packet[0] & 3, 0, "a packet of one frame");
            // Code 3; one frame, with padding; 254 bytes of it and 46.
            packet.splice(..1, [packet[0] | 3, 0x41, 255, 46]);
            packet.extend([0; 300]);
        }
        self
    }

    /// Sets the output gain (Q7.8 dB).
    pub fn with_gain(mut self, gain: i16) -> Self {
        self.head[16..18].copy_from_slice(&gain.to_le_bytes());
        self
    }

    /// Returns the number of audio packets.
    pub fn packet_count(&self) -> u64 {
        self.packets.len().try_into().unwrap()
    }

    /// Returns the number of channels.
    pub fn channels(&self) -> u8 {
        self.head[9]
    }

    /// Returns the pre-skip in samples at 48 kHz.
    pub fn pre_skip(&self) -> u16 {
        u16::from_le_bytes([self.head[10], self.head[11]])
    }

    /// Returns the play length in samples at 48 kHz.
    pub fn play_length(&self) -> u64 {
        self.last_granule - u64::from(self.pre_skip())
    }

    /// Returns the packets that hold a range of play samples.
    pub fn packets_of(&self, play: &Range<u64>) -> Range<u64> {
        let coded = |position: u64| position + u64::from(self.pre_skip());
        coded(play.start) / PACKET..coded(play.end).div_ceil(PACKET)
    }

    /// Decodes a range of play samples by libopus to interleaved `i16`, beginning with the
    /// packet of this number.
    pub fn decode_i16(&self, play: &Range<u64>, first_packet: u64) -> Vec<i16> {
        let decode = |decoder: &mut Decoder, packet: &[u8], out: &mut [i16]| {
            decoder.decode(packet, out, false).unwrap()
        };
        self.decode(play, first_packet, decode)
    }

    /// Decodes to `f32`, as [`decode_i16`](Self::decode_i16) does to `i16`.
    pub fn decode_f32(&self, play: &Range<u64>, first_packet: u64) -> Vec<f32> {
        let decode = |decoder: &mut Decoder, packet: &[u8], out: &mut [f32]| {
            let count = decoder.decode_float(packet, out, false).unwrap();
            flush(out);
            count
        };
        self.decode(play, first_packet, decode)
    }

    fn decode<S: Copy + Default>(
        &self,
        play: &Range<u64>,
        first_packet: u64,
        mut decode: impl FnMut(&mut Decoder, &[u8], &mut [S]) -> usize,
    ) -> Vec<S> {
        let mut decoder = self.decoder();
        let packets = first_packet..self.packets_of(play).end;
        let mut samples = Vec::new();
        let mut out = vec![S::default(); 5760 * usize::from(self.channels())];
        for packet in &self.packets[interleaved(&packets, 1)] {
            let count = decode(&mut decoder, packet, &mut out) * usize::from(self.channels());
            samples.extend_from_slice(&out[..count]);
        }
        let skipped = first_packet * PACKET;
        let place = |position: u64| position + u64::from(self.pre_skip()) - skipped;
        let wanted = place(play.start)..place(play.end);
        samples[interleaved(&wanted, self.channels())].to_vec()
    }

    fn decoder(&self) -> Decoder {
        let channels = if self.channels() == 1 { Channels::Mono } else { Channels::Stereo };
        let mut decoder = Decoder::new(48_000, channels).unwrap();
        let gain = i16::from_le_bytes([self.head[16], self.head[17]]);
        decoder.set_gain(gain.into()).unwrap();
        decoder
    }
}

/// Returns where the samples of a range are within all interleaved samples.
pub fn interleaved(range: &Range<u64>, channels: u8) -> Range<usize> {
    let place = |samples: u64| usize::try_from(samples * u64::from(channels)).unwrap();
    place(range.start)..place(range.end)
}

/// Sets to 0 what is far below the last bit of any sound, as reads do.
pub fn flush(pcm: &mut [f32]) {
    pcm.iter_mut().filter(|sample| sample.abs() < 1e-30).for_each(|sample| *sample = 0.0);
}
