use std::io::Read;

use opus_packet::{InvalidPacket, LocatedPacket, OpusHead, split_self_delimited, wide};

use crate::{
    Error,
    input::Forward,
    raw::{
        Finding, FindingKind, Options,
        error::Reason,
        finding::Findings,
        options::{CAPACITY, MAX_PACKET_LEN, no_tags},
    },
    stream::{Stream, reader_api},
};

/// Reads packets in self-delimited framing, back to back (RFC 6716 appendix B), in bounded
/// memory. Returns them in ordinary framing, as decoders expect, and so without an offset.
#[derive(Debug)]
pub struct SelfDelimitedReader<R> {
    input: Forward<R>,
    /// The current packet in ordinary framing.
    packet: Vec<u8>,
    stream: Stream<FindingKind>,
}

reader_api!(SelfDelimitedReader<R: Read>);

impl<R: Read> SelfDelimitedReader<R> {
    /// Reads a recording that `head` describes, since the stream does not. `inner` needs no
    /// `BufReader`.
    ///
    /// # Errors
    ///
    /// The stream is empty, `head` has several Opus streams, or `inner` failed.
    pub fn new(inner: R, head: OpusHead) -> Result<Self, Error> {
        Self::with_options(inner, head, Options::default())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn with_options(inner: R, head: OpusHead, options: Options) -> Result<Self, Error> {
        let streams = head.mapping().streams().get();
        if streams != 1 {
            return Err(Error::whole(Reason::Streams { streams }));
        }
        let mut input = Forward::new(inner, CAPACITY);
        if !input.fill(1)? {
            return Err(Error::whole(Reason::Empty));
        }
        let stream = Stream::new(head, no_tags(), Findings::new(options.strict));
        Ok(Self { input, packet: Vec::new(), stream })
    }

    /// The next packet in ordinary framing; `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// Reading failed, or a packet is invalid, after which no other can be found. A strict
    /// reader also returns the first violation.
    pub fn next_located(&mut self) -> Result<Option<LocatedPacket<'_>>, Error> {
        if !self.stream.begin() {
            return Ok(None);
        }
        let Some((len, duration)) = self.find_packet()? else {
            self.stream.finish(self.input.offset(), 0)?;
            return Ok(None);
        };
        self.input.consume(len);
        self.stream.keep_valid(&self.packet, duration);
        Ok(Some(self.stream.located()))
    }

    /// Converts the next packet to ordinary framing. Returns its length in the stream and its
    /// duration.
    fn find_packet(&mut self) -> Result<Option<(usize, u32)>, Error> {
        loop {
            let unread = self.input.unread();
            let (length, offset) = (unread.len(), self.input.offset());
            let reason = match split_self_delimited(unread) {
                Ok((packet, _)) if packet.as_bytes().len() <= MAX_SELF_DELIMITED_LEN => {
                    self.packet.clear();
                    packet.write_ordinary(&mut self.packet);
                    return Ok(Some((packet.as_bytes().len(), packet.duration())));
                }
                Ok(_) => return Err(too_long(offset)),
                Err(reason) => reason,
            };
            if !may_be_cut_off(reason) {
                return Err(Error::at(offset, Reason::Packet { reason }));
            }
            if length > MAX_SELF_DELIMITED_LEN {
                return Err(too_long(offset));
            }
            if !self.input.fill(length + 1)? {
                return self.end_inside(length);
            }
        }
    }

    fn end_inside(&mut self, length: usize) -> Result<Option<(usize, u32)>, Error> {
        if length > 0 {
            let truncated = FindingKind::Truncated { bytes: wide(length) };
            self.stream.report(self.input.offset(), truncated)?;
            self.input.consume(length);
        }
        Ok(None)
    }
}

fn too_long(offset: u64) -> Error {
    Error::at(offset, Reason::PacketTooLong { limit: MAX_SELF_DELIMITED_LEN })
}

/// Returns whether more bytes could complete an invalid packet.
fn may_be_cut_off(reason: InvalidPacket) -> bool {
    matches!(
        reason,
        InvalidPacket::Empty
            | InvalidPacket::NoFrameLength
            | InvalidPacket::NoFrameCount
            | InvalidPacket::FrameBeyondEnd { .. }
            | InvalidPacket::PaddingBeyondEnd { .. }
    )
}

/// With one more length of at most two bytes.
const MAX_SELF_DELIMITED_LEN: usize = MAX_PACKET_LEN + 2;
