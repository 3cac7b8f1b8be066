use std::{
    fs::{self, File},
    io::{self, Read},
    mem,
    num::NonZeroU8,
    path::{Path, PathBuf},
};

use opus_packet::{LocatedPacket, OpusHead, OpusTags, Packet, PacketSource, Timeline, Toc, wide};

use crate::{
    Container, DETECTION_LEN, Error, Finding, RawFormat, RawStream,
    caf::{self, CafOpusReader},
    container::{MAGIC_LEN, format_of},
    extensions::Tally,
    finding::convert,
    mp4::Mp4OpusReader,
    ogg::{self, Buffered, OggOpusReader},
    raw::{self, OpusDemoReader, SelfDelimitedReader},
    webm::WebmOpusReader,
};

/// How to open a file: by default tolerantly, and with its container recognised by content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whether the first violation is an error. Otherwise it becomes a [`Finding`], and reading
    /// continues.
    pub strict: bool,
    /// The form of a file without a container; `None` if it has one.
    pub raw: Option<RawStream>,
}

impl Options {
    /// Sets whether the first violation is an error.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Reads the file as a raw stream.
    #[must_use]
    pub fn raw(self, raw: RawStream) -> Self {
        Self { raw: Some(raw), ..self }
    }
}

/// Reads all Opus streams of a file in any container: track by track and, in each, link by link of
/// an Ogg file or document by document of a Matroska file. Tracks with an unusable head are
/// reported and not counted.
///
/// ```
/// use opus_demux::{Container, Options, Streams};
///
/// # fn main() -> Result<(), opus_demux::Error> {
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/chirps-stereo.opus");
/// let mut streams = Streams::open(path, &Options::default())?;
/// assert_eq!(streams.container(), Container::Ogg);
/// while let Some(stream) = streams.next_stream()? {
///     let (mut packets, mut bytes) = (0, 0);
///     while let Some(packet) = stream.next_located()? {
///         packets += 1;
///         bytes += packet.data.len();
///     }
///     let (number, channels) = (stream.number(), stream.head().channels());
///     let plays = stream.timeline().map_or(0, |timeline| timeline.play_length());
///     println!("stream {number}: {channels} channels, {packets} packets of {bytes} bytes");
///     println!("plays {plays} samples per channel at 48 kHz");
///     for finding in stream.findings() {
///         println!("{finding}");
///     }
/// #   assert_eq!((number, channels, plays), (1, 2, 576_000));
/// }
/// for finding in streams.findings() {
///     println!("{finding}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct Streams {
    path: PathBuf,
    options: Options,
    container: Container,
    current: Option<OpusStream>,
    /// Number of the current stream, counted from 1; 0 before the first.
    number: u64,
    /// The number of tracks found so far.
    tracks: usize,
    /// Which of the tracks is current, counted from 0.
    track: usize,
    /// What was found after the last stream of the first track.
    after: Vec<Finding>,
}

/// A stream of Opus packets in a file.
pub struct OpusStream {
    number: u64,
    reader: Reader,
    tally: Tally,
    /// That of the tally, until it is taken.
    extensions: Option<Finding>,
}

enum Reader {
    Ogg(Box<OggOpusReader<Buffered<File>>>),
    Matroska(Box<WebmOpusReader<File>>),
    Mp4(Box<Mp4OpusReader<File>>),
    Caf(Box<CafOpusReader<File>>),
    SelfDelimited(Box<SelfDelimitedReader<File>>),
    OpusDemo(Box<OpusDemoReader<File>>),
}

impl Streams {
    /// Opens a file and recognises its container.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is not a regular file, or is not in a container of Opus. Nor is a raw
    /// stream opened that begins like a file of another format.
    pub fn open(path: impl AsRef<Path>, options: &Options) -> Result<Self, Error> {
        let path = path.as_ref();
        let container = match &options.raw {
            Some(raw) => {
                if let Some(format) = format_of(&start_of(path, MAGIC_LEN)?) {
                    return Err(Error::whole(raw::Reason::NotRaw { format }));
                }
                Container::Raw(raw.format)
            }
            None => Container::detect(&start_of(path, DETECTION_LEN)?).map_err(Error::whole)?,
        };
        Ok(Self {
            path: path.to_owned(),
            options: options.clone(),
            container,
            current: None,
            number: 0,
            tracks: 1,
            track: 0,
            after: Vec::new(),
        })
    }

    /// The container of the file.
    pub fn container(&self) -> Container {
        self.container
    }

    /// Moves to the next stream; `None` after the last.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds no readable Opus stream. A strict reader also returns
    /// the first violation.
    pub fn next_stream(&mut self) -> Result<Option<&mut OpusStream>, Error> {
        if self.current.is_some() && !self.next_link()? {
            let ended = self.current.take();
            // The readers of the other tracks find the same there.
            if let Some(mut ended) = ended.filter(|_| self.track == 0) {
                self.after = ended.findings();
            }
            self.track += 1;
        }
        if self.current.is_none() {
            if self.track >= self.tracks {
                return Ok(None);
            }
            let reader = self.reader(open_file(&self.path)?)?;
            self.current = Some(OpusStream::new(reader));
        }
        self.number += 1;
        if let Some(stream) = &mut self.current {
            stream.begin(self.number);
            self.tracks = self.tracks.max(stream.reader.tracks());
        }
        Ok(self.current.as_mut())
    }

    /// Takes the findings that belong to no stream because they follow all of them, such as a last
    /// link of a chain that cannot be read. There are none before
    /// [`next_stream`](Self::next_stream) returns `None`.
    pub fn findings(&mut self) -> Vec<Finding> {
        if self.current.is_some() { Vec::new() } else { mem::take(&mut self.after) }
    }

    /// Moves to the start of the stream with this number, forwards or back; `None` if there is
    /// no such stream.
    ///
    /// # Errors
    ///
    /// As for [`next_stream`](Self::next_stream).
    pub fn go_to(&mut self, number: u64) -> Result<Option<&mut OpusStream>, Error> {
        if number <= self.number {
            *self = Self::open(&self.path, &self.options)?;
        }
        while self.number < number {
            if self.next_stream()?.is_none() {
                return Ok(None);
            }
        }
        Ok(self.current.as_mut())
    }

    /// Moves to the next link of a chain, or the next document. Returns false if there is none.
    fn next_link(&mut self) -> Result<bool, Error> {
        match &mut self.current {
            Some(OpusStream { reader: Reader::Ogg(reader), .. }) => Ok(reader.next_link()?),
            Some(OpusStream { reader: Reader::Matroska(reader), .. }) => reader.next_document(),
            _ => Ok(false),
        }
    }

    fn reader(&self, file: File) -> Result<Reader, Error> {
        let (strict, track) = (self.options.strict, self.track);
        if let Some(raw) = &self.options.raw {
            let head = match &raw.head {
                Some(head) => head.clone(),
                None => head_of_packets(open_file(&self.path)?, raw.format)?,
            };
            return raw_reader(file, raw.format, head, strict);
        }
        Ok(match self.container {
            // Raw streams returned above.
            Container::Ogg | Container::Raw(_) => {
                let options = ogg::Options::default().strict(strict).track(track);
                Reader::Ogg(Box::new(OggOpusReader::with_options(Buffered::new(file), options)?))
            }
            Container::Matroska => {
                Reader::Matroska(Box::new(WebmOpusReader::nth(file, strict, track)?))
            }
            Container::Mp4 => Reader::Mp4(Box::new(Mp4OpusReader::nth(file, strict, track)?)),
            Container::Caf => {
                let options = caf::Options::default().strict(strict);
                Reader::Caf(Box::new(CafOpusReader::with_options(file, options)?))
            }
        })
    }
}

fn raw_reader(
    file: File,
    format: RawFormat,
    head: OpusHead,
    strict: bool,
) -> Result<Reader, Error> {
    let options = raw::Options::default().strict(strict);
    Ok(match format {
        RawFormat::SelfDelimited => {
            let reader = SelfDelimitedReader::with_options(file, head, options)?;
            Reader::SelfDelimited(Box::new(reader))
        }
        RawFormat::OpusDemo => {
            let reader = OpusDemoReader::with_options(file, head, options)?;
            Reader::OpusDemo(Box::new(reader))
        }
    })
}

/// Describes a raw stream by its packets. A stereo decoder plays mono packets too, so one stereo packet
/// decides.
fn head_of_packets(file: File, format: RawFormat) -> Result<OpusHead, Error> {
    let head = |channels| OpusHead::new(channels, 0, 0).map_err(Error::whole);
    let mut stream = OpusStream::new(raw_reader(file, format, head(1)?, false)?);
    while let Some(packet) = stream.next_packet()? {
        if packet.data.first().is_some_and(|&toc| Toc::new(toc).is_stereo()) {
            return head(2);
        }
    }
    head(1)
}

/// Calls the same on any reader.
macro_rules! with_reader {
    ($reader:expr, $it:ident => $body:expr) => {
        match $reader {
            Reader::Ogg($it) => $body,
            Reader::Matroska($it) => $body,
            Reader::Mp4($it) => $body,
            Reader::Caf($it) => $body,
            Reader::SelfDelimited($it) => $body,
            Reader::OpusDemo($it) => $body,
        }
    };
}

impl OpusStream {
    fn new(reader: Reader) -> Self {
        Self { number: 0, reader, tally: Tally::new(NonZeroU8::MIN), extensions: None }
    }

    /// Begins a stream, which may be the next link of the same reader.
    fn begin(&mut self, number: u64) {
        self.number = number;
        self.tally = Tally::new(self.head().mapping().streams());
    }

    /// The number of the stream in the file, counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether the stream begins where the file does. Later links of an Ogg chain and later documents
    /// of a Matroska file do not.
    pub fn begins_with_file(&self) -> bool {
        match &self.reader {
            Reader::Ogg(reader) => reader.is_first_link(),
            Reader::Matroska(reader) => reader.is_first_document(),
            _ => true,
        }
    }

    /// The identification header.
    pub fn head(&self) -> &OpusHead {
        with_reader!(&self.reader, reader => reader.head())
    }

    /// The comments.
    pub fn tags(&self) -> &OpusTags {
        with_reader!(&self.reader, reader => reader.tags())
    }

    /// Which samples play. Known once all packets have been read.
    pub fn timeline(&self) -> Option<Timeline> {
        with_reader!(&self.reader, reader => reader.timeline())
    }

    /// The serial number, if this is an Ogg stream.
    pub fn serial(&self) -> Option<u32> {
        if let Reader::Ogg(reader) = &self.reader { Some(reader.serial()) } else { None }
    }

    /// Takes the findings since the last call. Beyond the first thousand, they are only
    /// counted.
    pub fn findings(&mut self) -> Vec<Finding> {
        let of_reader: Vec<_> =
            with_reader!(&mut self.reader, reader => reader.findings().map(convert).collect());
        of_reader.into_iter().chain(self.extensions.take()).collect()
    }

    /// The next packet and where it lies; `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// Reading failed, or more audio is lost than a recording can lack. A strict reader also
    /// returns the first violation.
    pub fn next_located(&mut self) -> Result<Option<LocatedPacket<'_>>, Error> {
        let packet = with_reader!(&mut self.reader, reader => reader.next_located()?);
        match &packet {
            Some(packet) => self.tally.count(packet),
            None => self.extensions = self.tally.finish().or(self.extensions.take()),
        }
        Ok(packet)
    }
}

impl PacketSource for OpusStream {
    type Error = Error;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, Error> {
        Ok(self.next_located()?.map(Packet::from))
    }
}

impl Reader {
    /// The number of Opus tracks next to each other.
    fn tracks(&self) -> usize {
        match self {
            Self::Ogg(reader) => reader.tracks(),
            Self::Matroska(reader) => reader.usable_tracks(),
            Self::Mp4(reader) => reader.usable_tracks(),
            Self::Caf(_) | Self::SelfDelimited(_) | Self::OpusDemo(_) => 1,
        }
    }
}

/// Reads at most the first `len` bytes of a file.
fn start_of(path: &Path, len: usize) -> Result<Vec<u8>, Error> {
    let mut start = Vec::new();
    let mut file = open_file(path)?.take(wide(len));
    file.read_to_end(&mut start).map_err(|source| Error::read(wide(start.len()), source))?;
    Ok(start)
}

/// Opens a regular file, which can be read several times, unlike a pipe or a device.
///
/// # Errors
///
/// The file cannot be opened, or is not a regular file.
pub fn open_file(path: impl AsRef<Path>) -> Result<File, Error> {
    let path = path.as_ref();
    // Before opening it, since opening a pipe waits for a writer.
    let kind = fs::metadata(path).map_err(Error::open)?.file_type();
    if kind.is_dir() {
        return Err(Error::open(io::ErrorKind::IsADirectory.into()));
    }
    if !kind.is_file() {
        return Err(Error::open(io::Error::other("not a regular file")));
    }
    File::open(path).map_err(Error::open)
}
