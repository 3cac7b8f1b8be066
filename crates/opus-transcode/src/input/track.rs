//! Facts about a track that symphonia states in part.

use std::collections::BTreeMap;

use symphonia::core::{
    codecs::audio::{
        AudioCodecParameters,
        well_known::{CODEC_ID_ALAC, CODEC_ID_FLAC, CODEC_ID_PCM_ALAW, CODEC_ID_PCM_MULAW},
    },
    formats::Track,
};

use super::{clock::Clock, delay, flac, mkv, packets::audio_params, queue::Trim};

/// Returns the parameters for the decoder.
pub(crate) fn params_of(track: &Track) -> AudioCodecParameters {
    let mut params = audio_params(track).cloned().unwrap_or_default();
    if matches!(params.codec, CODEC_ID_PCM_ALAW | CODEC_ID_PCM_MULAW) {
        // CAF states 8 bits for these, but symphonia's decoder expects 16.
        (params.bits_per_sample, params.bits_per_coded_sample) = (None, None);
    }
    params
}

pub(crate) fn flac_block(container: &str, params: &AudioCodecParameters) -> Option<u64> {
    let is_ours = container == "Ogg" && params.codec == CODEC_ID_FLAC;
    params.extra_data.as_ref().filter(|_| is_ours).and_then(|info| flac::block_size(info))
}

/// Returns how many frames will play, if the file states it and symphonia does not guess.
pub(crate) fn stated_frames(
    container: &str,
    params: &AudioCodecParameters,
    track: &Track,
    trim: Trim,
) -> Option<u64> {
    // symphonia counts the whole last packet of CAF.
    let is_caf_packets = container == "CAF" && params.codec == CODEC_ID_ALAC;
    let is_guess = is_caf_packets
        || container == "ADTS"
        || (delay::is_mpeg(params.codec) && track.delay.is_none());
    let stated = track.num_frames.filter(|_| !is_guess);
    let is_trimmed = track.delay.is_some();
    let stated =
        stated.map(|frames| if is_trimmed { frames } else { frames.saturating_sub(trim.start) });
    trim.length.or(stated)
}

pub(crate) fn new_clock(container: &str, rate: u32, track: &Track) -> Clock {
    let tick = track.time_base.map_or((1, rate), |base| (base.numer.get(), base.denom.get()));
    let clock = Clock::new(rate, tick, !matches!(container, "MP4" | "Matroska"));
    // The frames of FLAC count from the start of the file.
    if container == "FLAC" { clock.starting_at(0) } else { clock }
}

/// Returns how many frames of a Matroska track do not play, given nanoseconds by track.
pub(crate) fn discarded_frames(all: &BTreeMap<u64, u64>, track: &Track, rate: u32) -> u64 {
    all.get(&track.id.into()).map_or(0, |nanoseconds| mkv::frames(*nanoseconds, rate))
}
