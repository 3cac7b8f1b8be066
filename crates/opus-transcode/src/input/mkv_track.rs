//! What symphonia does not read in the tracks of Matroska files: PCM of some widths, and the delay of
//! the encoder.

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek},
};

use wave_demux::{ByteOrder, Encoding};

use super::{
    flac_file::StreamInfo,
    pcm::Pcm,
    section::{Patch, bytes},
};

/// The tracks of a file, by number.
#[derive(Debug, Default)]
pub(crate) struct Tracks {
    pub(crate) pcm: BTreeMap<u32, Pcm>,
    /// CodecDelay in nanoseconds, if not 0.
    pub(crate) delays: BTreeMap<u32, u64>,
    /// Makes symphonia accept the tracks with PCM, and hides those without a usable head.
    pub(crate) patches: Vec<Patch>,
    /// Tracks that symphonia cannot open, next to others.
    pub(crate) unusable: Vec<u32>,
    /// Hides these.
    hidden: Vec<Patch>,
    /// The number of audio tracks.
    audio: usize,
}

/// Reads the tracks of a file.
pub(crate) fn look(file: &mut (impl Read + Seek)) -> io::Result<Tracks> {
    let mut tracks = Tracks::default();
    let start = bytes(file, 0, MAX_START)?;
    let Some(mut at) = segment(&start) else { return Ok(tracks) };
    // Bounded, since tracks precede clusters in all but odd files.
    for _ in 0..MAX_ELEMENTS {
        let header = bytes(file, at, MAX_HEADER)?;
        let Some((id, size, len)) = header_of(&header) else { break };
        let contents = at + len;
        match (id, size) {
            (CLUSTER, _) | (_, None) => break,
            (TRACKS, Some(size)) => {
                let list = bytes(file, contents, size.min(MAX_TRACKS))?;
                let entries = Elements { bytes: &list, at: contents };
                entries.filter(|entry| entry.id == TRACK_ENTRY).for_each(|entry| tracks.add(entry));
                break;
            }
            (_, Some(size)) => at = contents.saturating_add(size),
        }
    }
    // Otherwise symphonia says what is wrong with the only one.
    if tracks.unusable.len() < tracks.audio {
        tracks.patches.append(&mut tracks.hidden);
    } else {
        tracks.unusable.clear();
    }
    Ok(tracks)
}

impl Tracks {
    /// Returns how many audio tracks symphonia lists.
    pub(crate) fn listed(&self) -> usize {
        self.audio - self.unusable.len()
    }

    fn add(&mut self, entry: Element<'_>) {
        let all: Vec<_> = entry.children().collect();
        let find = |id| all.iter().find(|element| element.id == id).copied();
        let number = find(TRACK_NUMBER).and_then(Element::number);
        let Some(number) = number.and_then(|number| u32::try_from(number).ok()) else { return };
        if let Some(delay @ 1..) = find(CODEC_DELAY).and_then(Element::number) {
            self.delays.insert(number, delay);
        }
        let audio = |id| find(AUDIO)?.children().find(|one| one.id == id);
        let (Some(codec), depth) = (find(CODEC_ID), audio(BIT_DEPTH)) else { return };
        let private = find(CODEC_PRIVATE).map_or(&[][..], |private| private.bytes);
        let pcm = pcm(codec.text(), depth.and_then(Element::number).unwrap_or(0), private);
        self.audio += usize::from(codec.text().starts_with(b"A_"));
        // symphonia rejects the file for these. A depth of 0 says nothing.
        let rate = audio(SAMPLING_FREQUENCY).filter(|rate| !rate.is_rate());
        let channels = audio(CHANNELS).filter(|channels| channels.number() == Some(0));
        let depth = depth.filter(|depth| depth.number() == Some(0));
        let is_listed = pcm.is_some() || LISTED.contains(&codec.text());
        let is_headed = has_usable_head(codec.text(), private);
        if !(is_listed && is_headed && rate.is_none() && channels.is_none()) {
            self.unusable.push(number);
            self.hidden.push(Patch { at: codec.at, bytes: b"X".to_vec() });
            let wrong = [rate, channels, depth].into_iter().flatten();
            self.hidden.extend(wrong.filter_map(Element::to_void));
            return;
        }
        self.patches.extend(depth.and_then(Element::to_void));
        if codec.text() == b"A_FLAC" {
            let private = find(CODEC_PRIVATE);
            self.patches.extend(private.and_then(|private| flac_patch(private.at, private.bytes)));
        }
        let Some(pcm) = pcm else { return };
        self.pcm.insert(number, pcm);
        // symphonia gives this codec no depth and looks at nothing else.
        let mut name = b"A_TTA1".to_vec();
        name.resize(codec.bytes.len().max(name.len()), 0);
        self.patches.push(Patch { at: codec.at, bytes: name });
    }
}

fn pcm(codec: &[u8], bits: u64, private: &[u8]) -> Option<Pcm> {
    let bits = u32::try_from(bits).ok()?;
    match codec {
        // Integers of 8 bits are unsigned, as in WAVE.
        b"A_PCM/INT/LIT" | b"A_PCM/INT/BIG" if bits == 8 => {
            Some(Pcm::new(Encoding::U8, ByteOrder::Little))
        }
        b"A_PCM/INT/LIT" => Pcm::of_bits(bits, false, ByteOrder::Little),
        b"A_PCM/INT/BIG" => Pcm::of_bits(bits, false, ByteOrder::Big),
        b"A_PCM/FLOAT/IEEE" => Pcm::of_bits(bits, true, ByteOrder::Little),
        b"A_MS/ACM" => acm(private),
        _ => None,
    }
}

/// Returns whether symphonia can open a track. It rejects the whole file for one that it cannot.
fn has_usable_head(codec: &[u8], private: &[u8]) -> bool {
    match codec {
        b"A_FLAC" => {
            let info = private.strip_prefix(b"fLaC").and_then(|blocks| blocks.get(..4 + 34));
            info.is_some_and(|info| matches!(info, [0 | 0x80, 0, 0, 34, ..]))
        }
        // Three headers, with the lengths of two.
        b"A_VORBIS" => {
            let lengths = private.strip_prefix(b"\x02").and_then(|rest| laced(laced(rest)?.1));
            lengths.is_some_and(|(_, headers)| headers.starts_with(b"\x01vorbis"))
        }
        _ => true,
    }
}

/// Reads a length, which a byte below 255 ends (RFC 9559 section 10.3.2), and returns what follows.
fn laced(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let end = bytes.iter().position(|byte| *byte < 255)?;
    let (length, rest) = bytes.split_at(end + 1);
    Some((length.iter().copied().map(usize::from).sum(), rest))
}

/// Completes STREAMINFO, which follows "fLaC" and the header of its block.
fn flac_patch(at: u64, private: &[u8]) -> Option<Patch> {
    let info = private.strip_prefix(b"fLaC")?.get(4..)?;
    StreamInfo::parse(at.checked_add(8)?, info)?.complete(None)
}

/// Reads a WAVEFORMATEX, or a WAVEFORMATEXTENSIBLE, whose GUID begins with the tag.
fn acm(format: &[u8]) -> Option<Pcm> {
    let word = |at: usize| Some(u16::from_le_bytes(*format.get(at..)?.first_chunk()?));
    let tag = if word(0)? == 0xfffe { word(24)? } else { word(0)? };
    let encoding = match (tag, word(14)?) {
        (1, 8) => Encoding::U8,
        (1, bits) => return Pcm::of_bits(bits.into(), false, ByteOrder::Little),
        (3, bits) => return Pcm::of_bits(bits.into(), true, ByteOrder::Little),
        (6, _) => Encoding::ALaw,
        (7, _) => Encoding::MuLaw,
        _ => return None,
    };
    Some(Pcm::new(encoding, ByteOrder::Little))
}

#[derive(Clone, Copy)]
struct Element<'a> {
    id: u32,
    /// Position of its header in the file.
    start: u64,
    /// Position of the contents in the file.
    at: u64,
    bytes: &'a [u8],
}

impl<'a> Element<'a> {
    fn children(self) -> Elements<'a> {
        Elements { bytes: self.bytes, at: self.at }
    }

    fn number(self) -> Option<u64> {
        let is_number = self.bytes.len() <= 8;
        is_number.then(|| self.bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Returns whether this is a rate at which something can be sampled.
    fn is_rate(self) -> bool {
        let rate = match *self.bytes {
            [a, b, c, d] => f32::from_be_bytes([a, b, c, d]).into(),
            [a, b, c, d, e, f, g, h] => f64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => 0.0,
        };
        rate.is_finite() && rate > 0.0
    }

    /// Makes a short element one that readers skip.
    fn to_void(self) -> Option<Patch> {
        let contents =
            self.at.checked_sub(self.start)? - 2 + u64::try_from(self.bytes.len()).ok()?;
        let size = u8::try_from(contents).ok().filter(|size| *size < 0x7f)?;
        Some(Patch { at: self.start, bytes: vec![VOID, 0x80 | size] })
    }

    /// Returns a string up to its first NUL.
    fn text(self) -> &'a [u8] {
        self.bytes.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

/// Consecutive elements, up to the first that does not fit.
struct Elements<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (id, size, len) = header_of(self.bytes)?;
        let rest = self.bytes.get(usize::try_from(len).ok()?..)?;
        let (bytes, rest) = rest.split_at_checked(usize::try_from(size?).ok()?)?;
        let element = Element { id, start: self.at, at: self.at + len, bytes };
        self.at = element.at + size?;
        self.bytes = rest;
        Some(element)
    }
}

/// Returns id, size (`None` if unknown: all bits are set, RFC 8794 section 6.2) and length of the header
/// of an element.
pub(super) fn header_of(bytes: &[u8]) -> Option<(u32, Option<u64>, u64)> {
    let len = usize::try_from(bytes.first()?.leading_zeros()).ok()? + 1;
    let (id, rest) = bytes.split_at_checked(len).filter(|_| len <= 4)?;
    let id = id.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let size_len = usize::try_from(rest.first()?.leading_zeros()).ok()? + 1;
    let field = rest.get(..size_len).filter(|_| size_len <= 8)?;
    let marker = 1_u64 << (7 * size_len);
    let size = field.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)) ^ marker;
    let is_known = size != marker - 1;
    Some((id, is_known.then_some(size), u64::try_from(len + size_len).ok()?))
}

/// Returns where the contents of the segment begin, whether or not its size is known.
fn segment(start: &[u8]) -> Option<u64> {
    let (EBML, size, len) = header_of(start)? else { return None };
    let at = len.checked_add(size?)?;
    let rest = start.get(usize::try_from(at).ok()?..)?;
    let (SEGMENT, _, len) = header_of(rest)? else { return None };
    Some(at + len)
}

/// The EBML header takes about forty bytes.
const MAX_START: u64 = 4096;
/// The header of an element: four bytes of id, eight of size.
const MAX_HEADER: u64 = 12;
const MAX_ELEMENTS: u32 = 1000;
/// Codecs of video may have long headers.
const MAX_TRACKS: u64 = 16 << 20;

/// The codecs besides PCM that symphonia lists, whether or not it decodes them. Others it passes over.
const LISTED: [&[u8]; 33] = [
    b"A_MPEG/L1",
    b"A_MPEG/L2",
    b"A_MPEG/L3",
    b"A_FLAC",
    b"A_OPUS",
    b"A_VORBIS",
    b"A_AAC",
    b"A_AAC/MPEG2/MAIN",
    b"A_AAC/MPEG2/LC",
    b"A_AAC/MPEG2/LC/SBR",
    b"A_AAC/MPEG2/SSR",
    b"A_AAC/MPEG4/MAIN",
    b"A_AAC/MPEG4/LC",
    b"A_AAC/MPEG4/LC/SBR",
    b"A_AAC/MPEG4/SSR",
    b"A_AAC/MPEG4/LTP",
    b"A_MPC",
    b"A_AC3",
    b"A_AC3/BSID9",
    b"A_AC3/BSID10",
    b"A_EAC3",
    b"A_TRUEHD",
    b"A_ALAC",
    b"A_DTS",
    b"A_TTA1",
    b"A_WAVPACK4",
    b"A_ATRAC/AT1",
    b"A_REAL/ATRC",
    b"A_REAL/14_4",
    b"A_REAL/28_8",
    b"A_REAL/COOK",
    b"A_REAL/SIPR",
    b"A_REAL/RALF",
];

const EBML: u32 = 0x1a45_dfa3;
const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1f43_b675;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK_ENTRY: u32 = 0xae;
const TRACK_NUMBER: u32 = 0xd7;
const CODEC_ID: u32 = 0x86;
const CODEC_PRIVATE: u32 = 0x63a2;
const CODEC_DELAY: u32 = 0x56aa;
const AUDIO: u32 = 0xe1;
const BIT_DEPTH: u32 = 0x6264;
const SAMPLING_FREQUENCY: u32 = 0xb5;
const CHANNELS: u32 = 0x9f;
/// The id of elements without a meaning.
const VOID: u8 = 0xec;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn element(id: u32, contents: &[u8]) -> Vec<u8> {
        let id = id.to_be_bytes();
        let id = &id[id.iter().position(|byte| *byte != 0).unwrap()..];
        [id, &[0x80 | u8::try_from(contents.len()).unwrap()], contents].concat()
    }

    fn file(codec: &[u8], bits: u8, private: &[u8]) -> Vec<u8> {
        let entry = [
            element(TRACK_NUMBER, &[2]),
            element(CODEC_ID, codec),
            element(CODEC_PRIVATE, private),
            element(CODEC_DELAY, &[1, 0]),
            element(AUDIO, &element(BIT_DEPTH, &[bits])),
        ];
        let tracks = element(TRACKS, &element(TRACK_ENTRY, &entry.concat()));
        // The size of the segment is unknown.
        [element(EBML, b"abc"), b"\x18\x53\x80\x67\xff".to_vec(), element(0xec, b"void"), tracks]
            .concat()
    }

    #[test]
    fn pcm_and_delay_of_a_track_are_found() {
        let of = |codec: &[u8], bits, private: &[u8]| {
            let file = file(codec, bits, private);
            let tracks = look(&mut Cursor::new(&file)).unwrap();
            assert_eq!(tracks.delays, BTreeMap::from([(2, 256)]));
            for patch in tracks.patches.iter().filter(|patch| patch.bytes[0] != VOID) {
                let at = usize::try_from(patch.at).unwrap();
                assert!(file[at..].starts_with(codec));
                assert_eq!(patch.bytes.len(), codec.len());
            }
            tracks.pcm.get(&2).map(|pcm| (pcm.encoding, pcm.byte_order))
        };
        let (little, big) = (ByteOrder::Little, ByteOrder::Big);
        assert_eq!(of(b"A_PCM/INT/LIT", 8, b""), Some((Encoding::U8, little)));
        assert_eq!(of(b"A_PCM/INT/LIT\0", 64, b""), Some((Encoding::I64, little)));
        assert_eq!(of(b"A_PCM/INT/BIG", 24, b""), Some((Encoding::I24, big)));
        assert_eq!(of(b"A_PCM/FLOAT/IEEE", 32, b""), Some((Encoding::F32, little)));
        let mut acm = vec![0; 40];
        for (tag, bits, found) in [
            (6, 8, Some((Encoding::ALaw, little))),
            (7, 8, Some((Encoding::MuLaw, little))),
            (1, 8, Some((Encoding::U8, little))),
            (1, 16, Some((Encoding::I16, little))),
            (0x55, 0, None),
        ] {
            (acm[0], acm[14]) = (tag, bits);
            assert_eq!(of(b"A_MS/ACM", 0, &acm), found);
            let mut extensible = acm.clone();
            (extensible[0], extensible[1], extensible[24]) = (0xfe, 0xff, tag);
            assert_eq!(of(b"A_MS/ACM", 0, &extensible), found);
        }
        assert_eq!(of(b"A_VORBIS", 0, b""), None);
        assert_eq!(of(b"A_PCM/INT/LIT", 12, b""), None);
    }

    #[test]
    fn damage_does_not_panic() {
        let whole = file(b"A_PCM/INT/LIT", 16, b"");
        for at in 0..whole.len() {
            look(&mut Cursor::new(&whole[..at])).unwrap();
            for value in [0, 1, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                look(&mut Cursor::new(&damaged)).unwrap();
            }
        }
    }
}
