//! PCM in MOV and MP4, of which symphonia reads the byte order only in "lpcm" entries.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::codecs::audio::{AudioCodecId, well_known::*};

use super::section::Patch;

/// A sample entry that symphonia would misread.
pub(crate) struct Pcm {
    /// The codec of its samples.
    pub(crate) codec: AudioCodecId,
    /// Makes the entry one that symphonia accepts.
    pub(crate) patches: Vec<Patch>,
}

/// Reads the first entry of an "stsd" box, which begins at `at`; `None` if symphonia reads it.
pub(crate) fn pcm(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<Pcm>> {
    let entry = bytes(file, at, MAX_ENTRY)?;
    let Some([a, b, c, d, kind @ ..]) = entry.first_chunk::<8>() else { return Ok(None) };
    let len = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
    let entry = entry.get(..len).unwrap_or(&entry);
    Ok(of_entry(kind, entry).map(|(codec, name)| Pcm { codec, patches: patches(at, kind, name) }))
}

/// Returns the codec of an entry and the name that symphonia knows it by.
fn of_entry(kind: &[u8; 4], entry: &[u8]) -> Option<(AudioCodecId, &'static [u8; 4])> {
    let version = u16::from_be_bytes(*entry.get(16..)?.first_chunk()?);
    let bits = u16::from_be_bytes(*entry.get(26..)?.first_chunk()?);
    // QuickTime (file format specification, "Sound Sample Description"): big-endian unless an
    // "enda" box says otherwise. Version 2 describes all PCM as "lpcm".
    let children = entry.get(if version == 1 { 52 } else { 36 }..).filter(|_| version < 2)?;
    let is_little =
        || child(children, b"wave").and_then(|wave| child(wave, b"enda")) == Some(&[0, 1]);
    let of = |little, big, name| Some((if is_little() { little } else { big }, name));
    match kind {
        b"in24" => of(CODEC_ID_PCM_S24LE, CODEC_ID_PCM_S24BE, b"in24"),
        b"in32" => of(CODEC_ID_PCM_S32LE, CODEC_ID_PCM_S32BE, b"in32"),
        b"fl32" => of(CODEC_ID_PCM_F32LE, CODEC_ID_PCM_F32BE, b"fl32"),
        b"fl64" => of(CODEC_ID_PCM_F64LE, CODEC_ID_PCM_F64BE, b"fl64"),
        b"twos" | b"sowt" if bits == 8 => Some((CODEC_ID_PCM_S8, b"raw ")),
        b"ipcm" | b"fpcm" => iso(kind, child(children, b"pcmC")?),
        _ => None,
    }
}

/// Returns the codec of an entry by ISO/IEC 23003-5.
fn iso(kind: &[u8; 4], config: &[u8]) -> Option<(AudioCodecId, &'static [u8; 4])> {
    let [_, _, _, _, flags, bits, ..] = *config else { return None };
    let of = |little, big, name| Some((if flags & 1 == 1 { little } else { big }, name));
    match (kind, bits) {
        (b"ipcm", 16) => of(CODEC_ID_PCM_S16LE, CODEC_ID_PCM_S16BE, b"twos"),
        (b"ipcm", 24) => of(CODEC_ID_PCM_S24LE, CODEC_ID_PCM_S24BE, b"in24"),
        (b"ipcm", 32) => of(CODEC_ID_PCM_S32LE, CODEC_ID_PCM_S32BE, b"in32"),
        (b"fpcm", 32) => of(CODEC_ID_PCM_F32LE, CODEC_ID_PCM_F32BE, b"fl32"),
        (b"fpcm", 64) => of(CODEC_ID_PCM_F64LE, CODEC_ID_PCM_F64BE, b"fl64"),
        _ => None,
    }
}

fn patches(at: u64, kind: &[u8; 4], name: &[u8; 4]) -> Vec<Patch> {
    let mut patches = Vec::new();
    if kind != name {
        patches.push(Patch { at: at + 4, bytes: name.to_vec() });
    }
    if matches!(kind, b"ipcm" | b"fpcm") {
        // These entries state 16 bits whatever they hold.
        let bits = match name {
            b"twos" => 16,
            b"in24" => 24,
            b"fl64" => 64,
            _ => 32,
        };
        patches.push(Patch { at: at + 26, bytes: vec![0, bits] });
    }
    patches
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

fn bytes(file: &mut (impl Read + Seek), at: u64, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at))?;
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

const MAX_ENTRY: u64 = 4096;
