//! The packets of one track.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Seek, SeekFrom},
};

use symphonia::core::{
    codecs::CodecParameters,
    errors::{Error as SymphoniaError, Result as SymphoniaResult},
    formats::{FormatOptions, FormatReader, Track, TrackType},
    io::{MediaSourceStream, ReadBytes},
    packet::Packet,
    units::{Duration, Timestamp},
};

use symphonia::default::formats::IsoMp4Reader;

use super::{
    clock::scale,
    flac_file::StreamInfo,
    flac_frames::{Event, Frames},
    format::container_name,
    guard::{Fault, guarded},
    section::{Section, Shared},
    tags::Tags,
};
use crate::{Error, error::Reason};

/// The next event in a track.
pub(crate) enum Next {
    Packet(Packet),
    /// Skipped data, and why.
    Skipped(String),
    /// How many bytes follow the last packet that are not a tag.
    Trailing(u64),
    /// Other tracks begin.
    NewStream,
    End,
    /// The file breaks off.
    BrokenOff,
    Panic(String),
}

pub(crate) struct Packets {
    reader: Box<dyn FormatReader>,
    /// The frames of a FLAC file.
    frames: Option<Frames>,
    /// Index of the audio track.
    number: usize,
    /// Its serial number in each further link of Ogg, if known.
    serials: VecDeque<u32>,
    track: Track,
    ahead: VecDeque<Packet>,
    /// What was skipped before the first packet.
    before: Option<Next>,
    /// Errors since the last packet.
    faults: u32,
    /// Whether the file ended in the middle of something.
    is_broken: bool,
    /// Whether it may seem to, although it is complete.
    may_end_open: bool,
    /// The event after the packets in `ahead`.
    after: Option<Next>,
}

/// How often to retry a parser that finds no packet.
const MAX_FAULTS: u32 = 64;

impl Packets {
    /// Opens a section of a file, which may end early. `serials` are those of the track in each link
    /// of Ogg, if known; `frames` is where those of a FLAC file begin, and its STREAMINFO.
    pub(crate) fn open<R>(
        section: Section<R>,
        number: usize,
        mut serials: VecDeque<u32>,
        frames: Option<(u64, StreamInfo)>,
    ) -> Result<Self, Error>
    where
        R: Read + Seek + Send + Sync + 'static,
    {
        let frames = frames.map(|(at, info)| (section.place_of(at), info));
        let is_cut_off = section.is_cut_off();
        let source = Shared::new(section);
        let reader =
            guarded(|| reader(source.clone(), is_cut_off)).map_err(|fault| match fault {
                Fault::Error(SymphoniaError::IoError(error))
                    if error.kind() != ErrorKind::UnexpectedEof =>
                {
                    Reason::Io(error)
                }
                Fault::Error(source @ SymphoniaError::Unsupported(what))
                    if what.starts_with("core (probe)") =>
                {
                    Reason::UnknownFormat { source }
                }
                Fault::Error(source) => Reason::Malformed { container: "audio", source },
                Fault::Panic(reason) => Reason::Panicked { frame: 0, reason },
            })?;
        let track = nth_audio_track(reader.as_ref(), number, serials.pop_front())?;
        let frames = frames.map(|(place, info)| {
            let mut source = source;
            source.seek(SeekFrom::Start(place)).map(|_| Frames::new(source, info))
        });
        Ok(Self {
            reader,
            frames: frames.transpose()?,
            number,
            serials,
            track,
            ahead: VecDeque::new(),
            before: None,
            faults: 0,
            is_broken: false,
            may_end_open: false,
            after: None,
        })
    }

    /// Sets whether the file is complete even if it seems to end in the middle of something.
    pub(crate) fn may_end_open(&mut self, may: bool) {
        self.may_end_open = may;
    }

    pub(crate) fn container(&self) -> &'static str {
        container_name(self.reader.format_info().format)
    }

    pub(crate) fn track(&self) -> &Track {
        &self.track
    }

    /// Returns the number of audio tracks.
    pub(crate) fn tracks(&self) -> usize {
        audio_tracks(self.reader.as_ref()).count()
    }

    /// Returns the stated length of the whole file in frames, if it has only one track. Rounded, like
    /// the times of the file.
    pub(crate) fn stated_frames(&self, rate: u32) -> Option<u64> {
        let info = self.reader.media_info();
        let (tick, duration) = (info.time_base?, info.duration?);
        let frames = |ticks| {
            scale(ticks, u64::from(tick.numer.get()) * u64::from(rate), tick.denom.get().into())
        };
        (self.reader.tracks().len() == 1).then(|| frames(duration.get()))
    }

    /// Returns the next packets without consuming them.
    pub(crate) fn look_ahead(&mut self, count: usize) -> &[Packet] {
        while self.ahead.len() < count && self.after.is_none() {
            match self.demux() {
                Next::Packet(packet) => self.ahead.push_back(packet),
                skipped @ Next::Skipped(_) if self.ahead.is_empty() => {
                    self.before.get_or_insert(skipped);
                }
                other => self.after = Some(other),
            }
        }
        self.ahead.make_contiguous()
    }

    pub(crate) fn next(&mut self) -> Next {
        let ahead = self.before.take().or_else(|| self.ahead.pop_front().map(Next::Packet));
        ahead.or_else(|| self.after.take()).unwrap_or_else(|| self.demux())
    }

    fn demux(&mut self) -> Next {
        if let Some(frames) = &mut self.frames {
            let event = frames.next();
            return self.flac(event);
        }
        if self.faults > MAX_FAULTS {
            return Next::BrokenOff;
        }
        loop {
            self.faults += 1;
            let fault = match guarded(|| self.reader.next_packet()) {
                Ok(Some(packet)) if packet.track_id != self.track.id => {
                    self.faults = 0;
                    continue;
                }
                Ok(Some(packet)) => {
                    self.faults = 0;
                    return Next::Packet(packet);
                }
                Ok(None) if self.is_broken => return Next::BrokenOff,
                Ok(None) => return Next::End,
                Err(fault) => fault,
            };
            return match fault {
                Fault::Error(SymphoniaError::ResetRequired) => Next::NewStream,
                Fault::Error(SymphoniaError::IoError(error))
                    if error.kind() == ErrorKind::UnexpectedEof && self.may_end_open =>
                {
                    Next::End
                }
                Fault::Error(SymphoniaError::IoError(error))
                    if error.kind() == ErrorKind::UnexpectedEof =>
                {
                    // In MP4, only another track may lack its next packet.
                    self.is_broken = true;
                    if self.faults <= MAX_FAULTS {
                        continue;
                    }
                    Next::BrokenOff
                }
                Fault::Error(error) => Next::Skipped(error.to_string()),
                Fault::Panic(reason) => {
                    self.faults = MAX_FAULTS + 1;
                    Next::Panic(reason)
                }
            };
        }
    }

    fn flac(&mut self, event: io::Result<Event>) -> Next {
        match event {
            Ok(Event::Frame { bytes, position, samples }) => {
                let time = i64::try_from(position).unwrap_or(i64::MAX);
                let duration = Duration::new(samples.into());
                Next::Packet(Packet::new(self.track.id, Timestamp::new(time), duration, bytes))
            }
            Ok(Event::Skipped(bytes)) => Next::Skipped(format!("{bytes} bytes are not a frame")),
            Ok(Event::Stream(info)) => {
                self.track.num_frames = info.total;
                if let Some(CodecParameters::Audio(params)) = &mut self.track.codec_params {
                    params.extra_data = Some(info.contents().into());
                }
                Next::NewStream
            }
            Ok(Event::Trailing(bytes)) => Next::Trailing(bytes),
            Ok(Event::BrokenOff) => Next::BrokenOff,
            Ok(Event::End) => Next::End,
            Err(error) => {
                self.faults += 1;
                if self.faults > MAX_FAULTS {
                    Next::BrokenOff
                } else {
                    Next::Skipped(error.to_string())
                }
            }
        }
    }

    /// Continues with the tracks that began.
    pub(crate) fn follow(&mut self) -> Result<(), Error> {
        if self.frames.is_some() {
            return Ok(());
        }
        let serial = self.serials.pop_front();
        self.track = nth_audio_track(self.reader.as_ref(), self.number, serial)?;
        Ok(())
    }

    /// Returns the tags of the file, as far as it was read.
    pub(crate) fn tags(&mut self) -> Tags {
        let mut tags = Tags::default();
        let mut log = self.reader.metadata();
        // The log keeps the last revision.
        while let Some(revision) = log.current() {
            tags.add(revision, self.track.id.into());
            if log.pop().is_none() {
                break;
            }
        }
        tags
    }
}

/// Finds the parser for a file. The search also looks for tags at the end, so a file without its
/// end, which only MP4 reveals, goes to the MP4 parser directly.
fn reader<R>(source: Shared<Section<R>>, is_cut_off: bool) -> SymphoniaResult<Box<dyn FormatReader>>
where
    R: Read + Seek + Send + Sync + 'static,
{
    let mut stream = MediaSourceStream::new(Box::new(source), Default::default());
    let options = FormatOptions::default();
    if is_cut_off {
        // The parser moves back by the bytes that a probe would have read.
        stream.ignore_bytes(4)?;
        return Ok(Box::new(IsoMp4Reader::try_new(stream, options)?));
    }
    let probe = symphonia::default::get_probe();
    probe.probe(&Default::default(), stream, options, Default::default())
}

fn audio_tracks(reader: &dyn FormatReader) -> impl Iterator<Item = &Track> {
    reader.tracks().iter().filter(|track| track.track_type() == Some(TrackType::Audio))
}

/// Finds a track by its serial number in Ogg, where symphonia sorts them by that, or by its place.
fn nth_audio_track(
    reader: &dyn FormatReader,
    number: usize,
    serial: Option<u32>,
) -> Result<Track, Error> {
    let container = container_name(reader.format_info().format);
    let tracks = audio_tracks(reader).count();
    let missing = if tracks == 0 {
        Reason::NoAudio { container }
    } else {
        Reason::NoTrack { container, asked: number, tracks }
    };
    let of_serial = serial.and_then(|serial| audio_tracks(reader).find(|one| one.id == serial));
    let track = of_serial.or_else(|| audio_tracks(reader).nth(number));
    Ok(track.cloned().ok_or(missing)?)
}

/// Returns the codec of an audio track.
pub(crate) fn audio_params(
    track: &Track,
) -> Option<&symphonia::core::codecs::audio::AudioCodecParameters> {
    match &track.codec_params {
        Some(CodecParameters::Audio(params)) => Some(params),
        _ => None,
    }
}
