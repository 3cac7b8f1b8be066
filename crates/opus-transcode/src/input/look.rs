//! What symphonia does not see in a file, whatever its container.

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use symphonia::core::formats::Track;

use super::{
    caf,
    finding::Finding,
    flac_file,
    flac_file::FlacFile,
    id3, mkv, mkv_documents, mkv_track, mp4,
    mp4::Movie,
    ogg,
    ogg::Selected,
    packets::audio_params,
    pcm::Pcm,
    section::{Patch, Section},
    unsupported, wave,
    wave::Wave,
};
use crate::Error;

/// Facts about a file.
pub(crate) struct Look {
    pub(crate) movie: Movie,
    pub(crate) wave: Wave,
    pub(crate) flac: FlacFile,
    pub(crate) ogg: Selected,
    pub(crate) mkv: Matroska,
    /// The stated frames of a CAF file that was cut off.
    pub(crate) frames: Option<u64>,
    pcm: BTreeMap<u32, Pcm>,
}

/// Facts about the document of a Matroska file that holds a track.
#[derive(Default)]
pub(crate) struct Matroska {
    bytes: Option<Range<u64>>,
    /// The place of the track in its document, if there are several.
    pub(crate) place: Option<usize>,
    /// Whether another document comes before it.
    pub(crate) is_later: bool,
    /// How many tracks the documents have.
    pub(crate) tracks: Option<usize>,
    /// How many nanoseconds at the end of tracks do not play.
    pub(crate) discarded: BTreeMap<u64, u64>,
    /// The delays of encoders, in nanoseconds.
    pub(crate) delays: BTreeMap<u32, u64>,
    /// Whether the document ends where an element ends.
    pub(crate) is_whole: bool,
    is_cut_off: bool,
    pcm: BTreeMap<u32, Pcm>,
    patches: Vec<Patch>,
    findings: Vec<Finding>,
}

impl Matroska {
    fn at(file: &mut (impl Read + Seek), track: usize) -> io::Result<Self> {
        let Some(selected) = mkv_documents::select(file, track)? else {
            return Ok(Self::default());
        };
        let bytes = selected.document.bytes;
        let mut document = Section::new(file, bytes.clone())?;
        let is_cut_off = mkv::is_cut_off(&mut document)?;
        let mut tracks = mkv_track::look(&mut document)?;
        tracks.patches.iter_mut().for_each(|patch| patch.at += bytes.start);
        let unusable = tracks.unusable.iter();
        let unusable = unusable.map(|number| Finding::UnusableTrack { number: *number });
        Ok(Self {
            place: selected.tracks.map(|_| selected.track),
            is_later: bytes.start > 0,
            tracks: selected.tracks,
            discarded: match is_cut_off {
                true => BTreeMap::new(),
                false => mkv::discard_padding(&mut document)?,
            },
            is_whole: selected.document.is_whole && !is_cut_off,
            is_cut_off,
            findings: selected.findings.into_iter().chain(unusable).collect(),
            bytes: selected.tracks.map(|_| bytes),
            delays: tracks.delays,
            pcm: tracks.pcm,
            patches: tracks.patches,
        })
    }
}

impl Look {
    /// Reads what surrounds the packets of a track, counted from 0, and returns what symphonia is to
    /// read.
    pub(crate) fn at<R: Read + Seek>(
        mut file: R,
        track: usize,
    ) -> Result<(Self, Section<R>), Error> {
        unsupported::reject(&mut file)?;
        let mut movie = mp4_movie(&mut file)?;
        // A file that is too short is rejected below.
        let wave = wave::look(&mut file).unwrap_or_default();
        let mut mkv = Matroska::at(&mut file, track)?;
        let mut flac = flac_file::look(&mut file)?;
        let caf = caf::look(&mut file)?;
        let end = file.seek(SeekFrom::End(0))?.max(movie.end);
        let end = caf.end.unwrap_or(end);
        let start = id3::start(&mut file)?.min(end);
        let mut ogg = ogg::select(&mut file, start..end, track)?.unwrap_or_default();
        let own = wave.mpeg.clone().or(ogg.bytes.take()).or(mkv.bytes.take());
        let bytes: Range<u64> = own.unwrap_or(start..end);
        let mut patches = caf.patches;
        let of_ogg = &mut ogg.patches;
        for more in [&mut movie.patches, &mut mkv.patches, &mut flac.patches, of_ogg] {
            patches.append(more);
        }
        let section = Section::new(file, bytes)?.patched(patches);
        let section = if mkv.is_cut_off { section.streamed() } else { section };
        // CAF has one track, whose number is 0.
        let pcm = caf.pcm.map(|pcm| (0, pcm)).into_iter();
        let pcm = pcm.chain(std::mem::take(&mut mkv.pcm)).chain(std::mem::take(&mut movie.pcm));
        let look = Self { movie, wave, flac, ogg, mkv, frames: caf.frames, pcm: pcm.collect() };
        Ok((look, section))
    }

    /// Returns how the samples of a track are stored, if they are PCM that symphonia misreads.
    pub(crate) fn pcm(&self, track: u32) -> Option<Pcm> {
        self.pcm.get(&track).copied()
    }

    /// Returns what was found around the packets.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        self.flac.damaged.iter().chain(&self.mkv.findings).cloned().collect()
    }

    /// Replaces a length that symphonia misreads.
    pub(crate) fn correct(&self, track: &mut Track) {
        if self.movie.is_fragmented {
            let rate = audio_params(track).and_then(|params| params.sample_rate);
            track.num_frames = rate.and_then(|rate| self.movie.fragmented_frames(track.id, rate));
        }
        track.num_frames = self.frames.or(track.num_frames);
    }
}

fn mp4_movie(file: &mut (impl Read + Seek)) -> Result<Movie, Error> {
    let mut start = [0; 8];
    file.rewind()?;
    let is_mp4 = file.read_exact(&mut start).is_ok() && start.ends_with(b"ftyp");
    Ok(if is_mp4 { mp4::movie(file) } else { Movie::default() })
}
