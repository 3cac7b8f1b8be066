use std::io::{Read, Seek};

use opus_packet::wide;

use crate::{
    Error,
    input::{Seekable, Window},
    mp4::{FindingKind, boxes::BoxAt, finding::Findings},
};

/// Entries of a few big-endian words each, read in order and in constant memory.
#[derive(Debug)]
pub(crate) struct Table {
    at: u64,
    end: u64,
    words: usize,
    left: u32,
    window: Window,
}

/// The words of an entry, with 0 for those that the table lacks.
pub(crate) type Entry = [u32; MAX_WORDS];

impl Table {
    /// A table of `claimed` entries that begins `skip` bytes into the contents of a box.
    /// Entries beyond the box are reported and left out.
    pub(crate) fn new(
        parent: &BoxAt,
        skip: u64,
        words: usize,
        claimed: u32,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let at = parent.body.saturating_add(skip);
        let available = parent.end.saturating_sub(at).checked_div(4 * wide(words));
        let available = available.unwrap_or(u64::from(claimed));
        let left = u32::try_from(available).unwrap_or(u32::MAX).min(claimed);
        if left < claimed {
            let kind = FindingKind::TableTooShort { kind: parent.kind, claimed, available };
            findings.report(parent.start, kind)?;
        }
        Ok(Self { at, end: parent.end, words, left, window: Window::new(AHEAD) })
    }

    /// A table whose number of entries lies `skip` bytes into the contents of a box, before the
    /// entries.
    pub(crate) fn counted<R: Read + Seek>(
        parent: &BoxAt,
        skip: u64,
        words: usize,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let count = parent.fields::<4, R>(input, findings, skip)?.map_or(0, u32::from_be_bytes);
        Self::new(parent, skip.saturating_add(4), words, count, findings)
    }

    pub(crate) fn empty() -> Self {
        Self { at: 0, end: 0, words: 0, left: 0, window: Window::new(0) }
    }

    pub(crate) fn left(&self) -> u32 {
        self.left
    }

    pub(crate) fn next<R: Read + Seek>(
        &mut self,
        input: &mut Seekable<R>,
    ) -> Result<Option<Entry>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let mut entry = [0; MAX_WORDS];
        let len = 4 * self.words;
        let bytes = self.window.get(input, self.at, len, self.end)?;
        for (word, bytes) in entry.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        }
        self.at = self.at.saturating_add(wide(len));
        Ok(Some(entry))
    }
}

/// The sizes of samples: box "stsz" or "stz2" (ISO/IEC 14496-12 section 8.7.3).
#[derive(Debug)]
pub(crate) enum Sizes {
    Same(u32),
    Words(Table),
    /// Sizes of 4, 8 or 16 bits.
    Small {
        words: Table,
        bits: u32,
        word: u32,
        used: u32,
    },
}

impl Sizes {
    /// Reads the sizes and the number of samples.
    pub(crate) fn read<R: Read + Seek>(
        parent: &BoxAt,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<(Self, u64), Error> {
        let Some(fields) = parent.fields::<12, R>(input, findings, 0)? else {
            return Ok((Self::Words(Table::empty()), 0));
        };
        let [_, _, _, _, s0, s1, s2, s3, c0, c1, c2, c3] = fields;
        let count = u32::from_be_bytes([c0, c1, c2, c3]);
        if parent.is(b"stz2") {
            return Self::small(parent, u32::from(s3), count, findings);
        }
        match u32::from_be_bytes([s0, s1, s2, s3]) {
            0 => {
                let table = Table::new(parent, 12, 1, count, findings)?;
                let count = u64::from(table.left());
                Ok((Self::Words(table), count))
            }
            size => Ok((Self::Same(size), u64::from(count))),
        }
    }

    fn small(
        parent: &BoxAt,
        bits: u32,
        count: u32,
        findings: &mut Findings,
    ) -> Result<(Self, u64), Error> {
        let per_word = if matches!(bits, 4 | 8 | 16) { 32 / bits } else { u32::MAX };
        let at = parent.body.saturating_add(12);
        let available = 8 * parent.end.saturating_sub(at) / u64::from(bits.max(1));
        let available = if per_word == u32::MAX { 0 } else { available };
        if u64::from(count) > available {
            let kind = FindingKind::TableTooShort { kind: parent.kind, claimed: count, available };
            findings.report(parent.start, kind)?;
        }
        let count = count.min(u32::try_from(available).unwrap_or(u32::MAX));
        // The last word may be cut off.
        let words = Table {
            at,
            end: parent.end,
            words: 1,
            left: count.div_ceil(per_word),
            window: Window::new(AHEAD),
        };
        Ok((Self::Small { words, bits, word: 0, used: 32 }, u64::from(count)))
    }

    pub(crate) fn next<R: Read + Seek>(
        &mut self,
        input: &mut Seekable<R>,
    ) -> Result<Option<u32>, Error> {
        match self {
            Self::Same(size) => Ok(Some(*size)),
            Self::Words(table) => Ok(table.next(input)?.map(|[size, ..]| size)),
            Self::Small { words, bits, word, used } => {
                if *used >= 32 {
                    let Some(next) = words.next_partial(input)? else { return Ok(None) };
                    (*word, *used) = (next, 0);
                }
                *used += *bits;
                Ok(Some((*word >> 32_u32.saturating_sub(*used)) & ((1 << *bits) - 1)))
            }
        }
    }
}

impl Table {
    /// The next word, whose last bytes may be missing at the end of the box.
    fn next_partial<R: Read + Seek>(
        &mut self,
        input: &mut Seekable<R>,
    ) -> Result<Option<u32>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let mut word = [0; 4];
        for (byte, found) in word.iter_mut().zip(self.window.get(input, self.at, 4, self.end)?) {
            *byte = *found;
        }
        self.at = self.at.saturating_add(4);
        Ok(Some(u32::from_be_bytes(word)))
    }
}

pub(crate) const MAX_WORDS: usize = 5;
/// Bytes read at a time. Fuzzing reads few, so that entries often cross their end.
const AHEAD: usize = if cfg!(fuzzing) { 24 } else { 4096 };
