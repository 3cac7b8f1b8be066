//! Reads samples from any audio file.

mod aac;
mod caf;
mod clock;
mod crc;
mod decoder;
mod delay;
mod depth;
mod finding;
mod flac;
mod flac_blocks;
mod flac_file;
mod flac_frame;
mod flac_frames;
mod foreign;
mod format;
mod guard;
mod id3;
mod look;
mod mkv;
mod mkv_documents;
mod mkv_track;
mod mp4;
mod mp4_edits;
mod mp4_entry;
mod mp4_fragments;
mod ogg;
mod ogg_flac;
mod packets;
mod pcm;
mod probe;
mod queue;
mod section;
mod tags;
mod track;
mod unsupported;
mod wave;

use std::{
    fs::{self, File},
    io::{Read, Seek},
    path::Path,
};

use symphonia::core::packet::Packet;
use wave_demux::Chunk;

use crate::{Error, error::Reason};
use clock::Clock;
use decoder::{Decoded, Decoder};
use finding::Findings;
use guard::Fault;
use look::Look;
use packets::{Next, Packets};
use probe::probe_format;
use queue::Queue;
use tags::Tags;
use track::{discarded_frames, flac_block, new_clock, params_of, stated_frames};

pub use finding::Finding;
pub use format::Format;
pub use id3::id3_tags;
pub use tags::Tag;

/// Decodes an audio file from start to end in constant memory.
///
/// It has as many frames as were encoded, as far as the file states that; see the README for the
/// rules.
pub struct AudioInput {
    format: Format,
    tags: Tags,
    /// Chunks of the file that was compressed.
    chunks: Vec<Chunk>,
    frames: Option<u64>,
    findings: Findings,
    packets: Packets,
    decoder: Decoder,
    clock: Clock,
    queue: Queue,
    /// The header fields that all packets of MPEG audio share.
    mpeg_header: Option<[u8; 2]>,
    /// The block size of FLAC in Ogg, whose frames state their position.
    flac_block: Option<u64>,
    /// Frames at the end of a Matroska track that do not play.
    discarded: u64,
    /// Frames of the last packet.
    last: u64,
    is_ended: bool,
    /// The error that follows the frames still in the queue.
    error: Option<Error>,
}

/// How many packets to examine and decode before the format is known.
const LEAD: usize = 16;
/// More lost time than this indicates other damage.
const MAX_LOST_SECONDS: u64 = 24 * 3600;

impl AudioInput {
    /// Opens an audio track of a regular file, counted from 0; [`Format::tracks`] is their number.
    pub fn open(path: impl AsRef<Path>, track: usize) -> Result<Self, Error> {
        Self::new(open_regular(path.as_ref())?, track)
    }

    /// Opens an audio track of anything that can be read and sought.
    pub fn new<R>(file: R, track: usize) -> Result<Self, Error>
    where
        R: Read + Seek + Send + Sync + 'static,
    {
        let (mut look, section) = Look::at(file, track)?;
        let is_wave = look.wave.mpeg.is_some();
        let ogg = std::mem::take(&mut look.ogg);
        let frames = look.flac.frames.take();
        let number = look.mkv.place.unwrap_or(track);
        let mut packets = Packets::open(section, number, ogg.serials, frames)?;
        packets.may_end_open(look.mkv.is_whole);
        let tags = packets.tags();
        let mut track = packets.track().clone();
        look.movie.check_readable(track.id)?;
        look.correct(&mut track);
        let (mut params, pcm) = (params_of(&track), look.pcm(track.id));
        pcm.into_iter().for_each(|pcm| pcm.apply(&mut params));
        let container = if is_wave { "WAV" } else { packets.container() };
        let tracks = ogg.recordings.or(look.mkv.tracks).unwrap_or_else(|| packets.tracks());
        let lead = packets.look_ahead(LEAD);
        let mut format = probe_format(container, tracks, &params, pcm, lead)?;
        format.begins_with_file = !(ogg.is_later || look.mkv.is_later);
        let (trim, findings) = delay::trim(&delay::Known {
            container,
            codec: params.codec,
            rate: format.rate,
            track: &track,
            wave_frames: look.wave.frames,
            codec_delay: look.mkv.delays.get(&track.id).copied(),
            edit: look.movie.edits.iter().copied().find(|edit| edit.track == track.id),
            tags: &tags.tags,
            packets: lead,
        });
        let is_mpeg = delay::is_mpeg(params.codec);
        let mpeg_header = lead.first().filter(|_| is_mpeg).and_then(delay::mpeg_header);
        let findings = findings.into_iter().chain(look.findings()).chain(ogg.findings);
        let findings = Findings::of(findings);
        Ok(Self {
            discarded: discarded_frames(&look.mkv.discarded, &track, format.rate),
            flac_block: flac_block(container, &params),
            frames: stated_frames(container, &params, &track, trim),
            decoder: Decoder::new(&params, pcm, container)?,
            clock: new_clock(container, format.rate, &track),
            queue: Queue::new(format.channels, trim),
            format,
            tags,
            chunks: look.flac.chunks,
            findings,
            packets,
            mpeg_header,
            last: 0,
            is_ended: false,
            error: None,
        })
    }

    /// Returns the format of the file.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// Returns how many frames the file states, if it does.
    pub fn frames(&self) -> Option<u64> {
        self.frames
    }

    /// Returns names and values in the form of Vorbis comments.
    pub fn tags(&self) -> &[Tag] {
        &self.tags.tags
    }

    /// Returns the chunks of the WAVE or AIFF file that FLAC was made from, if it kept them.
    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// Returns how many pictures the file has. They are not kept.
    pub fn pictures(&self) -> usize {
        self.tags.pictures
    }

    /// Returns the problems found in the file so far.
    pub fn findings(&self) -> &[Finding] {
        self.findings.kept()
    }

    /// Fills `buffer` from the front with whole frames and returns the samples it wrote:
    /// interleaved, full scale -1 to 1. Leaves room for a frame only at the end. From then on, and
    /// after an error, returns an empty slice.
    pub fn read_samples<'a>(&mut self, buffer: &'a mut [f32]) -> Result<&'a [f32], Error> {
        let channels = self.format.channels;
        let wanted = buffer.len() / channels;
        let mut taken = 0;
        loop {
            taken += self.queue.take(buffer.get_mut(taken * channels..).unwrap_or_default());
            if taken == wanted || (self.is_ended && !self.queue.is_ready()) {
                break;
            }
            if let Err(error) = self.fetch() {
                self.is_ended = true;
                self.queue.release_held();
                self.error = Some(error);
            }
        }
        match self.error.take_if(|_| taken == 0 && wanted > 0) {
            Some(error) => Err(error),
            None => Ok(buffer.get(..taken * channels).unwrap_or_default()),
        }
    }

    /// Decodes the next packet, or ends.
    fn fetch(&mut self) -> Result<(), Error> {
        let frame = self.queue.position();
        if self.queue.is_full() {
            self.finish(false);
            return Ok(());
        }
        match self.packets.next() {
            Next::Packet(packet) => return self.decode(&packet),
            Next::Skipped(reason) => self.findings.push(Finding::Skipped { frame, reason }),
            Next::Trailing(bytes) => self.findings.push(Finding::Trailing { bytes }),
            Next::NewStream => return self.follow(),
            Next::End => self.finish(false),
            Next::BrokenOff => self.finish(true),
            Next::Panic(reason) => return Err(Reason::Panicked { frame, reason }.into()),
        }
        Ok(())
    }

    fn decode(&mut self, packet: &Packet) -> Result<(), Error> {
        if packet.data.is_empty() && self.format.container == "CAF" {
            // The padding of a table of packets.
            return Ok(());
        }
        let own = self.flac_block.and_then(|block| flac::first_sample(&packet.data, block));
        let pts = own.and_then(|own| i64::try_from(own).ok()).unwrap_or(packet.pts.get());
        let gap = self.clock.gap(pts, packet.block_dur().get());
        if gap > 0 {
            let frame = self.queue.position();
            self.push_silence(gap)?;
            self.findings.push(Finding::Gap { frame, frames: gap });
        }
        let frame = self.queue.position();
        match self.decoder.decode(packet) {
            Ok(decoded) => self.push(&decoded),
            Err(Fault::Panic(reason)) => Err(Reason::Panicked { frame, reason }.into()),
            Err(Fault::Error(error)) => self.conceal(packet, error.to_string()),
        }
    }

    /// Replaces a packet with silence.
    fn conceal(&mut self, packet: &Packet, reason: String) -> Result<(), Error> {
        let frame = self.queue.position();
        let is_mpeg = self.mpeg_header.is_some();
        if is_mpeg && delay::mpeg_header(packet) != self.mpeg_header {
            // symphonia mistakes other data for a packet if it begins like one.
            self.findings.push(Finding::Skipped { frame, reason });
            return Ok(());
        }
        let trusts_clock = self.clock.is_exact() && !is_mpeg;
        let stated = self.clock.frames(packet.block_dur().get());
        let frames = if trusts_clock || self.last == 0 { stated } else { self.last };
        self.push_silence(frames)?;
        self.findings.push(Finding::Damaged { frame, frames, reason });
        Ok(())
    }

    fn push(&mut self, decoded: &Decoded) -> Result<(), Error> {
        let Format { rate, channels, .. } = self.format;
        if decoded.frames > 0 && (decoded.rate, decoded.channels) != (rate, channels) {
            return Err(Reason::FormatChanged {
                frame: self.queue.position(),
                channels,
                rate,
                found_channels: decoded.channels,
                found_rate: decoded.rate,
            }
            .into());
        }
        if self.mpeg_header.is_none() {
            self.queue.hold(0);
        }
        self.queue.push(&self.decoder.samples);
        match decoded.padding {
            0 if self.discarded > 0 => self.queue.hold(self.discarded),
            0 => {}
            padding => self.queue.hold(padding),
        }
        self.last = decoded.frames;
        self.clock.advance(decoded.frames);
        Ok(())
    }

    fn push_silence(&mut self, frames: u64) -> Result<(), Error> {
        if frames > MAX_LOST_SECONDS * u64::from(self.format.rate) {
            let frame = self.queue.position();
            return Err(Reason::TooMuchLost { frame, lost: frames }.into());
        }
        self.queue.push_silence(frames);
        self.clock.advance(frames);
        Ok(())
    }

    /// Continues with the next stream of a chain, as in Ogg.
    fn follow(&mut self) -> Result<(), Error> {
        self.queue.drop_held();
        self.packets.follow()?;
        let track = self.packets.track();
        let params = params_of(track);
        self.decoder = Decoder::new(&params, None, self.format.container)?;
        self.flac_block = flac_block(self.format.container, &params);
        self.clock = new_clock(self.format.container, self.format.rate, track);
        self.frames = None;
        self.findings.push(Finding::Chained { frame: self.queue.position() });
        Ok(())
    }

    /// Returns the stated length of a Matroska file that ends well before it, since symphonia treats
    /// damage as the end.
    fn unread_of(&self, frames: u64) -> Option<u64> {
        let rate = self.format.rate;
        let slack = u64::from(rate) * MIN_UNREAD_MILLISECONDS / 1000;
        let is_ours = self.format.container == "Matroska" && self.frames.is_none();
        let stated = self.packets.stated_frames(rate).filter(|_| is_ours)?;
        (frames.saturating_add(slack) < stated).then_some(stated)
    }

    fn finish(&mut self, is_broken: bool) {
        self.is_ended = true;
        let stated = self.frames;
        if !is_broken && stated.is_none_or(|stated| stated == self.queue.length()) {
            self.queue.drop_held();
        }
        // The padding in a LAME tag does not apply to a file with more or fewer frames.
        self.queue.release_held();
        let frames = self.queue.position();
        if let Some(stated) = self.unread_of(frames) {
            self.findings.push(Finding::Truncated { frames, stated: Some(stated) });
            return;
        }
        match stated {
            Some(stated) if frames < stated => {
                self.findings.push(Finding::Truncated { frames, stated: Some(stated) });
            }
            Some(stated) if frames > stated => {
                self.findings.push(Finding::Longer { frames, stated });
            }
            None if is_broken => self.findings.push(Finding::Truncated { frames, stated }),
            _ => {}
        }
    }
}

/// Smaller differences come from rounding in Matroska, or from the delay of an encoder.
const MIN_UNREAD_MILLISECONDS: u64 = 250;

/// Opens a file that can be read a second time.
pub(crate) fn open_regular(path: &Path) -> Result<File, Error> {
    // Checked before opening, since opening a pipe waits for a writer.
    if fs::metadata(path)?.is_file() {
        Ok(File::open(path)?)
    } else {
        Err(Reason::NotRegular.into())
    }
}
