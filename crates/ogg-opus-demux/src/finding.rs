use std::{borrow::Cow, collections::VecDeque, fmt};

use opus_packet::{InvalidHead, InvalidPacket, InvalidTags, InvalidTimeline};

use crate::{Error, InvalidPage, Note, Skipped, Violation};

/// Something about a stream that its reader should know: what, where, and what
/// became of it. `Display` is one complete line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Byte position in the stream.
    pub offset: u64,
    /// What was found.
    pub kind: FindingKind,
}

/// What can be found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum FindingKind {
    #[error("{reason}")]
    Skipped { bytes: u64, reason: InvalidPage },
    #[error("{0}")]
    Violation(Violation),
    #[error("packet {packet}: {reason}")]
    Packet { packet: u64, reason: InvalidPacket },
    #[error("{0}")]
    Head(InvalidHead),
    #[error("{0}")]
    Tags(InvalidTags),
    #[error("end of the stream: {0}")]
    Timeline(InvalidTimeline),
    /// Not wrong, but good to know.
    #[error("{0}")]
    Note(Note),
}

impl Finding {
    /// Whether a rule is broken. What is not a violation is a [`Note`].
    pub fn is_violation(&self) -> bool {
        !matches!(self.kind, FindingKind::Note(_))
    }

    pub(crate) fn new(offset: u64, kind: impl Into<FindingKind>) -> Self {
        Self { offset, kind: kind.into() }
    }

    /// The same as an error; none for a note.
    pub(crate) fn into_error(self) -> Option<Error> {
        let offset = self.offset;
        match self.kind {
            FindingKind::Skipped { reason, .. } => Some(Error::Page { offset, reason }),
            FindingKind::Violation(violation) => Some(Error::Structure { offset, violation }),
            FindingKind::Packet { packet, reason } => {
                Some(Error::Packet { offset, packet, reason })
            }
            FindingKind::Head(reason) => Some(Error::Head { offset, reason }),
            FindingKind::Tags(reason) => Some(Error::Tags { offset, reason }),
            FindingKind::Timeline(reason) => Some(Error::Timeline { offset, reason }),
            FindingKind::Note(_) => None,
        }
    }
}

impl FindingKind {
    /// What a tolerant reader does about it; empty for most notes.
    pub fn consequence(&self) -> Cow<'static, str> {
        match self {
            Self::Skipped { bytes, .. } => format!("{bytes} bytes are passed over").into(),
            Self::Violation(violation) => violation.consequence().into(),
            Self::Packet { .. } => "it is dropped".into(),
            Self::Head(_) => "the stream is not read".into(),
            Self::Tags(_) => "there are no tags".into(),
            Self::Timeline(_) => "nothing plays".into(),
            Self::Note(Note::OtherStream { .. }) => "it is ignored".into(),
            Self::Note(_) => "".into(),
        }
    }

    /// Number of the rule that is broken, as `docs/demuxing.md` of the project numbers
    /// them; none for a note.
    pub fn rule(&self) -> Option<u8> {
        match self {
            Self::Skipped { reason: InvalidPage::Truncated { .. }, .. } => Some(11),
            Self::Skipped { reason: InvalidPage::Capture { .. }, .. } => Some(3),
            Self::Skipped { .. } => Some(1),
            Self::Violation(violation) => Some(violation.rule()),
            Self::Packet { reason: InvalidPacket::Empty, .. } => Some(19),
            Self::Packet { .. } => Some(18),
            Self::Head(reason) => Some(rule_of_head(reason)),
            Self::Tags(_) => Some(17),
            Self::Timeline(_) => Some(22),
            Self::Note(_) => None,
        }
    }
}

fn rule_of_head(reason: &InvalidHead) -> u8 {
    match reason {
        InvalidHead::UnsupportedFamily { .. } | InvalidHead::Channels { family: 2 | 3, .. } => 14,
        InvalidHead::Channels { .. }
        | InvalidHead::MappingTooShort { .. }
        | InvalidHead::Streams { .. }
        | InvalidHead::Index { .. } => 13,
        _ => 12,
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.kind)?;
        match self.kind.consequence() {
            consequence if consequence.is_empty() => Ok(()),
            consequence => write!(f, "; {consequence}"),
        }
    }
}

impl From<Violation> for FindingKind {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl From<Note> for FindingKind {
    fn from(note: Note) -> Self {
        Self::Note(note)
    }
}

impl From<Skipped> for Finding {
    fn from(skipped: Skipped) -> Self {
        let Skipped { offset, bytes, reason } = skipped;
        Self { offset, kind: FindingKind::Skipped { bytes, reason } }
    }
}

/// Where findings go: a strict reader makes an error of the first violation, a
/// tolerant one keeps them until they are asked for.
#[derive(Debug)]
pub(crate) struct Findings {
    is_strict: bool,
    kept: VecDeque<Finding>,
    omitted: u64,
    last_offset: u64,
}

impl Findings {
    pub(crate) fn new(is_strict: bool) -> Self {
        Self { is_strict, kept: VecDeque::new(), omitted: 0, last_offset: 0 }
    }

    #[cold]
    pub(crate) fn add(&mut self, finding: Finding) -> Result<(), Error> {
        self.last_offset = finding.offset;
        if self.kept.len() >= MAX_KEPT {
            self.omitted += 1;
        } else {
            self.kept.push_back(finding.clone());
        }
        match finding.into_error() {
            Some(error) if self.is_strict => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.is_strict
    }

    pub(crate) fn report(
        &mut self,
        offset: u64,
        kind: impl Into<FindingKind>,
    ) -> Result<(), Error> {
        self.add(Finding::new(offset, kind))
    }

    /// Takes out all that have come since the last time.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Finding> + use<'_> {
        let count = std::mem::take(&mut self.omitted);
        let omitted = Finding::new(self.last_offset, Note::Omitted { count });
        self.kept.drain(..).chain((count > 0).then_some(omitted))
    }
}

/// So many are kept if nobody asks for them, so that memory stays bounded.
const MAX_KEPT: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use opus_packet::OpusHead;

    /// The rules are those of the table in `docs/demuxing.md`.
    #[test]
    fn a_wrong_head_names_its_rule() {
        // Version, channels, family, and what follows the family.
        let table: [(u8, u8, u8, &[u8], u8); 8] = [
            (16, 1, 0, &[], 12),
            (1, 1, 0, &[9], 12),
            (1, 3, 0, &[], 13),
            (1, 2, 1, &[1, 1, 0], 13),
            (1, 2, 1, &[1, 2, 0, 1], 13),
            (1, 2, 1, &[1, 0, 0, 1], 13),
            (1, 2, 2, &[1, 0, 0, 1], 14),
            (1, 2, 240, &[], 14),
        ];
        for (version, channels, family, rest, rule) in table {
            let start = [b"OpusHead", &[version, channels][..], &[0; 8], &[family]].concat();
            let reason = OpusHead::parse(&[&start, rest].concat()).unwrap_err();
            assert_eq!(FindingKind::Head(reason).rule(), Some(rule), "{reason}");
        }
    }
}
