//! The packets of one track.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Seek},
};

use symphonia::core::{
    codecs::CodecParameters,
    errors::{Error as SymphoniaError, Result as SymphoniaResult},
    formats::{FormatOptions, FormatReader, Track, TrackType},
    io::{MediaSourceStream, ReadBytes},
    packet::Packet,
};

use symphonia::default::formats::IsoMp4Reader;

use super::{
    clock::scale,
    format::container_name,
    guard::{Fault, guarded},
    section::Section,
    tags::Tags,
};
use crate::Error;

/// What comes next in a track.
pub(crate) enum Next {
    Packet(Packet),
    /// Something was not a packet, and why.
    Skipped(String),
    /// Other tracks begin.
    NewStream,
    End,
    /// The file breaks off.
    BrokenOff,
    Panic(String),
}

pub(crate) struct Packets {
    reader: Box<dyn FormatReader>,
    /// Which of the tracks with audio.
    number: usize,
    track: Track,
    ahead: VecDeque<Packet>,
    /// Errors since the last packet.
    faults: u32,
    /// The file has ended in the middle of something.
    is_broken: bool,
    /// What came after the packets that were looked at.
    after: Option<Next>,
}

/// A parser that finds no packet in so many attempts is not asked again.
const MAX_FAULTS: u32 = 64;

impl Packets {
    /// Opens what stands in some bytes of a file; it may end earlier.
    pub(crate) fn open<R>(section: Section<R>, number: usize) -> Result<Self, Error>
    where
        R: Read + Seek + Send + Sync + 'static,
    {
        let reader = guarded(|| reader(section)).map_err(|fault| match fault {
            Fault::Error(SymphoniaError::IoError(error))
                if error.kind() != ErrorKind::UnexpectedEof =>
            {
                Error::Io(error)
            }
            Fault::Error(error @ SymphoniaError::Unsupported(what))
                if what.starts_with("core (probe)") =>
            {
                Error::UnknownFormat { reason: error.to_string() }
            }
            Fault::Error(error) => {
                Error::Malformed { container: "audio", reason: error.to_string() }
            }
            Fault::Panic(reason) => Error::Panicked { frame: 0, reason },
        })?;
        let track = nth_audio_track(reader.as_ref(), number)?;
        Ok(Self {
            reader,
            number,
            track,
            ahead: VecDeque::new(),
            faults: 0,
            is_broken: false,
            after: None,
        })
    }

    pub(crate) fn container(&self) -> &'static str {
        container_name(self.reader.format_info().format)
    }

    pub(crate) fn track(&self) -> &Track {
        &self.track
    }

    /// How many tracks with audio there are.
    pub(crate) fn tracks(&self) -> usize {
        audio_tracks(self.reader.as_ref()).count()
    }

    /// How many frames the whole file is to have, if its only track states no other length.
    /// Rounded, as the times of the file are.
    pub(crate) fn stated_frames(&self, rate: u32) -> Option<u64> {
        let info = self.reader.media_info();
        let (tick, duration) = (info.time_base?, info.duration?);
        let frames = |ticks| {
            scale(ticks, u64::from(tick.numer.get()) * u64::from(rate), tick.denom.get().into())
        };
        (self.reader.tracks().len() == 1).then(|| frames(duration.get()))
    }

    /// Reads some packets without taking them.
    pub(crate) fn look_ahead(&mut self, count: usize) -> &[Packet] {
        while self.ahead.len() < count && self.after.is_none() {
            match self.demux() {
                Next::Packet(packet) => self.ahead.push_back(packet),
                Next::Skipped(_) if self.ahead.is_empty() => {}
                other => self.after = Some(other),
            }
        }
        self.ahead.make_contiguous()
    }

    pub(crate) fn next(&mut self) -> Next {
        let ahead = self.ahead.pop_front().map(Next::Packet);
        ahead.or_else(|| self.after.take()).unwrap_or_else(|| self.demux())
    }

    fn demux(&mut self) -> Next {
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
                    if error.kind() == ErrorKind::UnexpectedEof =>
                {
                    // In MP4 it may be another track whose next packet is missing.
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

    /// Goes on with the tracks that began.
    pub(crate) fn follow(&mut self) -> Result<(), Error> {
        self.track = nth_audio_track(self.reader.as_ref(), self.number)?;
        Ok(())
    }

    /// What the file says about its audio, as far as it has been read.
    pub(crate) fn tags(&mut self) -> Tags {
        let mut tags = Tags::default();
        let mut log = self.reader.metadata();
        // The last revision stays.
        while let Some(revision) = log.current() {
            tags.add(revision, self.track.id.into());
            if log.pop().is_none() {
                break;
            }
        }
        tags
    }
}

/// The parser that fits. Who looks for it also looks for tags at the end, so where the end is
/// missing, which only MP4 says, MP4's is taken.
fn reader<R>(section: Section<R>) -> SymphoniaResult<Box<dyn FormatReader>>
where
    R: Read + Seek + Send + Sync + 'static,
{
    let is_cut_off = section.is_cut_off();
    let mut stream = MediaSourceStream::new(Box::new(section), Default::default());
    let options = FormatOptions::default();
    if is_cut_off {
        // The parser goes back by what a probe has read.
        stream.ignore_bytes(4)?;
        return Ok(Box::new(IsoMp4Reader::try_new(stream, options)?));
    }
    let probe = symphonia::default::get_probe();
    probe.probe(&Default::default(), stream, options, Default::default())
}

fn audio_tracks(reader: &dyn FormatReader) -> impl Iterator<Item = &Track> {
    reader.tracks().iter().filter(|track| track.track_type() == Some(TrackType::Audio))
}

fn nth_audio_track(reader: &dyn FormatReader, number: usize) -> Result<Track, Error> {
    let container = container_name(reader.format_info().format);
    let tracks = audio_tracks(reader).count();
    audio_tracks(reader).nth(number).cloned().ok_or(if tracks == 0 {
        Error::NoAudio { container }
    } else {
        Error::NoTrack { container, asked: number, tracks }
    })
}

/// The codec of a track with audio.
pub(crate) fn audio_params(
    track: &Track,
) -> Option<&symphonia::core::codecs::audio::AudioCodecParameters> {
    match &track.codec_params {
        Some(CodecParameters::Audio(params)) => Some(params),
        _ => None,
    }
}
