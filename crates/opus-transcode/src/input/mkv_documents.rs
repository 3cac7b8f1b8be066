//! The documents of a Matroska file (RFC 8794 section 3), since programs append recordings to one
//! another. symphonia reads the first one, and reports the end of a live file like one inside an element.

use std::{
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    ops::Range,
};

use super::{finding::Finding, mkv_track, mkv_track::header_of, section::Section};

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) bytes: Range<u64>,
    /// Whether it ends where an element ends.
    pub(crate) is_whole: bool,
}

/// A track of a document.
#[derive(Debug)]
pub(crate) struct Selected {
    pub(crate) document: Document,
    /// The place of the track in its document.
    pub(crate) track: usize,
    /// How many tracks all documents have, if there are several.
    pub(crate) tracks: Option<usize>,
    /// About the documents, reported with the first track.
    pub(crate) findings: Vec<Finding>,
}

/// Finds a track, counted from 0. First come the first tracks of each document, then the second ones.
/// `None` if this is not Matroska.
pub(crate) fn select(file: &mut (impl Read + Seek), number: usize) -> io::Result<Option<Selected>> {
    let documents = documents(file)?;
    let Some(first) = documents.first() else { return Ok(None) };
    let mut selected =
        Selected { document: first.clone(), track: number, tracks: None, findings: Vec::new() };
    if documents.len() == 1 {
        return Ok(Some(selected));
    }
    let mut counts = Vec::new();
    for document in documents.iter().take(MAX_DOCUMENTS) {
        let mut section = Section::new(&mut *file, document.bytes.clone())?;
        counts.push(mkv_track::look(&mut section)?.listed());
    }
    counts.resize(documents.len(), 0);
    let most = counts.iter().copied().max().unwrap_or(0);
    let with =
        |track: usize| documents.iter().zip(&counts).filter(move |(_, count)| **count > track);
    let mut all = (0..most).flat_map(|track| with(track).map(move |(one, _)| (track, one)));
    let unread = documents.iter().zip(&counts).filter(|(_, count)| **count == 0 && number == 0);
    selected.findings =
        unread.map(|(one, _)| Finding::Unread { offset: one.bytes.start }).collect();
    selected.tracks = Some(counts.iter().sum());
    if let Some((track, document)) = all.nth(number) {
        (selected.track, selected.document) = (track, document.clone());
    } else {
        selected.track = usize::MAX;
    }
    Ok(Some(selected))
}

/// Finds the documents of a file; none if it does not begin with one.
fn documents(file: &mut (impl Read + Seek)) -> io::Result<Vec<Document>> {
    let end = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut walk = Walk { file: BufReader::new(file), at: 0, end };
    let (mut documents, mut start) = (Vec::new(), 0);
    if !walk.is_document(0)? {
        return Ok(documents);
    }
    loop {
        let found = walk.document(start)?;
        documents.push(Document { bytes: start..found.at, is_whole: found.is_whole });
        if found.next >= end {
            return Ok(documents);
        }
        start = found.next;
    }
}

struct Walk<R> {
    file: R,
    at: u64,
    end: u64,
}

/// The end of a document.
struct End {
    at: u64,
    /// Where the next document begins.
    next: u64,
    is_whole: bool,
}

impl<F: Read + Seek> Walk<BufReader<F>> {
    /// Walks over a document from one element to the next.
    fn document(&mut self, start: u64) -> io::Result<End> {
        let (mut at, mut anchor, mut may_be_appended) = (start, start, true);
        let (mut begun, mut is_in_cluster) = (Vec::new(), false);
        for _ in 0..MAX_ELEMENTS {
            if at == self.end {
                return Ok(End { at, next: at, is_whole: true });
            }
            let header = header_of(&self.bytes(at, MAX_HEADER)?);
            let id = header.map(|(id, ..)| id);
            if at > start && id == Some(EBML) && self.is_document(at)? {
                return Ok(End { at, next: at, is_whole: true });
            }
            let next = header.and_then(|(id, size, len)| {
                // What is in a Segment or in a Cluster of unknown size follows like its own siblings.
                let contents = match (id, size) {
                    (SEGMENT, _) | (CLUSTER, None) => 0,
                    (_, size) => size?,
                };
                Some(at.saturating_add(len).saturating_add(contents))
            });
            let next = next.filter(|next| *next <= self.end);
            let once = id.filter(|id| ONCE.contains(id));
            let is_second = once.is_some_and(|id| begun.contains(&id));
            begun.extend(once.filter(|_| !is_second));
            if may_be_appended
                && (next.is_none()
                    || is_second
                    || !id.is_some_and(|id| is_known(id, is_in_cluster)))
            {
                // The size of the last element may reach into another document.
                if let Some(next) = self.find_document(anchor + 1)? {
                    // What is no element, such as padding, belongs to neither.
                    let is_whole = header.is_none() && at <= next;
                    return Ok(End { at: if is_whole { at } else { next }, next, is_whole });
                }
                may_be_appended = false;
            }
            if id.is_some_and(|id| id > 0xff_ffff && is_known(id, false)) {
                anchor = at;
                is_in_cluster = matches!(header, Some((CLUSTER, None, _)));
            }
            let Some(next) = next else { break };
            at = next;
        }
        Ok(End { at: self.end, next: self.end, is_whole: false })
    }

    fn find_document(&mut self, from: u64) -> io::Result<Option<u64>> {
        self.go_to(from)?;
        loop {
            let buffer = self.file.fill_buf()?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let found = buffer.iter().position(|byte| *byte == EBML_START);
            let skipped = found.unwrap_or(buffer.len());
            self.file.consume(skipped);
            self.at += u64::try_from(skipped).unwrap_or_default();
            let at = self.at;
            if found.is_some() {
                if self.is_document(at)? {
                    return Ok(Some(at));
                }
                self.go_to(at + 1)?;
            }
        }
    }

    /// Returns whether the header of a document is here.
    fn is_document(&mut self, at: u64) -> io::Result<bool> {
        let start = self.bytes(at, MAX_HEADER)?;
        let Some((EBML, Some(size @ ..=MAX_EBML), len)) = header_of(&start) else {
            return Ok(false);
        };
        let header = self.bytes(at + len, size)?;
        let states = |name: &[u8]| header.windows(name.len()).any(|some| some == name);
        Ok(states(b"matroska") || states(b"webm"))
    }

    fn bytes(&mut self, at: u64, len: u64) -> io::Result<Vec<u8>> {
        self.go_to(at)?;
        let mut bytes = Vec::new();
        (&mut self.file).take(len).read_to_end(&mut bytes)?;
        self.at += u64::try_from(bytes.len()).unwrap_or_default();
        Ok(bytes)
    }

    fn go_to(&mut self, at: u64) -> io::Result<()> {
        let step = i128::from(at) - i128::from(self.at);
        self.file.seek_relative(i64::try_from(step).unwrap_or(i64::MAX))?;
        self.at = at;
        Ok(())
    }
}

/// Returns whether Matroska has an element with this id in a Segment or in a Cluster (RFC 9559 section
/// 5.1).
fn is_known(id: u32, is_in_cluster: bool) -> bool {
    const IN_SEGMENT: [u32; 9] = [
        EBML,
        SEGMENT,
        CLUSTER,
        0x114d_9b74,
        0x1549_a966,
        0x1654_ae6b,
        0x1c53_bb6b,
        0x1941_a469,
        0x1043_a770,
    ];
    const TAGS: u32 = 0x1254_c367;
    const VOID_AND_CRC: [u32; 2] = [0xec, 0xbf];
    const IN_CLUSTER: [u32; 7] = [0xe7, 0x5854, 0xa7, 0xab, 0xa3, 0xa0, 0xaf];
    id == TAGS
        || IN_SEGMENT.contains(&id)
        || VOID_AND_CRC.contains(&id)
        || (is_in_cluster && IN_CLUSTER.contains(&id))
}

const EBML: u32 = 0x1a45_dfa3;
const EBML_START: u8 = 0x1a;
const SEGMENT: u32 = 0x1853_8067;
const CLUSTER: u32 = 0x1f43_b675;
/// A document has one Segment, with one Info and one Tracks.
const ONCE: [u32; 3] = [SEGMENT, 0x1549_a966, 0x1654_ae6b];
/// Four bytes of id, eight of size.
const MAX_HEADER: u64 = 12;
/// The EBML header takes about forty bytes.
const MAX_EBML: u64 = 4096;
/// A week of blocks of 20 ms has fewer.
const MAX_ELEMENTS: u32 = 50_000_000;
/// Each is looked at for each track.
const MAX_DOCUMENTS: usize = 1000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may panic")]

    use std::io::Cursor;

    use super::*;

    const HEADER: &[u8] =
        b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\
        \x42\x82\x84webm\x42\x87\x81\x04\x42\x85\x81\x02";

    fn file(segment: &[u8], cluster: &[u8]) -> Vec<u8> {
        let (id, blocks) = (b"\x18\x53\x80\x67", b"\xe7\x81\0\xa3\x84abcd");
        let before = b"\xec\x40\x01\0\x1f\x43\xb6\x75";
        [HEADER, id, segment, before, cluster, blocks].concat()
    }

    fn found(file: &[u8]) -> Vec<(u64, bool)> {
        let documents = documents(&mut Cursor::new(file)).unwrap();
        let ends = documents.iter().map(|one| one.bytes.end);
        let starts = [0].into_iter().chain(ends);
        assert!(documents.iter().map(|one| one.bytes.start).eq(starts.take(documents.len())));
        documents.iter().map(|one| (one.bytes.end, one.is_whole)).collect()
    }

    fn unknown_sizes() -> impl Iterator<Item = Vec<u8>> {
        (1..=8_u32).map(|len| {
            let all = (1_u64 << (7 * len + 1)) - 1;
            all.to_be_bytes()[8 - usize::try_from(len).unwrap()..].to_vec()
        })
    }

    fn layouts() -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        unknown_sizes().flat_map(|size| {
            [(size.clone(), size.clone()), (size.clone(), vec![0x89]), (vec![0x95], size)]
        })
    }

    #[test]
    fn only_an_end_between_elements_is_whole() {
        for (segment, cluster) in layouts() {
            let file = file(&segment, &cluster);
            let len = u64::try_from(file.len()).unwrap();
            assert_eq!(found(&file), [(len, true)], "{segment:?} {cluster:?}");
            let block = file.len() - 6;
            for cut in HEADER.len()..file.len() {
                // Where the Segment has begun, and between its children.
                let begun = HEADER.len() + 4 + segment.len();
                let between = [HEADER.len(), begun, begun + 4, file.len() - 9, block];
                let is_open = cluster.len() > 1 || cluster[0] == 0xff;
                let expected = between.contains(&cut) && (cut < file.len() - 9 || is_open);
                let expected = [(u64::try_from(cut).unwrap(), expected)];
                assert_eq!(found(&file[..cut]), expected, "{segment:?} {cluster:?} cut at {cut}");
            }
        }
        assert!(found(b"RIFF\xff\xff\xff\xff").is_empty());
    }

    #[test]
    fn appended_documents_are_found_whatever_precedes_them() {
        for (segment, cluster) in layouts() {
            let whole = file(&segment, &cluster);
            for cut in HEADER.len()..=whole.len() {
                let all = [&whole[..cut], &whole, &whole].concat();
                let ends: Vec<u64> = found(&all).iter().map(|(end, _)| *end).collect();
                let expected =
                    [cut, cut + whole.len(), all.len()].map(|end| u64::try_from(end).unwrap());
                assert_eq!(ends, expected, "{segment:?} {cluster:?} cut at {cut}");
            }
        }
    }
}
