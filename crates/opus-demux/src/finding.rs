use std::fmt;

use opus_packet::Gap;

use crate::{AudioFinding, ExtendedPackets, caf, mp4, ogg, raw, webm};

/// A problem in a file of any container, or something its reader should know, and at which
/// byte. `Display` is one line.
pub type Finding = opus_packet::Finding<FindingKind>;

/// What can be found in a file: a finding of its container or its packets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// In Ogg.
    Ogg(ogg::FindingKind),
    /// In WebM or Matroska.
    Webm(webm::FindingKind),
    /// In MP4.
    Mp4(mp4::FindingKind),
    /// In CAF.
    Caf(caf::FindingKind),
    /// In a raw stream.
    Raw(raw::FindingKind),
    /// In the packets of any container. Found once, at the end of a stream.
    Extensions(ExtendedPackets),
}

impl FindingKind {
    /// Returns whether this tells of other audio, such as Vorbis, that a reader of Opus leaves out.
    pub fn is_other_audio(&self) -> bool {
        matches!(
            self,
            Self::Ogg(ogg::FindingKind::Note(ogg::Note::OtherStream { .. }))
                | Self::Webm(
                    webm::FindingKind::OtherTrack { .. } | webm::FindingKind::OtherDocument { .. }
                )
                | Self::Mp4(mp4::FindingKind::OtherTrack { .. })
        )
    }

    /// The lost audio, if the finding is a gap.
    pub fn gap(&self) -> Option<Gap> {
        match self {
            Self::Ogg(ogg::FindingKind::Note(ogg::Note::Gap(gap)))
            | Self::Webm(webm::FindingKind::Audio(AudioFinding::Gap(gap)))
            | Self::Mp4(mp4::FindingKind::Audio(AudioFinding::Gap(gap)))
            | Self::Caf(caf::FindingKind::Audio(AudioFinding::Gap(gap)))
            | Self::Raw(raw::FindingKind::Audio(AudioFinding::Gap(gap))) => Some(*gap),
            _ => None,
        }
    }
}

/// Converts the finding of a container.
pub(crate) fn convert<K: Into<FindingKind>>(finding: opus_packet::Finding<K>) -> Finding {
    Finding::new(finding.offset, finding.kind.into())
}

macro_rules! every_container {
    ($($name:ident: $module:ident),+) => {
        impl opus_packet::FindingKind for FindingKind {
            fn is_violation(&self) -> bool {
                match self {
                    $(Self::$name(kind) => kind.is_violation(),)+
                    Self::Extensions(_) => false,
                }
            }

            fn omitted(count: u64) -> Self {
                Self::Ogg(ogg::FindingKind::omitted(count))
            }
        }

        impl fmt::Display for FindingKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name(kind) => kind.fmt(f),)+
                    Self::Extensions(found) => found.fmt(f),
                }
            }
        }

        $(
            impl From<$module::FindingKind> for FindingKind {
                fn from(kind: $module::FindingKind) -> Self {
                    Self::$name(kind)
                }
            }
        )+
    };
}

every_container!(Ogg: ogg, Webm: webm, Mp4: mp4, Caf: caf, Raw: raw);
