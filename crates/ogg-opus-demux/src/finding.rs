use std::{borrow::Cow, fmt};

use opus_packet::{InvalidHead, InvalidPacket, InvalidTags, InvalidTimeline};

use crate::{InvalidPage, Note, Violation};

/// A problem in a stream, or something its reader should know, and at which byte. `Display`
/// is one line.
pub type Finding = opus_packet::Finding<FindingKind>;

pub(crate) type Findings = opus_packet::Findings<FindingKind>;

/// What can be found in a stream. `Display` also states what a tolerant reader does about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum FindingKind {
    /// Bytes that are not an Ogg page.
    Skipped { bytes: u64, reason: InvalidPage },
    /// Valid pages that break a rule.
    Violation(Violation),
    /// An invalid packet.
    Packet { packet: u64, reason: InvalidPacket },
    /// An invalid identification header.
    Head(InvalidHead),
    /// An invalid comment header.
    Tags(InvalidTags),
    /// More samples are trimmed than the stream has.
    Timeline(InvalidTimeline),
    /// Something valid that is worth knowing.
    Note(Note),
}

impl opus_packet::FindingKind for FindingKind {
    /// Everything but a [`Note`] is a violation.
    fn is_violation(&self) -> bool {
        !matches!(self, Self::Note(_))
    }

    fn omitted(count: u64) -> Self {
        Self::Note(Note::Omitted { count })
    }
}

impl FindingKind {
    /// What a tolerant reader does about it; empty for most notes.
    pub fn consequence(&self) -> Cow<'static, str> {
        match self {
            Self::Skipped { bytes, .. } => format!("skipped {bytes} bytes").into(),
            Self::Violation(violation) => violation.consequence().into(),
            Self::Packet { .. } => "dropped".into(),
            Self::Head(_) => "the stream is not read".into(),
            Self::Tags(_) => "read without tags".into(),
            Self::Timeline(_) => "nothing plays".into(),
            Self::Note(Note::OtherStream { .. } | Note::ExtraHeadBytes { .. }) => "ignored".into(),
            Self::Note(Note::OtherTrack { .. }) => "read as a track of its own".into(),
            Self::Note(_) => "".into(),
        }
    }

    /// The number of the broken rule in the project's `docs/demuxing.md`; `None` for a note.
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

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Problem(self))?;
        match self.consequence() {
            consequence if consequence.is_empty() => Ok(()),
            consequence => write!(f, "; {consequence}"),
        }
    }
}

/// What was found, without the consequence: a strict reader has none.
pub(crate) struct Problem<'a>(pub(crate) &'a FindingKind);

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            FindingKind::Skipped { reason, .. } => reason.fmt(f),
            FindingKind::Violation(violation) => violation.fmt(f),
            FindingKind::Packet { packet, reason } => write!(f, "packet {packet}: {reason}"),
            FindingKind::Head(reason) => reason.fmt(f),
            FindingKind::Tags(reason) => reason.fmt(f),
            FindingKind::Timeline(reason) => write!(f, "end of the stream: {reason}"),
            FindingKind::Note(note) => note.fmt(f),
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

#[cfg(test)]
mod tests {
    use super::*;
    use opus_packet::OpusHead;

    /// The rules are those of the table in `docs/demuxing.md`.
    #[test]
    fn a_wrong_head_names_its_rule() {
        // Version, channels, family, and the bytes after the family.
        let table: [(u8, u8, u8, &[u8], u8); 7] = [
            (16, 1, 0, &[], 12),
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
