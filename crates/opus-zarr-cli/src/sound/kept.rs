//! What a file keeps of the source of a recording, besides its audio.

use opus_zarr::{RecordingInfo, SourceMetadata};

/// Metadata of the source, as WAV and FLAC hold it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Chunks of WAV, unchanged as far as they stay true.
    pub(super) chunks: Vec<([u8; 4], Vec<u8>)>,
    /// The texts of `LIST INFO`.
    pub(super) info: Vec<u8>,
    /// Tags: names and values.
    pub(super) tags: Vec<(String, String)>,
}

impl Kept {
    /// Collects what stays true of a file with such a rate. A part of a recording keeps no chunks, and no
    /// tags that state when it began.
    pub(super) fn of(info: &RecordingInfo, is_whole: bool, rate: u32) -> Self {
        let comments = info.tags.comments.iter().filter_map(|comment| comment.split_once('='));
        let tags = comments
            .filter(|(name, value)| is_whole || !states_start(name, value))
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut length = 0_usize;
        let tags = tags.take_while(|(name, value)| {
            length = length.saturating_add(name.len()).saturating_add(value.len());
            length <= MAX_TAGS
        });
        let mut kept = Self { tags: tags.collect(), ..Self::default() };
        if is_whole {
            let source_rate = info.source.transcoding.as_ref().map(|made| made.rate);
            info.source.metadata.iter().for_each(|part| kept.add(part, source_rate, rate));
        }
        kept
    }

    fn add(&mut self, part: &SourceMetadata, source_rate: Option<u32>, rate: u32) {
        let Some(bytes) = part.content.bytes() else { return };
        let mut bytes = bytes.into_owned();
        let Ok(id) = <[u8; 4]>::try_from(part.id.as_bytes()) else { return };
        match &id {
            b"guan" => bytes = played_in_real_time(&bytes),
            b"wamd" => expand_nothing(&mut bytes),
            b"bext" => count_at(&mut bytes, source_rate, rate),
            b"iXML" => {}
            b"LIST" => {
                if let Some(texts) = bytes.strip_prefix(b"INFO")
                    && texts_in(texts).is_some()
                {
                    self.info.extend(texts);
                }
                return;
            }
            _ => return,
        }
        self.chunks.push((id, bytes));
    }

    /// Whether the source has a text with this number in `LIST INFO`.
    pub(super) fn has_text(&self, id: &[u8; 4]) -> bool {
        texts_in(&self.info).is_some_and(|ids| ids.contains(id))
    }
}

/// Whether a tag states when the recording began, as AudioMoth's comment does.
fn states_start(name: &str, value: &str) -> bool {
    name.eq_ignore_ascii_case("DATE") || value.trim_start().starts_with("Recorded at ")
}

/// The file plays in real time, whatever the source did: states a time expansion (`TE`) of 1.
fn played_in_real_time(guano: &[u8]) -> Vec<u8> {
    let lines = guano.split(|&byte| byte == b'\n').map(|line| {
        let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
        if name.trim_ascii() == b"TE" { &b"TE: 1"[..] } else { line }
    });
    lines.collect::<Vec<_>>().join(&b'\n')
}

/// The same for `wamd`, whose field 15 states it.
fn expand_nothing(wamd: &mut [u8]) {
    let mut at = 0_usize;
    while let Some((head, rest)) = wamd.get_mut(at..).and_then(|rest| rest.split_at_mut_checked(6))
    {
        let &mut [low, high, ref size @ ..] = head else { return };
        let size = size.try_into().map_or(0, u32::from_le_bytes);
        if let ([0x0f, 0], Some(factor)) = ([low, high], rest.first_chunk_mut::<2>())
            && size >= 2
        {
            *factor = [1, 0];
        }
        at = at.saturating_add(6).saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
    }
}

/// `bext` counts samples since midnight, at the rate of the file.
fn count_at(bext: &mut [u8], source_rate: Option<u32>, rate: u32) {
    let Some(source_rate) = source_rate.filter(|&found| found != rate && found > 0) else { return };
    if let Some(reference) = bext.get_mut(REFERENCE..).and_then(<[u8]>::first_chunk_mut::<8>) {
        let count = u128::from(u64::from_le_bytes(*reference));
        let count = count * u128::from(rate) / u128::from(source_rate);
        *reference = u64::try_from(count).unwrap_or(0).to_le_bytes();
    }
}

/// Returns the names of the texts in a `LIST INFO`; none if it is not well formed.
fn texts_in(mut list: &[u8]) -> Option<Vec<[u8; 4]>> {
    let mut ids = Vec::new();
    while !list.is_empty() {
        let (id, rest) = list.split_first_chunk::<4>()?;
        let (size, rest) = rest.split_first_chunk::<4>()?;
        let size = usize::try_from(u32::from_le_bytes(*size)).ok()?;
        list = rest.get(size.checked_next_multiple_of(2)?..)?;
        ids.push(*id);
    }
    Some(ids)
}

/// Where `bext` counts samples.
const REFERENCE: usize = 338;

/// How long all tags may be, in bytes.
const MAX_TAGS: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_real_time_states_no_expansion() {
        let guano = b"GUANO|Version: 1.0\r\nTE: 10\nNote: TE: 10\n TE :5\nSamplerate: 384000\n\0";
        let expected = b"GUANO|Version: 1.0\r\nTE: 1\nNote: TE: 10\nTE: 1\nSamplerate: 384000\n\0";
        assert_eq!(played_in_real_time(guano), expected);

        let field = |number: u16, content: &[u8]| {
            let size = u32::try_from(content.len()).unwrap();
            [&number.to_le_bytes()[..], &size.to_le_bytes(), content].concat()
        };
        let before = [field(1, b"SM4"), field(15, &[10, 0]), field(15, &[9])].concat();
        let after = [field(1, b"SM4"), field(15, &[1, 0]), field(15, &[9])].concat();
        let mut wamd = before;
        expand_nothing(&mut wamd);
        assert_eq!(wamd, after);
        for cut in 0..after.len() {
            expand_nothing(&mut after[..cut].to_vec());
        }
        expand_nothing(&mut [15, 0, 255, 255, 255, 255, 1]);
    }

    #[test]
    fn samples_since_midnight_follow_the_rate() {
        let counted = |count: u64, from, to| {
            let mut bext = vec![0; 346];
            bext[338..].copy_from_slice(&count.to_le_bytes());
            count_at(&mut bext, from, to);
            u64::from_le_bytes(bext[338..].try_into().unwrap())
        };
        assert_eq!(counted(32_000, Some(32_000), 48_000), 48_000);
        assert_eq!(counted(u64::MAX, Some(48_000), 48_000), u64::MAX);
        assert_eq!(counted(5, None, 48_000), 5);
        count_at(&mut [0; 340], Some(1), 2);
    }

    #[test]
    fn lists_are_walked_to_the_end() {
        assert_eq!(texts_in(b"IART\x03\0\0\0abc\0INAM\0\0\0\0"), Some(vec![*b"IART", *b"INAM"]));
        assert_eq!(texts_in(b""), Some(Vec::new()));
        for cut in
            [&b"IART"[..], b"IART\x05\0\0\0abc\0", b"IART\xff\xff\xff\xffabc", b"IART\x03\0\0\0abc"]
        {
            assert_eq!(texts_in(cut), None);
        }
    }
}
