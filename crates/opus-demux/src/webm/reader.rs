use std::{fmt, io::Read};

use opus_packet::{LocatedPacket, OpusHead, OpusTags, Packet, PacketSource, Timeline};

use crate::{
    Error,
    webm::{
        Finding, Track,
        document::Document,
        finding::Findings,
        open::{Which, open_first, open_next},
        walker::Walker,
    },
};

/// How to read: by default tolerantly, and the first Opus track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whether the first violation is an error. Otherwise it becomes a [`Finding`], and reading
    /// continues.
    pub strict: bool,
    /// The number of the track to read; `None` for the first Opus track with a usable head.
    pub track: Option<u64>,
}

impl Options {
    /// Sets whether the first violation is an error.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Sets the number of the track to read.
    #[must_use]
    pub fn track(self, number: u64) -> Self {
        Self { track: Some(number), ..self }
    }
}

/// Reads the packets of an Opus track of WebM or Matroska in bounded memory.
///
/// Positions are sums of packet durations. Block times, which are coarse, only show where
/// audio is missing. Packets that ask for concealment (RFC 7845 section 4.1) replace missing
/// audio, so the audio after it does not shift.
///
/// A file may hold several documents in a row, such as recordings of a browser that were appended.
/// [`next_located`](Self::next_located) returns `None` at the end of a document, and
/// [`next_document`](Self::next_document) moves to the next.
pub struct WebmOpusReader<R> {
    walker: Walker<R>,
    which: Which,
    document: Document,
}

impl<R: Read> WebmOpusReader<R> {
    /// Reads up to the first Cluster. `inner` needs no `BufReader`.
    ///
    /// # Errors
    ///
    /// The file is not WebM or Matroska, has no readable Opus track, or `inner` failed.
    pub fn new(inner: R) -> Result<Self, Error> {
        Self::with_options(inner, Options::default())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), or no Opus track has the requested number. A strict reader
    /// also returns the first violation.
    pub fn with_options(inner: R, options: Options) -> Result<Self, Error> {
        Self::open(inner, options.strict, options.track.map_or(Which::Nth(0), Which::Number))
    }

    /// Reads one of the Opus tracks with a usable head, counted from 0.
    pub(crate) fn nth(inner: R, strict: bool, track: usize) -> Result<Self, Error> {
        Self::open(inner, strict, Which::Nth(track))
    }

    fn open(inner: R, strict: bool, which: Which) -> Result<Self, Error> {
        let mut walker = Walker::new(inner, Findings::new(strict));
        let document = Document::new(open_first(&mut walker, which)?);
        Ok(Self { walker, which, document })
    }

    /// Moves to the next document of the file, past the rest of this one. Documents without a
    /// readable Opus track are reported and skipped. Returns false if there is none; the reader
    /// then stays at the end of this one.
    ///
    /// # Errors
    ///
    /// Reading failed. A strict reader also returns the first violation.
    pub fn next_document(&mut self) -> Result<bool, Error> {
        let next = open_next(&mut self.walker, self.which)?;
        let is_there = next.is_some();
        match next {
            Some(opened) => self.document = Document::new(opened),
            None => self.document.end(),
        }
        Ok(is_there)
    }

    /// The identification header: CodecPrivate or, if it is missing, one made from the other
    /// fields of the track, which is reported.
    pub fn head(&self) -> &OpusHead {
        self.document.head()
    }

    /// The comments before the first Cluster: the writing application as the vendor, the title,
    /// and the simple tags of the file and the track.
    pub fn tags(&self) -> &OpusTags {
        &self.document.opened.tags
    }

    /// The number of the track that is read.
    pub fn track(&self) -> u64 {
        self.document.opened.track
    }

    /// All tracks of the document, of any kind.
    pub fn tracks(&self) -> &[Track] {
        &self.document.opened.tracks
    }

    /// Whether this is the first document of the file, readable or not.
    pub(crate) fn is_first_document(&self) -> bool {
        self.walker.is_first()
    }

    /// The number of Opus tracks of the document with a usable head.
    pub(crate) fn usable_tracks(&self) -> usize {
        self.document.opened.usable
    }

    /// Which samples play. Known once all packets have been read, because the last block states
    /// the end trim.
    pub fn timeline(&self) -> Option<Timeline> {
        self.document.timeline()
    }

    /// Takes the findings since the last call. Beyond the first thousand, they are only
    /// counted.
    pub fn findings(&mut self) -> impl Iterator<Item = Finding> + use<'_, R> {
        self.walker.findings.drain()
    }

    /// The next packet and where it lies; `None` at the end of the document.
    ///
    /// # Errors
    ///
    /// Reading failed, or more audio is lost than a recording can lack. A strict reader also
    /// returns the first violation.
    pub fn next_located(&mut self) -> Result<Option<LocatedPacket<'_>>, Error> {
        self.document.next_located(&mut self.walker)
    }
}

impl<R: Read> PacketSource for WebmOpusReader<R> {
    type Error = Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        Ok(self.next_located()?.map(Packet::from))
    }
}

impl<R> fmt::Debug for WebmOpusReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebmOpusReader")
            .field("track", &self.document.opened.track)
            .field("position", &self.document.position())
            .finish_non_exhaustive()
    }
}
