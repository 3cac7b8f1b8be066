use super::{Bits, Sound};

/// Returns everything before the samples. All sizes are known, so it can also be written to a pipe.
pub(super) fn header(sound: &Sound) -> Vec<u8> {
    let frame = u64::from(sound.channels) * u64::from(bytes_per_sample(sound));
    let data = sound.samples.saturating_mul(frame);
    let mut chunks = chunk(b"fmt ", &format(sound));
    if sound.bits == Bits::Float32 {
        let samples = u32::try_from(sound.samples).unwrap_or(UNKNOWN);
        chunks.extend(chunk(b"fact", &samples.to_le_bytes()));
    }
    chunks.extend(info(sound));
    sound.kept.chunks.iter().for_each(|(id, content)| chunks.extend(chunk(id, content)));
    let size = |ds64: u64| 4 + ds64 + wide(chunks.len()) + 8 + data;
    let mut header = Vec::new();
    match u32::try_from(size(0)) {
        // An even size cannot be UNKNOWN.
        Ok(size) => {
            header.extend(b"RIFF");
            header.extend(size.to_le_bytes());
            header.extend(b"WAVE");
        }
        _ => {
            header.extend(b"RF64");
            header.extend(UNKNOWN.to_le_bytes());
            header.extend(b"WAVE");
            let mut sizes = [size(DS64), data, sound.samples].map(u64::to_le_bytes).concat();
            // No other chunk is larger than 4 GiB.
            sizes.extend(0u32.to_le_bytes());
            header.extend(chunk(b"ds64", &sizes));
        }
    }
    let is_long = header.starts_with(b"RF64");
    header.extend(chunks);
    header.extend(b"data");
    header.extend(u32::try_from(data).ok().filter(|_| !is_long).unwrap_or(UNKNOWN).to_le_bytes());
    header
}

/// Builds the format chunk, extensible above two channels, whose loudspeakers must be stated.
fn format(sound: &Sound) -> Vec<u8> {
    let tag: u16 = match sound.bits {
        Bits::Int16 | Bits::Int24 => 1,
        Bits::Float32 => 3,
    };
    let is_extensible = sound.channels > 2;
    let bytes = bytes_per_sample(sound);
    let frame = u16::from(sound.channels) * bytes;
    let mut format = if is_extensible { EXTENSIBLE } else { tag }.to_le_bytes().to_vec();
    format.extend(u16::from(sound.channels).to_le_bytes());
    format.extend(sound.rate.to_le_bytes());
    format.extend(sound.rate.saturating_mul(frame.into()).to_le_bytes());
    format.extend(frame.to_le_bytes());
    format.extend((8 * bytes).to_le_bytes());
    match (is_extensible, sound.bits) {
        (false, Bits::Int16 | Bits::Int24) => {}
        (false, Bits::Float32) => format.extend(0u16.to_le_bytes()),
        (true, _) => {
            format.extend(22u16.to_le_bytes());
            format.extend((8 * bytes).to_le_bytes());
            format.extend(sound.speakers.to_le_bytes());
            format.extend(tag.to_le_bytes());
            format.extend(GUID_TAIL);
        }
    }
    format
}

/// Builds the chunk with the texts of the source, and with title and date unless it has these.
fn info(sound: &Sound) -> Vec<u8> {
    let mut list = b"INFO".to_vec();
    list.extend(&sound.kept.info);
    let text = |text: &str| [text.as_bytes(), b"\0"].concat();
    for (id, value) in [(b"INAM", Some(&sound.title)), (b"ICRD", sound.date.as_ref())] {
        if let Some(value) = value.filter(|_| !sound.kept.has_text(id)) {
            list.extend(chunk(id, &text(value)));
        }
    }
    chunk(b"LIST", &list)
}

/// Builds a chunk, padded to an even length.
fn chunk(id: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).unwrap_or(UNKNOWN);
    let padding = if content.len() % 2 == 1 { &[0][..] } else { &[] };
    [id, &size.to_le_bytes()[..], content, padding].concat()
}

fn bytes_per_sample(sound: &Sound) -> u16 {
    sound.bits.bytes().into()
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Stands for a size that is stated elsewhere.
const UNKNOWN: u32 = u32::MAX;

/// Length of the whole chunk `ds64`.
const DS64: u64 = 36;

const EXTENSIBLE: u16 = 0xfffe;

/// Follows the tag in the GUID of an extensible format.
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Write};

    use opus_zarr::{AudioFile, ReadOptions};

    use super::*;
    use crate::sound::{Format, kept::Kept};

    fn sound(bits: Bits, channels: u8, samples: u64) -> Sound {
        Sound {
            format: Format::Wav,
            bits,
            rate: 48_000,
            channels,
            speakers: 0,
            samples,
            title: "odd".to_owned(),
            date: Some("2026-05-12T20:15:00Z".to_owned()),
            kept: Kept::default(),
            is_resampled: false,
        }
    }

    /// Reads a little-endian number.
    fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
        bytes[at..at + length].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn at(header: &[u8], id: &[u8]) -> usize {
        header.windows(4).position(|window| window == id).unwrap()
    }

    #[test]
    fn large_sizes_have_64_bits() {
        let short = header(&sound(Bits::Int16, 1, 1));
        // Everything except the samples and the eight bytes up to the size.
        let around = u64::try_from(short.len()).unwrap() - 8;
        let most = (u64::from(u32::MAX) - 1 - around) / 2;
        let long = header(&sound(Bits::Int16, 1, most));
        assert_eq!((&long[..4], number(&long, 4, 4)), (&b"RIFF"[..], around + 2 * most));
        assert_eq!(number(&long, long.len() - 4, 4), 2 * most);

        let longer = header(&sound(Bits::Int16, 1, most + 1));
        assert_eq!((&longer[..4], number(&longer, 4, 4)), (&b"RF64"[..], u64::from(UNKNOWN)));
        assert_eq!((&longer[8..16], number(&longer, 16, 4)), (&b"WAVEds64"[..], 28));
        let data = 2 * (most + 1);
        assert_eq!(number(&longer, 20, 8), u64::try_from(longer.len()).unwrap() - 8 + data);
        assert_eq!((number(&longer, 28, 8), number(&longer, 36, 8)), (data, most + 1));
        assert_eq!(number(&longer, longer.len() - 4, 4), u64::from(UNKNOWN));
    }

    #[test]
    fn long_files_are_read() {
        let directory = tempfile::tempdir().unwrap();
        for (bits, codec) in
            [(Bits::Int16, "pcm_s16le"), (Bits::Int24, "pcm_s24le"), (Bits::Float32, "pcm_f32le")]
        {
            let path = directory.path().join("long.wav");
            let samples = 3 << 30;
            let header = header(&sound(bits, 6, samples));
            let mut file = File::create(&path).unwrap();
            file.write_all(&header).unwrap();
            // A hole takes no disk space.
            let frame = 6 * u64::from(bytes_per_sample(&sound(bits, 6, 0)));
            file.set_len(wide(header.len()) + samples * frame).unwrap();
            let audio = AudioFile::open(&path, &ReadOptions::default()).unwrap();
            let format = audio.format();
            assert_eq!((format.container.as_str(), format.codec.as_str()), ("rf64", codec));
            assert_eq!((format.channels, audio.findings()), (6, Vec::<String>::new()));
        }
    }

    #[test]
    fn chunks_begin_at_even_offsets() {
        let header = header(&sound(Bits::Float32, 2, 5));
        for id in [&b"fmt "[..], b"fact", b"LIST", b"INAM", b"ICRD", b"data"] {
            assert_eq!(at(&header, id) % 2, 0);
        }
        assert_eq!(number(&header, at(&header, b"fact") + 8, 4), 5);
        assert_eq!(number(&header, at(&header, b"data") + 4, 4), 40);
    }
}
