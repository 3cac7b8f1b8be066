//! The streams of audio in an Ogg file (RFC 3533), link by link. symphonia lists those of a link by
//! serial number, and ends a link as soon as another stream begins.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom},
    ops::Range,
};

use super::{finding::Finding, id3, ogg_flac::crc, section::Patch};

/// A recording: one stream of each of some links in a row.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Selected {
    /// The bytes of the links.
    pub(crate) bytes: Option<Range<u64>>,
    /// The serial number of the stream in each link.
    pub(crate) serials: VecDeque<u32>,
    /// Whether these are not the first links.
    pub(crate) is_later: bool,
    /// How many recordings the file has.
    pub(crate) recordings: Option<usize>,
    /// Takes the flag from stray first pages, which would end the link.
    pub(crate) patches: Vec<Patch>,
    /// About the file, reported with its first recording.
    pub(crate) findings: Vec<Finding>,
}

/// Finds a recording, counted from 0. A recording extends over links with the same kinds of streams.
/// First come those of the first stream of each link in the order of the file, then those of the
/// second. Returns `None` if there is none, or if this is not Ogg.
pub(crate) fn select(
    file: &mut (impl Read + Seek),
    bytes: Range<u64>,
    number: usize,
) -> io::Result<Option<Selected>> {
    file.seek(SeekFrom::Start(bytes.start))?;
    let mut header = Vec::new();
    file.by_ref().take(10).read_to_end(&mut header)?;
    let at = bytes.start + id3::size(&header).map_or(0, |size| 10 + size);
    file.seek(SeekFrom::Start(at))?;
    let mut pages = Pages { file: BufReader::new(file), at };
    if !pages.file.fill_buf()?.starts_with(CAPTURE) {
        return Ok(None);
    }
    let mut links = Links::default();
    while let Some(page) = pages.next()? {
        links.page(&page);
    }
    Ok(links.select(bytes.end, number))
}

/// The first pages of all links.
#[derive(Debug, Default)]
struct Links {
    links: Vec<Link>,
    /// The last page began a stream.
    is_beginning: bool,
    patches: Vec<Patch>,
    unread: Vec<u64>,
}

#[derive(Debug)]
struct Link {
    start: u64,
    streams: Vec<Stream>,
}

#[derive(Debug)]
struct Stream {
    first_page: Page,
    has_audio: bool,
}

/// Links in a row with the same kinds of streams.
struct Part {
    bytes: Range<u64>,
    kinds: Vec<Kind>,
    /// The serial numbers of each link.
    links: Vec<Vec<u32>>,
}

/// What streams have in common that can continue one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The number of channels and the rate.
    Vorbis([u8; 5]),
    /// Rate, channels and bits per sample.
    Flac([u8; 4]),
    Other,
}

impl Links {
    fn page(&mut self, page: &Page) {
        let is_second = std::mem::replace(&mut self.is_beginning, page.is_first());
        if !page.is_first() {
            if is_second && self.goes_on(page.serial) {
                self.drop_last();
            }
            let stream = self.links.last_mut().and_then(|link| link.stream(page.serial));
            stream.into_iter().for_each(|stream| stream.has_audio |= page.granule > 0);
            return;
        }
        if !is_second && self.links.len() < MAX_LINKS {
            self.links.push(Link { start: page.at, streams: Vec::new() });
        }
        if let Some(link) = self.links.last_mut().filter(|one| one.streams.len() < MAX_STREAMS) {
            link.streams.retain(|one| one.first_page.serial != page.serial);
            link.streams.push(Stream { first_page: page.clone(), has_audio: false });
        }
    }

    /// Returns whether a page belongs to the link before the last one, whose first pages are stray.
    fn goes_on(&mut self, serial: u32) -> bool {
        let [.., before, last] = self.links.as_mut_slice() else { return false };
        last.stream(serial).is_none() && before.stream(serial).is_some()
    }

    fn drop_last(&mut self) {
        for Stream { first_page, .. } in self.links.pop().into_iter().flat_map(|link| link.streams)
        {
            self.unread.push(first_page.at);
            if self.patches.len() < MAX_PATCHES {
                self.patches.push(first_page.as_later());
            }
        }
    }

    fn select(mut self, end: u64, number: usize) -> Option<Selected> {
        let first = self.links.first()?.start;
        let parts = self.parts(end);
        let most = parts.iter().map(|part| part.kinds.len()).max()?;
        let with = |stream: usize| parts.iter().filter(move |part| part.kinds.len() > stream);
        let mut all = (0..most).flat_map(|stream| with(stream).map(move |part| (stream, part)));
        let (stream, part) = all.nth(number)?;
        self.unread.sort_unstable();
        let findings = self.unread.into_iter().filter(|_| number == 0);
        Some(Selected {
            bytes: Some(part.bytes.clone()),
            is_later: part.bytes.start > first,
            serials: part.links.iter().filter_map(|link| link.get(stream)).copied().collect(),
            recordings: Some(parts.iter().map(|part| part.kinds.len()).sum()),
            patches: self.patches,
            findings: findings.map(|offset| Finding::Unread { offset }).collect(),
        })
    }

    fn parts(&mut self, end: u64) -> Vec<Part> {
        let (mut parts, mut is_new) = (Vec::<Part>::new(), true);
        let links = std::mem::take(&mut self.links);
        let ends: Vec<u64> = links.iter().skip(1).map(|link| link.start).chain([end]).collect();
        for (link, end) in links.iter().zip(ends) {
            let audio = link.streams.iter().filter(|stream| stream.is_audio());
            let (kinds, serials): (Vec<_>, Vec<_>) =
                audio.map(|stream| (stream.first_page.kind, stream.first_page.serial)).unzip();
            if kinds.is_empty() {
                self.unread.push(link.start);
                is_new = true;
                continue;
            }
            match parts.last_mut().filter(|part| !is_new && part.kinds == kinds) {
                Some(part) => {
                    part.bytes.end = end;
                    part.links.push(serials);
                }
                None => parts.push(Part { bytes: link.start..end, kinds, links: vec![serials] }),
            }
            is_new = false;
        }
        parts
    }
}

impl Link {
    fn stream(&mut self, serial: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.first_page.serial == serial)
    }
}

impl Stream {
    fn is_audio(&self) -> bool {
        self.has_audio && matches!(self.first_page.kind, Kind::Vorbis(_) | Kind::Flac(_))
    }
}

/// The header of a page.
#[derive(Clone, Debug)]
struct Page {
    at: u64,
    flags: u8,
    granule: i64,
    serial: u32,
    /// Of a first page.
    kind: Kind,
    /// The bytes of a first page from its flags up to its checksum, as if it were none.
    later: Vec<u8>,
}

impl Page {
    fn is_first(&self) -> bool {
        self.flags & FIRST != 0
    }

    fn as_later(&self) -> Patch {
        Patch { at: self.at + FLAGS_AT, bytes: self.later.clone() }
    }
}

/// Walks over pages. Verifies the checksums of first pages only.
struct Pages<R> {
    file: BufReader<R>,
    at: u64,
}

impl<R: Read + Seek> Pages<R> {
    fn next(&mut self) -> io::Result<Option<Page>> {
        while self.find_capture()? {
            let Some(header) = self.read(HEADER_LEN)? else { return Ok(None) };
            let Some(count) = header.last().filter(|_| header.get(4) == Some(&0)) else { continue };
            let Some(lacing) = self.read(usize::from(*count))? else { return Ok(None) };
            let len: i64 = lacing.iter().copied().map(i64::from).sum();
            let (Some(granule), Some(serial)) = (field(&header, 6), field(&header, 14)) else {
                continue;
            };
            let flags = header.get(5).copied().unwrap_or_default();
            let at = self.at;
            let mut page = Page {
                at,
                flags,
                granule: i64::from_le_bytes(granule),
                serial: u32::from_le_bytes(serial),
                kind: Kind::Other,
                later: Vec::new(),
            };
            let size = HEADER_LEN + lacing.len();
            if page.is_first() {
                let Some(body) = self.read(usize::try_from(len).unwrap_or_default())? else {
                    return Ok(None);
                };
                let mut bytes = [header.as_slice(), &lacing, &body].concat();
                if field(&bytes, CHECKSUM.start) != Some(checksum(&bytes)) {
                    // Its length may be wrong.
                    self.at += 1;
                    self.file.seek(SeekFrom::Start(self.at))?;
                    continue;
                }
                page.kind = kind(&body);
                page.later = later(&mut bytes);
            } else {
                self.file.seek_relative(len)?;
            }
            self.at += u64::try_from(size).unwrap_or_default() + len.unsigned_abs();
            return Ok(Some(page));
        }
        Ok(None)
    }

    /// Skips to the next capture pattern. Returns false at the end.
    fn find_capture(&mut self) -> io::Result<bool> {
        loop {
            let buffer = self.file.fill_buf()?;
            if buffer.is_empty() {
                return Ok(false);
            }
            let skipped = buffer.iter().position(|byte| *byte == b'O').unwrap_or(buffer.len());
            self.skip(skipped);
            let Some(four) = self.read(CAPTURE.len())? else { return Ok(false) };
            self.file.seek_relative(-4)?;
            if four == CAPTURE {
                return Ok(true);
            }
            self.file.fill_buf()?;
            self.skip(1);
        }
    }

    fn skip(&mut self, count: usize) {
        self.file.consume(count);
        self.at += u64::try_from(count).unwrap_or_default();
    }

    /// Reads bytes, but leaves the position of the page. `None` at the end.
    fn read(&mut self, count: usize) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; count];
        match self.file.read_exact(&mut bytes) {
            Ok(()) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A field of the header of a page.
fn field<const N: usize>(header: &[u8], at: usize) -> Option<[u8; N]> {
    header.get(at..)?.first_chunk().copied()
}

/// What the identification header of a stream states.
fn kind(packet: &[u8]) -> Kind {
    let vorbis = packet.strip_prefix(b"\x01vorbis").and_then(|rest| field(rest, 4));
    let flac = packet.strip_prefix(b"\x7fFLAC").and_then(|rest| field(rest, FLAC_RATE_AT));
    match (vorbis, flac) {
        (Some(fields), _) => Kind::Vorbis(fields),
        (_, Some([r0, r1, r2, rest])) => Kind::Flac([r0, r1, r2, rest & 0xf0]),
        _ => Kind::Other,
    }
}

/// The checksum that a page should have.
fn checksum(page: &[u8]) -> [u8; 4] {
    let mut page = page.to_vec();
    page.iter_mut().take(CHECKSUM.end).skip(CHECKSUM.start).for_each(|byte| *byte = 0);
    crc(&page).to_le_bytes()
}

/// Takes the flag from a first page: see [`Page::later`].
fn later(page: &mut [u8]) -> Vec<u8> {
    page.iter_mut().skip(5).take(1).for_each(|flags| *flags &= !FIRST);
    let sum = checksum(page);
    [page.get(5..CHECKSUM.start).unwrap_or_default(), &sum].concat()
}

const CAPTURE: &[u8; 4] = b"OggS";
/// Length of the fields before the lacing values.
const HEADER_LEN: usize = 27;
const FLAGS_AT: u64 = 5;
const FIRST: u8 = 2;
const CHECKSUM: Range<usize> = 22..26;
/// After the mapping version, the number of headers, "fLaC", the header of STREAMINFO and the sizes of
/// blocks and frames: 20 bits of rate, 3 of channels, 5 of bits per sample and 4 of the length.
const FLAC_RATE_AT: usize = 2 + 2 + 4 + 4 + 10;
const MAX_LINKS: usize = 10_000;
const MAX_STREAMS: usize = 1000;
/// Each read applies them all.
const MAX_PATCHES: usize = 64;

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn page(serial: u32, flags: u8, granule: i64, body: &[u8]) -> Vec<u8> {
        let mut page = [CAPTURE.as_slice(), &[0, flags], &granule.to_le_bytes()].concat();
        page.extend(serial.to_le_bytes());
        page.extend([0; 8]);
        page.extend([1, u8::try_from(body.len()).unwrap()]);
        page.extend(body);
        let sum = checksum(&page);
        page[CHECKSUM].copy_from_slice(&sum);
        page
    }

    fn first(serial: u32, channels: u8) -> Vec<u8> {
        let head = [b"\x01vorbis\0\0\0\0".as_slice(), &[channels, 0x80, 0xbb, 0, 0]].concat();
        page(serial, FIRST, 0, &head)
    }

    fn audio(serial: u32) -> Vec<u8> {
        page(serial, 0, 960, b"audio")
    }

    fn all(file: &[u8]) -> Vec<Selected> {
        let end = u64::try_from(file.len()).unwrap();
        let select = |number| select(&mut Cursor::new(file), 0..end, number).unwrap();
        let all: Vec<_> = (0..20).map_while(select).collect();
        assert!(all.iter().all(|one| one.recordings == Some(all.len())));
        all
    }

    fn serials(file: &[Vec<u8>]) -> Vec<Vec<u32>> {
        all(&file.concat()).into_iter().map(|one| one.serials.into()).collect()
    }

    #[test]
    fn streams_keep_the_order_of_the_file() {
        let file = [first(9, 1), first(3, 1), first(5, 1), audio(5), audio(9), audio(3)];
        assert_eq!(serials(&file), [[9], [3], [5]]);
        assert_eq!(serials(&file[..5]), [[9], [5]], "those with audio");
        assert!(serials(&file[..3]).is_empty());
        assert!(serials(&[b"RIFF".to_vec()]).is_empty());
    }

    #[test]
    fn equal_links_are_one_recording_and_others_are_not() {
        let link = |serial, channels| [first(serial, channels), audio(serial)].concat();
        let file = [link(1, 1), link(2, 1), link(3, 2), link(4, 1), link(5, 1)];
        assert_eq!(serials(&file), [vec![1, 2], vec![3], vec![4, 5]]);
        let ends = [0, 2, 3, 5].map(|end| u64::try_from(file[..end].concat().len()).unwrap());
        let bytes: Vec<_> = all(&file.concat()).into_iter().map(|one| one.bytes.unwrap()).collect();
        assert_eq!(bytes, [ends[0]..ends[1], ends[1]..ends[2], ends[2]..ends[3]]);
        let are_later = all(&file.concat()).into_iter().map(|one| one.is_later);
        assert!(are_later.eq([false, true, true]));
        // The second streams follow all first ones.
        let two = |serial| {
            [first(serial, 1), first(serial + 10, 2), audio(serial), audio(serial + 10)].concat()
        };
        let file = [two(1), link(3, 1), two(4)];
        assert_eq!(serials(&file), [[1], [3], [4], [11], [14]]);
        let are_later = all(&file.concat()).into_iter().map(|one| one.is_later);
        assert!(are_later.eq([false, true, true, false, true]));
    }

    #[test]
    fn stray_and_unreadable_streams_are_reported_and_hidden() {
        let stray = page(7, FIRST, 0, b"OpusHead");
        let (before, after) = ([first(1, 1), audio(1)].concat(), audio(1));
        let offset = u64::try_from(before.len()).unwrap();
        let file = [before.clone(), stray.clone(), after].concat();
        let [found] = &all(&file)[..] else { panic!("one recording") };
        assert_eq!(found.findings, [Finding::Unread { offset }]);
        let mut hidden = file;
        let [Patch { at, bytes }] = &found.patches[..] else { panic!("one page") };
        let at = usize::try_from(*at).unwrap();
        hidden[at..at + bytes.len()].copy_from_slice(bytes);
        assert!(hidden[before.len()..].starts_with(&page(7, 0, 0, b"OpusHead")));
        // A link of its own, at the end or in the middle.
        for rest in [vec![], [first(2, 1), audio(2)].concat()] {
            let other = page(7, 0, 5, b"other");
            let file = [before.clone(), stray.clone(), other, rest.clone()].concat();
            let found = all(&file);
            assert_eq!(found[0].findings, [Finding::Unread { offset }]);
            assert_eq!(
                (found[0].patches.len(), found.len()),
                (0, 1 + usize::from(!rest.is_empty()))
            );
            assert_eq!(found[0].bytes, Some(0..offset));
        }
    }

    #[test]
    fn damage_hides_no_page() {
        let mut damaged = first(2, 2);
        damaged[30] ^= 1;
        let file = [first(1, 1), b"junk OggO".to_vec(), audio(1), damaged, first(3, 2), audio(3)];
        assert_eq!(serials(&file), [[1], [3]]);
        let bytes = file.concat();
        for end in 0..bytes.len() {
            assert!(all(&bytes[..end]).len() <= 2);
        }
    }
}
