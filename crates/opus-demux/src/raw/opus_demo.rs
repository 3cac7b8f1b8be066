use std::io::Read;

use opus_packet::{LocatedPacket, OpusHead, wide};

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

/// Reads files that `opus_demo` of libopus writes, in bounded memory: for each packet its
/// length and the encoder's final range, 4 bytes each and big-endian, then the packet. Ignores
/// the final range.
///
/// A length of 0 is a lost packet. A packet that asks for concealment and lasts as long as the
/// packet before stands in for it, and for an invalid packet.
#[derive(Debug)]
pub struct OpusDemoReader<R> {
    input: Forward<R>,
    stream: Stream<FindingKind>,
}

reader_api!(OpusDemoReader<R: Read>);

impl<R: Read> OpusDemoReader<R> {
    /// Reads a recording that `head` describes, since the stream does not. `inner` needs no
    /// `BufReader`.
    ///
    /// # Errors
    ///
    /// The stream is empty, or `inner` failed.
    pub fn new(inner: R, head: OpusHead) -> Result<Self, Error> {
        Self::with_options(inner, head, Options::default())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn with_options(inner: R, head: OpusHead, options: Options) -> Result<Self, Error> {
        let mut input = Forward::new(inner, CAPACITY);
        if !input.fill(1)? {
            return Err(Error::whole(Reason::Empty));
        }
        let stream = Stream::new(head, no_tags(), Findings::new(options.strict));
        Ok(Self { input, stream })
    }

    /// The next packet and where it lies; `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// Reading failed, a length is impossible, or more audio is lost than a recording can lack.
    /// A strict reader also returns the first violation.
    pub fn next_located(&mut self) -> Result<Option<LocatedPacket<'_>>, Error> {
        if !self.stream.begin() {
            return Ok(None);
        }
        while !self.stream.is_concealing() {
            match self.read_entry()? {
                Entry::Packet { offset } => return Ok(Some(self.stream.located().at(offset))),
                Entry::Lost { offset, is_inferred } => self.lose(offset, is_inferred)?,
                Entry::End => {
                    self.stream.finish(self.input.offset(), 0)?;
                    return Ok(None);
                }
            }
        }
        Ok(self.stream.concealed())
    }

    /// Reads the next entry and keeps its packet, if it has a valid one.
    fn read_entry(&mut self) -> Result<Entry, Error> {
        let at = self.input.offset();
        let header_fits = self.input.fill(HEADER_LEN)?;
        let Some(&[a, b, c, d, ..]) =
            self.input.unread().first_chunk::<HEADER_LEN>().filter(|_| header_fits)
        else {
            return self.end_inside();
        };
        let claimed = u32::from_be_bytes([a, b, c, d]);
        let length = usize::try_from(claimed).unwrap_or(usize::MAX);
        if length > MAX_PACKET_LEN {
            let limit = u32::try_from(MAX_PACKET_LEN).unwrap_or(u32::MAX);
            return Err(Error::at(at, Reason::NotOpusDemo { length: claimed, limit }));
        }
        if !self.input.fill(HEADER_LEN + length)? {
            return self.end_inside();
        }
        let offset = at.saturating_add(wide(HEADER_LEN));
        let data = self.input.unread().get(HEADER_LEN..HEADER_LEN + length).unwrap_or_default();
        let entry = if length == 0 {
            Entry::Lost { offset: at, is_inferred: false }
        } else if self.stream.keep(offset, data)? {
            Entry::Packet { offset }
        } else {
            Entry::Lost { offset: at, is_inferred: true }
        };
        self.input.consume(HEADER_LEN + length);
        Ok(entry)
    }

    fn end_inside(&mut self) -> Result<Entry, Error> {
        let left = self.input.unread().len();
        if left > 0 {
            let truncated = FindingKind::Truncated { bytes: wide(left) };
            self.stream.report(self.input.offset(), truncated)?;
            self.input.consume(left);
        }
        Ok(Entry::End)
    }

    fn lose(&mut self, offset: u64, is_inferred: bool) -> Result<(), Error> {
        if self.stream.duration() == 0 {
            return self.stream.report(offset, FindingKind::LostAtStart);
        }
        self.stream.lose(offset, u64::from(self.stream.duration()), is_inferred)
    }
}

/// What `opus_demo` writes for a packet.
enum Entry {
    Packet { offset: u64 },
    Lost { offset: u64, is_inferred: bool },
    End,
}

/// The length and the encoder's final range.
const HEADER_LEN: usize = 8;
