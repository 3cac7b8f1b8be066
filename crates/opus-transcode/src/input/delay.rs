//! Finds the padding before and after the audio that was encoded.

use symphonia::core::{
    codecs::audio::{AudioCodecId, well_known::*},
    formats::Track,
    packet::Packet,
};

use super::{clock::scale, finding::Finding, mp4_edits::Edit, queue::Trim, tags::Tag};

/// Knowledge about a track before decoding.
pub(crate) struct Known<'a> {
    pub(crate) container: &'a str,
    pub(crate) codec: AudioCodecId,
    pub(crate) rate: u32,
    pub(crate) track: &'a Track,
    pub(crate) edit: Option<Edit>,
    /// The length of ADPCM that a WAV file states.
    pub(crate) wave_frames: Option<u64>,
    /// CodecDelay of Matroska in nanoseconds.
    pub(crate) codec_delay: Option<u64>,
    pub(crate) tags: &'a [Tag],
    /// The first packets.
    pub(crate) packets: &'a [Packet],
}

/// Returns which decoded frames play, with findings about what the file leaves open.
pub(crate) fn trim(known: &Known<'_>) -> (Trim, Vec<Finding>) {
    let gapless = gapless_tag(known.tags).filter(|_| known.codec == CODEC_ID_AAC);
    let delay = known.edit.map(|edit| edit.delay(known.rate)).filter(|frames| *frames > 0);
    let mut findings: Vec<_> =
        delay.map(|frames| Finding::Delayed { frames }).into_iter().collect();
    let (trim, finding) = match (gapless, known.edit) {
        (Some(trim), _) => (trim, None),
        (None, Some(edit)) => edited(known, edit, &mut findings),
        (None, None) => unedited(known),
    };
    findings.extend(finding);
    (trim, findings)
}

/// Applies an edit list.
fn edited(known: &Known<'_>, edit: Edit, findings: &mut Vec<Finding>) -> (Trim, Option<Finding>) {
    let (start, length) = (edit.start(known.rate), edit.length(known.rate, known.track.num_frames));
    if edit.is_complex {
        findings.push(Finding::EditList);
    }
    if let frames @ 1.. = edit.left_out(known.rate) {
        findings.push(Finding::LeftOut { frames });
    }
    // Writers that delay a track count the delay of the encoder as part of that, and begin the edit at
    // 0 all the same. A shorter empty segment is a rounded time rather than a delay.
    let assumed =
        assumed(known).filter(|(frames, _)| start == 0 && edit.delay(known.rate) >= *frames);
    let Some((frames, because)) = assumed else {
        return (Trim { start, end: 0, length }, None);
    };
    let length = length.map(|length| length.saturating_sub(frames));
    (Trim { start: frames, end: 0, length }, Some(Finding::AssumedDelay { frames, because }))
}

fn unedited(known: &Known<'_>) -> (Trim, Option<Finding>) {
    let media = known.track.num_frames;
    if is_mpeg(known.codec) && known.track.delay.is_some() {
        let frames = |count: Option<u32>| u64::from(count.unwrap_or(0));
        let (start, end) = (frames(known.track.delay), frames(known.track.padding));
        return (Trim { start, end, length: None }, None);
    }
    if known.container == "CAF" && known.track.delay.is_some() {
        let start = known.track.delay.unwrap_or(0).into();
        return (Trim { start, end: 0, length: media }, None);
    }
    let is_lossy = known.codec == CODEC_ID_AAC || is_mpeg(known.codec);
    if let Some(delay) = known.codec_delay.filter(|_| is_lossy) {
        let start = scale(delay, known.rate.into(), 1_000_000_000);
        return (Trim { start, end: 0, length: None }, None);
    }
    if let Some(frames) = known.wave_frames.filter(|frames| media.is_none_or(|all| *frames <= all))
    {
        return (Trim { start: 0, end: 0, length: Some(frames) }, None);
    }
    // The time of the last packet determines where an MP4 file ends.
    let media = media.filter(|_| known.container == "MP4");
    let Some((frames, because)) = assumed(known) else {
        return (Trim { start: 0, end: 0, length: media }, None);
    };
    let length = media.map(|media| media.saturating_sub(frames));
    let finding = Finding::AssumedDelay { frames, because };
    (Trim { start: frames, end: 0, length }, Some(finding))
}

/// Returns whether this is MPEG audio, whose length symphonia guesses and would trim to.
pub(crate) fn is_mpeg(codec: AudioCodecId) -> bool {
    matches!(codec, CODEC_ID_MP1 | CODEC_ID_MP2 | CODEC_ID_MP3)
}

/// Returns version, layer and sample rate from the header of a packet.
pub(crate) fn mpeg_header(packet: &Packet) -> Option<[u8; 2]> {
    let header: &[u8; 4] = packet.data.first_chunk()?;
    let [_, version_and_layer, rate, _] = header;
    Some([version_and_layer & 0xfe, rate & 0x0c])
}

/// Returns how many frames to drop if nothing is stated, and why.
fn assumed(known: &Known<'_>) -> Option<(u64, &'static str)> {
    match known.codec {
        CODEC_ID_AAC => Some((1024, "the first AAC frame only prepares the second")),
        CODEC_ID_MP3 if known.packets.iter().any(names_lame) => {
            Some((576 + 529, "LAME delays by 576, decoding by 529"))
        }
        CODEC_ID_MP3 => {
            Some((576 + 481, "MP3 delays by at least 576 in its overlap and 481 in its filters"))
        }
        CODEC_ID_MP1 | CODEC_ID_MP2 => Some((481, "the filters of MPEG audio delay by 481")),
        _ => None,
    }
}

/// Returns whether a packet names LAME, which fills spare bytes with its name.
fn names_lame(packet: &Packet) -> bool {
    packet.data.windows(4).any(|four| four == b"LAME")
}

/// Parses the comment of iTunes: zero, delay, padding and length in hexadecimal.
fn gapless_tag(tags: &[Tag]) -> Option<Trim> {
    let tag = tags.iter().find(|tag| tag.name.to_ascii_uppercase().ends_with("ITUNSMPB"))?;
    let mut fields = tag.value.split_ascii_whitespace().skip(1);
    let mut field = || u64::from_str_radix(fields.next()?, 16).ok();
    let (start, _padding, length) = (field()?, field()?, field()?);
    (length > 0).then_some(Trim { start, end: 0, length: Some(length) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_itunes_states_delay_and_length() {
        let tag = |value: &str| Tag { name: "iTunSMPB".into(), value: value.into() };
        let value = " 00000000 00000840 000001CA 00000000003F31F6 00000000 00000000";
        let trim = Trim { start: 2112, end: 0, length: Some(0x3f_31f6) };
        assert_eq!(gapless_tag(&[tag(value)]), Some(trim));
        assert_eq!(gapless_tag(&[tag(" 00000000 00000840")]), None);
        assert_eq!(gapless_tag(&[tag(" 00000000 00000840 00000000 0000000000000000")]), None);
        assert_eq!(gapless_tag(&[]), None);
    }
}
