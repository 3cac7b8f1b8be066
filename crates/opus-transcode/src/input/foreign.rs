//! Chunks of WAVE, W64 and AIFF files that FLAC files keep in APPLICATION blocks
//! (`flac --keep-foreign-metadata`).

use std::io::Cursor;

use wave_demux::{Chunk, WaveReader};

/// The chunks of one file.
#[derive(Debug, Default)]
pub(crate) struct Foreign {
    form: Option<&'static Form>,
    /// A file without samples that has these chunks.
    file: Vec<u8>,
    /// Where blocks begin in `file` and in the FLAC file.
    places: Vec<(u64, u64)>,
}

/// How a kind of file begins and ends if it has no samples.
#[derive(Debug)]
struct Form {
    application: [u8; 4],
    start: &'static [u8],
    end: &'static [u8],
    /// Chunks begin at multiples of it.
    align: usize,
    len: fn(&[u8]) -> Option<usize>,
}

static FORMS: [Form; 3] = [
    Form {
        application: *b"riff",
        start: b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0",
        end: b"data\x02\0\0\0\0\0",
        align: 2,
        len: |chunk| of_32_bits(chunk, u32::from_le_bytes),
    },
    Form {
        application: *b"aiff",
        start: b"FORM\0\0\0\0AIFFCOMM\0\0\0\x12\0\x01\0\0\0\x01\0\x10\x40\x0e\xbb\x80\0\0\0\0\0\0",
        end: b"SSND\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0",
        align: 2,
        len: |chunk| of_32_bits(chunk, u32::from_be_bytes),
    },
    Form {
        application: *b"w64 ",
        start: b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0\0\0\0\0\0\0\0\0\
            wave\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a\
            fmt \xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a\x28\0\0\0\0\0\0\0\
            \x01\0\x01\0\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0",
        end: b"data\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a\x1a\0\0\0\0\0\0\0\0\0",
        align: 8,
        len: |chunk| usize::try_from(u64::from_le_bytes(*chunk.get(16..)?.first_chunk()?)).ok(),
    },
];

/// Returns the length of a chunk with its header, which states that of its contents.
fn of_32_bits(chunk: &[u8], number: fn([u8; 4]) -> u32) -> Option<usize> {
    usize::try_from(number(*chunk.get(4..)?.first_chunk()?)).ok()?.checked_add(8)
}

/// What describes the samples of the original, which FLAC replaces.
const OF_SAMPLES: [&[u8]; 11] = [
    b"RIFF", b"RF64", b"BW64", b"FORM", b"riff", b"fmt ", b"data", b"ds64", b"COMM", b"SSND",
    b"FVER",
];

impl Foreign {
    /// Adds an APPLICATION block, whose contents begin at `at`. Ignores chunks that do not lie in it.
    pub(crate) fn add(&mut self, at: u64, block: &[u8]) {
        let Some((application, mut rest)) = block.split_first_chunk() else { return };
        let Some(form) = FORMS.iter().find(|form| form.application == *application) else { return };
        if self.form.is_some_and(|own| own.application != form.application) {
            return;
        }
        let next = |rest: &[u8]| {
            let len = (form.len)(rest).filter(|len| *len > 0 && *len <= rest.len());
            len.filter(|_| !OF_SAMPLES.iter().any(|id| rest.starts_with(id)))
        };
        while let Some(len) = next(rest) {
            let (chunk, more) = rest.split_at(len);
            let before = block.len() - rest.len();
            self.push(form, chunk, at.saturating_add(u64::try_from(before).unwrap_or(0)));
            rest = more.get(len.next_multiple_of(form.align) - len..).unwrap_or(&[]);
        }
    }

    fn push(&mut self, form: &'static Form, chunk: &[u8], at: u64) {
        if self.form.is_none() {
            (self.form, self.file) = (Some(form), form.start.to_vec());
        }
        let here = u64::try_from(self.file.len()).unwrap_or(u64::MAX);
        if here < MAX_KEPT {
            self.places.push((here, at));
            self.file.extend_from_slice(chunk);
            self.file.resize(self.file.len().next_multiple_of(form.align), 0);
        }
    }

    /// Returns the chunks as if read from the original, placed in the FLAC file.
    pub(crate) fn into_chunks(mut self) -> Vec<Chunk> {
        let Some(form) = self.form else { return Vec::new() };
        self.file.extend_from_slice(form.end);
        let Ok(reader) = WaveReader::new(Cursor::new(&self.file)) else { return Vec::new() };
        let mut chunks = reader.chunks().to_vec();
        chunks.retain(|chunk| self.places.first().is_some_and(|(first, _)| chunk.offset > *first));
        for chunk in &mut chunks {
            let place = self.places.iter().rev().find(|(here, _)| *here <= chunk.offset);
            let (here, there) = place.copied().unwrap_or_default();
            chunk.offset = chunk.offset.saturating_sub(here).saturating_add(there);
        }
        chunks
    }
}

/// `wave-demux` keeps no more either.
const MAX_KEPT: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(blocks: &[&[u8]]) -> Vec<(String, u64, Vec<u8>)> {
        let mut foreign = Foreign::default();
        for (number, block) in (0..).zip(blocks) {
            foreign.add(number * 1000, block);
        }
        let of = |chunk: Chunk| (chunk.id.to_string(), chunk.offset, chunk.bytes.unwrap());
        foreign.into_chunks().into_iter().map(of).collect()
    }

    #[test]
    fn chunks_of_all_forms_are_read() {
        let riff: [&[u8]; 5] = [
            b"riffRIFF\0\0\0\0WAVE",
            b"rifffmt \x02\0\0\0\x01\0",
            b"riffdata\0\x77\x01\0",
            b"riffguan\x03\0\0\0abc\0",
            b"riffLIST\x04\0\0\0INFO",
        ];
        let found = chunks(&riff);
        assert_eq!(found[0], ("\"guan\"".to_owned(), 3012, b"abc".to_vec()));
        assert_eq!(found[1], ("\"LIST\"".to_owned(), 4012, b"INFO".to_vec()));
        assert_eq!(found.len(), 2);
        let aiff: [&[u8]; 2] = [b"aiffSSND\0\0\x77\0", b"aiffNAME\0\0\0\x03Fen\0"];
        assert_eq!(chunks(&aiff), [("\"NAME\"".to_owned(), 1012, b"Fen".to_vec())]);
        let mut w64 = b"w64 bext\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a".to_vec();
        w64.extend_from_slice(b"\x1b\0\0\0\0\0\0\0abc\0\0\0\0\0");
        assert_eq!(chunks(&[&w64]), [("\"bext\"".to_owned(), 28, b"abc".to_vec())]);
    }

    #[test]
    fn a_block_may_hold_several_chunks_and_leave_out_padding() {
        let blocks: [&[u8]; 2] =
            [b"riffabcd\x01\0\0\0x\0efgh\x03\0\0\0yyy", b"riffijkl\x02\0\0\0zz"];
        let found = chunks(&blocks);
        let expected: [(&str, u64, &[u8]); 3] =
            [("\"abcd\"", 12, b"x"), ("\"efgh\"", 22, b"yyy"), ("\"ijkl\"", 1012, b"zz")];
        let expected = expected.map(|(id, at, bytes)| (id.to_owned(), at, bytes.to_vec()));
        assert_eq!(found, expected);
    }

    #[test]
    fn other_blocks_are_ignored() {
        let none: [&[u8]; 4] = [b"", b"rif", b"ATCHguan\0\0\0\0", b"riff"];
        assert_eq!(chunks(&none), []);
        let too_long: [&[u8]; 4] =
            [b"riffguan\x04\0\0\0abc", b"riffguan\xff\xff\xff\xff", b"riffgua", b"w64 guan"];
        assert_eq!(chunks(&too_long), []);
        let zero = [&b"w64 "[..], &[7; 16], &[0; 100]].concat();
        assert_eq!(chunks(&[&zero]), []);
    }
}
