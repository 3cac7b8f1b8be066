//! Sample entries of MOV and MP4 that symphonia misreads: PCM, of which it knows some encodings with
//! one or two channels, and the byte order only in "lpcm" entries; and ALAC in QuickTime's form.

use std::io::{self, Read, Seek};

use wave_demux::{ByteOrder, Encoding};

use super::{
    flac_file::StreamInfo,
    pcm::Pcm,
    section::{Patch, bytes},
};

/// A sample entry.
pub(crate) struct Entry {
    pub(crate) pcm: Option<Pcm>,
    /// Bytes of a frame of PCM.
    pub(crate) frame_len: u32,
    /// Makes the entry one that symphonia accepts.
    pub(crate) patches: Vec<Patch>,
}

/// Reads the first entry of an "stsd" box, which begins at `at`; `None` if symphonia reads it.
pub(crate) fn first_entry(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<Entry>> {
    let entry = bytes(file, at, MAX_ENTRY)?;
    let Some([a, b, c, d, kind @ ..]) = entry.first_chunk::<8>() else { return Ok(None) };
    let len = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
    let entry = entry.get(..len).unwrap_or(&entry);
    Ok(match kind {
        b"alac" => quicktime_alac(at, entry),
        b"fLaC" => flac(at, entry),
        b"Opus" => opus(at, entry),
        _ => of_entry(at, kind, entry),
    })
}

/// Completes the STREAMINFO in a "dfLa" box.
fn flac(at: u64, entry: &[u8]) -> Option<Entry> {
    let place = entry.windows(4).position(|four| four == b"dfLa")? + 12;
    let info = entry.get(place..)?;
    let patch =
        StreamInfo::parse(at.checked_add(u64::try_from(place).ok()?)?, info)?.complete(None)?;
    Some(Entry { pcm: None, frame_len: 0, patches: vec![patch] })
}

/// Hides the head, since symphonia rejects the whole file for one that it cannot use.
fn opus(at: u64, entry: &[u8]) -> Option<Entry> {
    let place = entry.windows(4).position(|four| four == b"dOps")?;
    let patch = Patch { at: at.checked_add(u64::try_from(place).ok()?)?, bytes: b"free".to_vec() };
    Some(Entry { pcm: None, frame_len: 0, patches: vec![patch] })
}

/// Makes the box with the configuration a sibling of the "wave" box that it is in.
fn quicktime_alac(at: u64, entry: &[u8]) -> Option<Entry> {
    let children = entry.get(fields_len(u16_at(entry, 16)?)?..)?;
    let wave = child(children, b"wave")?;
    let before = wave.windows(8).position(|eight| eight == b"\0\0\0\x24alac")?;
    let place = entry.windows(4).position(|four| four == b"wave")?.checked_sub(4)?;
    let bytes = u32::try_from(before + 8).ok()?.to_be_bytes().to_vec();
    let patches = vec![Patch { at: at.checked_add(u64::try_from(place).ok()?)?, bytes }];
    Some(Entry { pcm: None, frame_len: 0, patches })
}

fn of_entry(at: u64, kind: &[u8; 4], entry: &[u8]) -> Option<Entry> {
    let version = u16_at(entry, 16)?;
    let bits = u16_at(entry, 26)?;
    let channels: u16 = match version {
        0 | 1 => u16_at(entry, 24)?,
        _ => u32_at(entry, 48)?.try_into().ok()?,
    };
    let children = entry.get(fields_len(version)?..)?;
    let mut pcm = match version {
        2 => of_flags(entry)?,
        _ => of_kind(kind, bits, children)?,
    };
    pcm.layout = Some((channels, channel_mask(channels, child(children, b"chan"))));
    let frame_len = u32::from(pcm.encoding.bytes()) * u32::from(channels);
    Some(Entry { pcm: Some(pcm), frame_len, patches: patches(at, version) })
}

/// Returns the length of the fields before the boxes of an entry.
fn fields_len(version: u16) -> Option<usize> {
    [36, 52, 72].get(usize::from(version)).copied()
}

/// Returns the loudspeakers, given the contents of a "chan" box.
fn channel_mask(channels: u16, layout: Option<&[u8]>) -> Option<u32> {
    const USE_BITMAP: u32 = 0x1_0000;
    // The lower bits are those of WAVE.
    let bitmap = layout.filter(|layout| u32_at(layout, 4) == Some(USE_BITMAP));
    match channels {
        1 => Some(1),
        2 => Some(3),
        _ => u32_at(bitmap?, 8).filter(|mask| mask.count_ones() == channels.into()),
    }
}

/// QuickTime file format specification, "Sound Sample Description (Version 2)".
fn of_flags(entry: &[u8]) -> Option<Pcm> {
    const FLOAT: u32 = 1;
    const BIG_ENDIAN: u32 = 2;
    const SIGNED: u32 = 4;
    let (bits, flags) = (u32_at(entry, 56)?, u32_at(entry, 60)?);
    let byte_order = if flags & BIG_ENDIAN == 0 { ByteOrder::Little } else { ByteOrder::Big };
    if entry.get(4..8) != Some(b"lpcm") {
        return None;
    }
    match (bits, flags & (FLOAT | SIGNED)) {
        (8, 0) => Some(Pcm::new(Encoding::U8, byte_order)),
        // Unsigned integers of other widths are left to symphonia.
        (_, 0) => None,
        (bits, kind) => Pcm::of_bits(bits, kind & FLOAT != 0, byte_order),
    }
}

/// QuickTime: big-endian unless an "enda" box says otherwise.
fn of_kind(kind: &[u8; 4], bits: u16, children: &[u8]) -> Option<Pcm> {
    let is_little =
        || child(children, b"wave").and_then(|wave| child(wave, b"enda")) == Some(&[0, 1]);
    let order = |is_little| if is_little { ByteOrder::Little } else { ByteOrder::Big };
    let of = |encoding, is_little| Some(Pcm::new(encoding, order(is_little)));
    match kind {
        b"in24" => of(Encoding::I24, is_little()),
        b"in32" => of(Encoding::I32, is_little()),
        b"fl32" => of(Encoding::F32, is_little()),
        b"fl64" => of(Encoding::F64, is_little()),
        b"alaw" => of(Encoding::ALaw, false),
        b"ulaw" => of(Encoding::MuLaw, false),
        b"raw " if bits == 8 => of(Encoding::U8, false),
        b"twos" | b"sowt" => Pcm::of_bits(bits.into(), false, order(kind == b"sowt")),
        b"ipcm" | b"fpcm" => iso(kind, child(children, b"pcmC")?),
        _ => None,
    }
}

/// ISO/IEC 23003-5.
fn iso(kind: &[u8; 4], config: &[u8]) -> Option<Pcm> {
    let [_, _, _, _, flags, bits, ..] = *config else { return None };
    let byte_order = if flags & 1 == 1 { ByteOrder::Little } else { ByteOrder::Big };
    Pcm::of_bits(bits.into(), kind == b"fpcm", byte_order)
}

/// Turns an entry into 8-bit mono, which symphonia reads in every version. Frames keep their length,
/// which other boxes state.
fn patches(at: u64, version: u16) -> Vec<Patch> {
    let patch = |offset: u64, bytes: &[u8]| Patch { at: at + offset, bytes: bytes.to_vec() };
    match version {
        2 => vec![patch(48, &[0, 0, 0, 1]), patch(56, &[0, 0, 0, 8, 0, 0, 0, 4])],
        1 => vec![patch(4, b"raw "), patch(24, &[0, 1, 0, 8]), patch(40, &[0, 0, 0, 1])],
        _ => vec![patch(4, b"raw "), patch(24, &[0, 1, 0, 8])],
    }
}

/// Returns the contents of the first box of this kind.
fn child<'a>(mut boxes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    loop {
        let (header, _) = boxes.split_first_chunk::<8>()?;
        let [a, b, c, d, found @ ..] = *header;
        let len = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?.max(8);
        if found == *kind {
            return boxes.get(8..len.min(boxes.len()));
        }
        boxes = boxes.get(len..)?;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

const MAX_ENTRY: u64 = 4096;
