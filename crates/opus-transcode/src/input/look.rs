//! What symphonia does not see in a file, whatever its container.

use std::{
    collections::BTreeMap,
    io::{Read, Seek, SeekFrom},
    ops::Range,
};

use symphonia::core::formats::Track;

use super::{
    caf, finding::Finding, flac_file, flac_file::FlacFile, id3, mkv, mkv_end, mkv_track, mp4,
    mp4::Movie, ogg, ogg::Selected, packets::audio_params, pcm::Pcm, section::Section, unsupported,
    wave, wave::Wave,
};
use crate::Error;

/// Facts about a file.
pub(crate) struct Look {
    pub(crate) movie: Movie,
    pub(crate) wave: Wave,
    pub(crate) flac: FlacFile,
    pub(crate) ogg: Selected,
    /// How many nanoseconds at the end of Matroska tracks do not play.
    pub(crate) discarded: BTreeMap<u64, u64>,
    /// The delays of encoders in Matroska, in nanoseconds.
    pub(crate) delays: BTreeMap<u32, u64>,
    /// Tracks of Matroska without a usable head.
    pub(crate) unusable: Vec<u32>,
    /// Whether this is Matroska that ends where an element ends.
    pub(crate) is_whole_mkv: bool,
    /// The stated frames of a CAF file that was cut off.
    pub(crate) frames: Option<u64>,
    pcm: BTreeMap<u32, Pcm>,
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
        let is_cut_mkv = mkv::is_cut_off(&mut file)?;
        let is_whole_mkv = !is_cut_mkv && mkv_end::is_whole(&mut file)?;
        let discarded = if is_cut_mkv { BTreeMap::new() } else { mkv::discard_padding(&mut file)? };
        let mut mkv = mkv_track::look(&mut file)?;
        let mut flac = flac_file::look(&mut file)?;
        let caf = caf::look(&mut file)?;
        let end = file.seek(SeekFrom::End(0))?.max(movie.end);
        let end = flac.end.or(caf.end).unwrap_or(end);
        let start = id3::start(&mut file)?.min(end);
        let mut ogg = ogg::select(&mut file, start..end, track)?.unwrap_or_default();
        let own = wave.mpeg.clone().or(ogg.bytes.take());
        let bytes: Range<u64> = own.unwrap_or(start..end);
        let mut patches = caf.patches;
        let of_ogg = &mut ogg.patches;
        for more in [&mut movie.patches, &mut mkv.patches, &mut flac.patches, of_ogg] {
            patches.append(more);
        }
        let section = Section::new(file, bytes)?.patched(patches);
        let section = if is_cut_mkv { section.streamed() } else { section };
        // CAF has one track, whose number is 0.
        let pcm = caf.pcm.map(|pcm| (0, pcm)).into_iter();
        let pcm = pcm.chain(mkv.pcm).chain(std::mem::take(&mut movie.pcm)).collect();
        let (delays, unusable, frames) = (mkv.delays, mkv.unusable, caf.frames);
        let look =
            Self { movie, wave, flac, ogg, discarded, delays, unusable, is_whole_mkv, frames, pcm };
        Ok((look, section))
    }

    /// Returns how the samples of a track are stored, if they are PCM that symphonia misreads.
    pub(crate) fn pcm(&self, track: u32) -> Option<Pcm> {
        self.pcm.get(&track).copied()
    }

    /// Returns what was found around the packets.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let unusable =
            self.unusable.iter().map(|number| Finding::UnusableTrack { number: *number });
        self.flac.findings().chain(unusable).collect()
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
