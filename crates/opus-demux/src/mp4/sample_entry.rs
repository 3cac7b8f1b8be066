//! Sample entries (ISO/IEC 14496-12 section 8.5.2, and "Encapsulation of Opus in ISO Base Media
//! File Format" section 4.3).

use std::io::{Read, Seek};

use opus_packet::{ChannelMapping, OpusHead};

use crate::{
    Error,
    input::Seekable,
    mp4::{
        FindingKind, FourCc,
        boxes::{BoxAt, Boxes},
        error::Reason,
        finding::Findings,
    },
};

/// The codec of a track: Opus if any sample entry is, otherwise that of the first.
pub(crate) fn codec<R: Read + Seek>(
    descriptions: &BoxAt,
    input: &mut Seekable<R>,
) -> Result<Option<FourCc>, Error> {
    let entries = entries(descriptions, input)?;
    let first = entries.first().map(|entry| entry.kind);
    Ok(entries.iter().find(|entry| entry.is(b"Opus")).map(|entry| entry.kind).or(first))
}

/// The sample entries of a track that are used.
#[derive(Debug)]
pub(crate) struct Descriptions {
    pub(crate) head: OpusHead,
    /// For each entry, whether its packets fit that head.
    usable: Vec<bool>,
    pub(crate) offset: u64,
}

impl Descriptions {
    /// Returns whether samples of the entry with this number, counted from 1, are used.
    pub(crate) fn is_usable(&self, number: u32) -> bool {
        let at = number.checked_sub(1).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.usable.get(at)).copied().unwrap_or(false)
    }

    /// Reads the heads in a track's sample entries and keeps the first. Returns `None` if the track
    /// holds no Opus.
    pub(crate) fn read<R: Read + Seek>(
        descriptions: &BoxAt,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Option<Self>, Error> {
        let mut found: Option<Self> = None;
        let mut before = 0;
        for entry in entries(descriptions, input)? {
            let is_first = found.is_none();
            let head = match &entry.kind.0 {
                b"Opus" => Some(read_head(&entry, input, findings)?),
                b"enca" if is_first => {
                    refuse_encrypted(&entry, input)?;
                    None
                }
                _ => None,
            };
            match (&mut found, head) {
                (None, None) => before += 1,
                (None, Some(head)) => {
                    let mut usable = vec![false; before];
                    usable.push(true);
                    found = Some(Self { head, usable, offset: entry.start });
                }
                (Some(found), head) => {
                    let is_same = head.is_some_and(|head| head.mapping() == found.head.mapping());
                    found.usable.push(is_same);
                }
            }
        }
        Ok(found)
    }
}

/// The sample entries, limited so that their table stays small.
fn entries<R: Read + Seek>(
    descriptions: &BoxAt,
    input: &mut Seekable<R>,
) -> Result<Vec<BoxAt>, Error> {
    let mut children = Boxes::of(descriptions, 8);
    let mut entries = Vec::new();
    while entries.len() < MAX_ENTRIES {
        let Some(entry) = children.next(input, &mut Findings::new(false))? else { break };
        entries.push(entry);
    }
    Ok(entries)
}

fn read_head<R: Read + Seek>(
    entry: &BoxAt,
    input: &mut Seekable<R>,
    findings: &mut Findings,
) -> Result<OpusHead, Error> {
    let missing = || Error::at(entry.start, Reason::NoHead);
    let at = find_in_entry(b"dOps", entry, input)?.ok_or_else(missing)?;
    let len = at.end.saturating_sub(at.body);
    let bytes = input.bytes(at.body, len, MAX_HEAD_LEN)?;
    let offset = at.start;
    let too_short = || Error::at(offset, Reason::HeadTooShort { found: bytes.len() });
    let (fields, mapping) = bytes.split_first_chunk::<11>().ok_or_else(too_short)?;
    let [version, channels, p0, p1, r0, r1, r2, r3, g0, g1, family] = *fields;
    if version != 0 {
        findings.report(offset, FindingKind::HeadVersion { found: version })?;
    }
    // Some writers copy OpusHead unchanged. Read in the wrong byte order, a sample rate is
    // impossibly high.
    let (big, little) = ([r0, r1, r2, r3], [r3, r2, r1, r0]);
    let [rate, swapped] = [big, little].map(u32::from_be_bytes);
    let is_little = rate > MAX_RATE && swapped <= MAX_RATE;
    let (pre_skip, rate, gain) = if is_little {
        findings.report(offset, FindingKind::LittleEndian { rate: swapped })?;
        (u16::from_le_bytes([p0, p1]), swapped, i16::from_le_bytes([g0, g1]))
    } else {
        (u16::from_be_bytes([p0, p1]), rate, i16::from_be_bytes([g0, g1]))
    };
    ChannelMapping::parse(family, channels, mapping)
        .and_then(|mapping| Ok(OpusHead::new(1, pre_skip, rate)?.with_mapping(mapping)))
        .map(|head| head.with_output_gain(gain))
        .map_err(|reason| Error::at(offset, Reason::Head(reason)))
}

/// Returns an error with the scheme if the encrypted codec is Opus.
fn refuse_encrypted<R: Read + Seek>(entry: &BoxAt, input: &mut Seekable<R>) -> Result<(), Error> {
    let Some(info) = find_in_entry(b"sinf", entry, input)? else { return Ok(()) };
    let ignored = &mut Findings::new(false);
    let format = Boxes::of(&info, 0).find(b"frma", input, ignored)?;
    let scheme = Boxes::of(&info, 0).find(b"schm", input, ignored)?;
    let format = match format {
        Some(format) => input.array(format.body)?.map(FourCc),
        None => None,
    };
    let scheme = match scheme {
        Some(scheme) => input.array(scheme.body.saturating_add(4))?.map(FourCc),
        None => None,
    };
    if format == Some(FourCc(*b"Opus")) {
        let scheme = scheme.unwrap_or(FourCc(*b"????"));
        return Err(Error::at(entry.start, Reason::Encrypted { scheme }));
    }
    Ok(())
}

/// A box in an audio sample entry: after the fields of its version or, in QuickTime, in a
/// "wave" box there.
fn find_in_entry<R: Read + Seek>(
    kind: &[u8; 4],
    entry: &BoxAt,
    input: &mut Seekable<R>,
) -> Result<Option<BoxAt>, Error> {
    let version = input.array(entry.body.saturating_add(8))?.map_or(0, u16::from_be_bytes);
    // QuickTime appends fields in versions 1 and 2; ISO files do not.
    let skips = match version {
        1 => [FIELDS_LEN + 16, FIELDS_LEN],
        2 => [FIELDS_LEN + 36, FIELDS_LEN],
        _ => [FIELDS_LEN, FIELDS_LEN],
    };
    let ignored = &mut Findings::new(false);
    for skip in skips {
        let children = Boxes::of(entry, skip);
        if let Some(found) = children.find(kind, input, ignored)? {
            return Ok(Some(found));
        }
        if let Some(wave) = children.find(b"wave", input, ignored)? {
            let found = Boxes::of(&wave, 0).find(kind, input, ignored)?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

/// Length of the fields of an audio sample entry of version 0.
const FIELDS_LEN: u64 = 28;
/// No audio has a higher rate.
const MAX_RATE: u32 = 1_000_000;
const MAX_ENTRIES: usize = 256;
/// More than a matrix of 255 by 255 channels takes.
const MAX_HEAD_LEN: usize = 256 * 1024;
