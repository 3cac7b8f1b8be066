//! Determines the format of a file from its first packets.

use symphonia::core::{codecs::audio::AudioCodecParameters, packet::Packet};

use super::{
    aac,
    decoder::{Decoded, Decoder},
    depth,
    format::{self, Format},
    guard::Fault,
    pcm::Pcm,
};
use crate::{Error, error::Reason};

/// Returns the format of the decoded audio, which may differ from what the container states.
pub(crate) fn probe_format(
    container: &'static str,
    tracks: usize,
    params: &AudioCodecParameters,
    pcm: Option<Pcm>,
    lead: &[Packet],
) -> Result<Format, Error> {
    let codec = format::codec_name(params.codec);
    if codec == "AAC" && is_he_aac(params, lead) {
        return Err(Reason::HeAac { rate: params.sample_rate.unwrap_or(0) }.into());
    }
    let mut decoder = Decoder::new(params, pcm, container)?;
    let (mut source, mut good) = (None, 0);
    let mut decoded: Option<Decoded> = None;
    for packet in lead.iter().filter(|packet| !packet.data.is_empty()) {
        match decoder.decode(packet) {
            Ok(found) => {
                good += 1;
                decoded = decoded.filter(|before| before.frames > 0).or(Some(found));
            }
            Err(Fault::Error(error)) => source = Some(error),
            Err(Fault::Panic(reason)) => return Err(Reason::Panicked { frame: 0, reason }.into()),
        }
    }
    // A few packets of encrypted audio decode by chance.
    if good * 4 < lead.len() {
        return Err(Reason::NothingDecodes { codec, source }.into());
    }
    let stated = params.channels.as_ref().zip(params.sample_rate).filter(|_| lead.is_empty());
    let stated = stated.map(|(channels, rate)| Decoded {
        frames: 0,
        padding: 0,
        rate,
        channels: channels.count(),
        channel_mask: format::channel_mask(channels),
    });
    let found = decoded.or(stated).filter(|found| found.channels > 0 && found.rate > 0);
    let found = found.ok_or(Reason::NothingDecodes { codec, source })?;
    Ok(Format {
        container,
        codec,
        rate: found.rate,
        channels: found.channels,
        channel_mask: found.channel_mask,
        bits_per_sample: format::bits_per_sample(params),
        depth: depth::depth(params),
        tracks,
        begins_with_file: true,
    })
}

fn is_he_aac(params: &AudioCodecParameters, lead: &[Packet]) -> bool {
    let announced = params.extra_data.as_ref().is_some_and(|config| aac::announces_sbr(config));
    let with_sbr = lead.iter().filter(|packet| aac::seems_to_hold_sbr(&packet.data)).count();
    announced || (with_sbr >= 3 && with_sbr * 4 >= lead.len() * 3)
}
