use std::{
    fmt,
    fs::File,
    path::{Path, PathBuf},
};

use ogg_opus_demux::{Buffered, OggOpusReader};
use opus_demux::caf::CafOpusReader;
use opus_demux::mp4::{FourCc, Mp4OpusReader};
use opus_demux::raw::{OpusDemoReader, SelfDelimitedReader};
use opus_demux::webm::WebmOpusReader;
use opus_packet::{OpusHead, OpusTags, Packet, PacketSource, Timeline};

use crate::{
    Container, Error, Finding, ImportOptions, RawFormat, RawStream,
    report::Remark,
    source::{detect, open},
};

/// Reads the Opus streams of a file one after the other, whatever holds them: track by
/// track, and of Ogg link by link.
///
/// ```no_run
/// use opus_packet::PacketSource;
/// use opus_zarr::{ImportOptions, Streams};
///
/// let mut streams = Streams::open("station-4.webm", &ImportOptions::default())?;
/// while let Some(stream) = streams.next_stream()? {
///     while let Some(packet) = stream.next_packet()? {
///         println!("{} bytes, {} samples", packet.data.len(), packet.duration);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Streams {
    path: PathBuf,
    options: ImportOptions,
    /// None for a raw stream.
    container: Option<Container>,
    current: Option<OpusStream>,
    /// Of the stream that is read, counted from 1; 0 before the first.
    number: u64,
    /// The tracks that are known, and which of them is read.
    tracks: Vec<Track>,
    track: usize,
}

/// How a container names a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Track {
    /// The only or the first one.
    First,
    /// In Ogg: the n-th Opus stream of each link, counted from 0.
    OfEachLink(usize),
    Matroska(u64),
    Mp4(u32),
}

/// A stream of Opus packets in a file.
pub struct OpusStream {
    number: u64,
    reader: Reader,
}

enum Reader {
    Ogg(Box<OggOpusReader<Buffered<File>>>),
    Matroska(Box<WebmOpusReader<File>>),
    Mp4(Box<Mp4OpusReader<File>>),
    Caf(Box<CafOpusReader<File>>),
    SelfDelimited(Box<SelfDelimitedReader<File>>),
    OpusDemo(Box<OpusDemoReader<File>>),
}

/// Why a container could not be read.
#[derive(thiserror::Error)]
#[error(transparent)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is the error of a demuxer")]
pub enum DemuxError {
    Ogg(#[from] ogg_opus_demux::Error),
    Matroska(#[from] opus_demux::webm::Error),
    Mp4(#[from] opus_demux::mp4::Error),
    Caf(#[from] opus_demux::caf::Error),
    Raw(#[from] opus_demux::raw::Error),
}

/// The message with its causes.
impl fmt::Debug for DemuxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Ogg(error) = self { error.fmt(f) } else { fmt::Display::fmt(self, f) }
    }
}

impl Streams {
    /// Opens a file; what counts of the options is what they say about reading: `strict` and `raw`.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is of no container that is known.
    pub fn open(path: impl AsRef<Path>, options: &ImportOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        let container = match options.raw {
            None => Some(detect(path)?),
            Some(_) => None,
        };
        let (path, options, tracks) = (path.to_owned(), options.clone(), vec![Track::First]);
        Ok(Self { path, options, container, current: None, number: 0, tracks, track: 0 })
    }

    /// The container, as it stands in the attributes of a recording.
    pub fn container_name(&self) -> &'static str {
        match (self.container, &self.options.raw) {
            (Some(container), _) => container.name(),
            (None, Some(raw)) => raw.format.name(),
            (None, None) => "",
        }
    }

    /// Goes to the next stream; none: there is no other.
    ///
    /// # Errors
    ///
    /// What is there is no stream of Opus; with `strict` also what is only odd about it.
    pub fn next_stream(&mut self) -> Result<Option<&mut OpusStream>, Error> {
        if self.current.is_some() && !self.next_link()? {
            self.current = None;
            self.track += 1;
        }
        if self.current.is_none() {
            let Some(&track) = self.tracks.get(self.track) else { return Ok(None) };
            let file = open(&self.path)?;
            let reader = self.reader(file, track).map_err(|reason| self.fault(reason))?;
            self.current = Some(OpusStream { number: 0, reader });
        }
        self.number += 1;
        if let Some(stream) = &mut self.current {
            stream.number = self.number;
            stream.reader.add_tracks(&mut self.tracks);
        }
        Ok(self.current.as_mut())
    }

    /// Goes to the start of the stream of this number, if there is one; back as well.
    pub(crate) fn go_to(&mut self, number: u64) -> Result<Option<&mut OpusStream>, Error> {
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

    /// An error of the stream that is read.
    pub(crate) fn fault(&self, reason: DemuxError) -> Error {
        Error::Source { path: self.path.clone(), reason }
    }

    /// Goes to the next link of a chain; false if there is none.
    fn next_link(&mut self) -> Result<bool, Error> {
        let Some(OpusStream { reader: Reader::Ogg(reader), .. }) = &mut self.current else {
            return Ok(false);
        };
        let next = reader.next_link();
        next.map_err(|reason| self.fault(reason.into()))
    }

    fn reader(&self, file: File, track: Track) -> Result<Reader, DemuxError> {
        let strict = self.options.strict;
        let container = match (self.container, &self.options.raw) {
            (None, Some(raw)) => return raw_stream(file, raw, strict),
            (container, _) => container.unwrap_or(Container::Ogg),
        };
        Ok(match container {
            Container::Ogg => {
                let track = if let Track::OfEachLink(track) = track { track } else { 0 };
                let options = ogg_opus_demux::Options::default().strict(strict).track(track);
                Reader::Ogg(Box::new(OggOpusReader::with_options(Buffered::new(file), options)?))
            }
            Container::Matroska => {
                let mut options = opus_demux::webm::Options::default();
                options.strict = strict;
                options.track = if let Track::Matroska(track) = track { Some(track) } else { None };
                Reader::Matroska(Box::new(WebmOpusReader::with_options(file, options)?))
            }
            Container::Mp4 => {
                let track = if let Track::Mp4(track) = track { Some(track) } else { None };
                let options = opus_demux::mp4::Options { strict, track };
                Reader::Mp4(Box::new(Mp4OpusReader::with_options(file, options)?))
            }
            Container::Caf => {
                let options = opus_demux::caf::Options { strict };
                Reader::Caf(Box::new(CafOpusReader::with_options(file, options)?))
            }
        })
    }
}

fn raw_stream(file: File, raw: &RawStream, strict: bool) -> Result<Reader, DemuxError> {
    let (options, head) = (opus_demux::raw::Options { strict }, raw.head.clone());
    Ok(match raw.format {
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

/// The same for whichever reader there is.
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
    /// Which stream of the file it is, counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Its head.
    pub fn head(&self) -> &OpusHead {
        with_reader!(&self.reader, reader => reader.head())
    }

    /// Its comments.
    pub fn tags(&self) -> &OpusTags {
        with_reader!(&self.reader, reader => reader.tags())
    }

    /// Which samples play; known at the end.
    pub fn timeline(&self) -> Option<Timeline> {
        with_reader!(&self.reader, reader => reader.timeline())
    }

    /// What there is to know of the stream since the last time.
    pub fn findings(&mut self) -> Vec<Finding> {
        let stream = self.number;
        let finding =
            |Remark { is_violation, message, .. }| Finding { stream, is_violation, message };
        self.remarks().into_iter().map(finding).collect()
    }

    /// The serial number of an Ogg stream.
    pub(crate) fn serial(&self) -> Option<u32> {
        if let Reader::Ogg(reader) = &self.reader { Some(reader.serial()) } else { None }
    }

    /// What has been found since the last time.
    pub(crate) fn remarks(&mut self) -> Vec<Remark> {
        with_reader!(&mut self.reader, reader => reader.findings().map(Remark::from).collect())
    }

    /// The next packet, and whether it lies in one page of an Ogg stream.
    pub(crate) fn next_placed(&mut self) -> Result<Option<(Packet<'_>, bool)>, DemuxError> {
        match &mut self.reader {
            Reader::Ogg(reader) => {
                let packet = reader.next_located()?;
                Ok(packet.map(|packet| {
                    let is_in_page = packet.offset.is_some();
                    (Packet { data: packet.data, duration: packet.duration }, is_in_page)
                }))
            }
            other => {
                let packet = with_reader!(other, reader => reader.next_packet()?);
                Ok(packet.map(|packet| (packet, false)))
            }
        }
    }
}

impl PacketSource for OpusStream {
    type Error = DemuxError;

    fn next_packet(&mut self) -> Result<Option<Packet<'_>>, DemuxError> {
        Ok(self.next_placed()?.map(|(packet, _)| packet))
    }
}

impl Reader {
    /// Adds the Opus tracks beside the one that is read.
    fn add_tracks(&self, tracks: &mut Vec<Track>) {
        match self {
            Self::Ogg(reader) => {
                (tracks.len()..reader.tracks()).for_each(|n| tracks.push(Track::OfEachLink(n)));
            }
            Self::Matroska(reader) if tracks.as_slice() == [Track::First] => {
                let opus = reader.tracks().iter().filter(|track| track.is_opus());
                let others = opus.skip(1).map(|track| track.number());
                tracks.extend(others.map(Track::Matroska));
            }
            Self::Mp4(reader) if tracks.as_slice() == [Track::First] => {
                let opus = reader.tracks().iter().filter(|track| track.codec == FourCc(*b"Opus"));
                let others = opus.skip(1).map(|track| track.id);
                tracks.extend(others.map(Track::Mp4));
            }
            _ => {}
        }
    }
}
