//! Boxes (ISO/IEC 14496-12 section 4.2).

use std::io::{Read, Seek};

use crate::{
    Error,
    input::Seekable,
    mp4::{FindingKind, FourCc, finding::Findings},
};

/// Where a box lies. Its end lies within the file, regardless of its claim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoxAt {
    pub(crate) kind: FourCc,
    pub(crate) start: u64,
    /// Start of its contents.
    pub(crate) body: u64,
    pub(crate) end: u64,
}

impl BoxAt {
    pub(crate) fn is(&self, kind: &[u8; 4]) -> bool {
        self.kind.0 == *kind
    }

    /// `N` bytes of the contents, `skip` bytes after their start. Reported if they are missing.
    pub(crate) fn fields<const N: usize, R: Read + Seek>(
        &self,
        input: &mut Seekable<R>,
        findings: &mut Findings,
        skip: u64,
    ) -> Result<Option<[u8; N]>, Error> {
        let expected = skip.saturating_add(u64::try_from(N).unwrap_or(u64::MAX));
        let found = self.end.saturating_sub(self.body);
        if found < expected {
            let kind = FindingKind::BoxFields { kind: self.kind, found, expected };
            findings.report(self.start, kind)?;
            return Ok(None);
        }
        input.array(self.body.saturating_add(skip))
    }
}

/// Walks over the boxes in a part of the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boxes {
    at: u64,
    end: u64,
}

impl Boxes {
    pub(crate) fn between(at: u64, end: u64) -> Self {
        Self { at, end }
    }

    /// The boxes in a box, `skip` bytes after the start of its contents.
    pub(crate) fn of(parent: &BoxAt, skip: u64) -> Self {
        Self { at: parent.body.saturating_add(skip), end: parent.end }
    }

    pub(crate) fn next<R: Read + Seek>(
        &mut self,
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Option<BoxAt>, Error> {
        let start = self.at;
        let available = self.end.saturating_sub(start);
        // Fewer bytes are padding, such as the four zeros that end some QuickTime lists.
        let header = if available < 8 { None } else { input.array::<8>(start)? };
        let Some([s0, s1, s2, s3, k0, k1, k2, k3]) = header else { return Ok(None) };
        let kind = FourCc([k0, k1, k2, k3]);
        let (header_len, claimed) = match u32::from_be_bytes([s0, s1, s2, s3]) {
            0 => (8, available),
            1 => (16, input.array(start.saturating_add(8))?.map_or(0, u64::from_be_bytes)),
            size => (8, u64::from(size)),
        };
        if claimed < header_len || available < header_len {
            self.at = self.end;
            findings.report(start, FindingKind::BoxTooShort { kind, claimed })?;
            return Ok(None);
        }
        self.at = start.saturating_add(claimed.min(available));
        if claimed > available {
            findings.report(start, FindingKind::BoxBeyondEnd { kind, claimed, available })?;
        }
        let body = start.saturating_add(header_len);
        Ok(Some(BoxAt { kind, start, body, end: self.at }))
    }

    /// The first box of a kind.
    pub(crate) fn find<R: Read + Seek>(
        mut self,
        kind: &[u8; 4],
        input: &mut Seekable<R>,
        findings: &mut Findings,
    ) -> Result<Option<BoxAt>, Error> {
        while let Some(found) = self.next(input, findings)? {
            if found.is(kind) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// Returns whether a file that begins with these bytes (8 suffice) is an MP4 file, judging by
/// its first box.
pub fn is_mp4(start: &[u8]) -> bool {
    start.get(4..8).is_some_and(|kind| FIRST_BOXES.iter().any(|first| kind == *first))
}

const FIRST_BOXES: [&[u8; 4]; 10] =
    [b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx", b"pdin"];
