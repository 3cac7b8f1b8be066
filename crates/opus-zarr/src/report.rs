use std::fmt;

use ogg_opus_demux::{FindingKind, Note};
use opus_demux::{caf, mp4, raw, webm};
use opus_zarr_store::Gap;

/// Something about a source that whoever imports it should know. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which stream of the file, counted from 1.
    pub stream: u64,
    /// Whether a rule is broken; if not, it is only good to know.
    pub is_violation: bool,
    /// What was found, at which byte, and what became of it.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream {}: {}", self.stream, self.message)
    }
}

/// What a demuxer says, in the words of this crate.
pub(crate) struct Remark {
    pub(crate) is_violation: bool,
    /// Whether a canonical Ogg Opus stream can be like this.
    pub(crate) is_canonical: bool,
    pub(crate) gap: Option<Gap>,
    pub(crate) message: String,
}

impl From<ogg_opus_demux::Finding> for Remark {
    fn from(finding: ogg_opus_demux::Finding) -> Self {
        let (mut gap, mut is_canonical) = (None, false);
        if let FindingKind::Note(note) = &finding.kind {
            match *note {
                Note::Gap(found) => {
                    let gap_at = Gap::new(found.position.get(), found.samples);
                    gap = Some(gap_at.inferred(found.is_inferred));
                }
                Note::LiveStart { .. } | Note::LiveJoin { .. } | Note::NoLastPage => {
                    is_canonical = true;
                }
                _ => {}
            }
        }
        let is_violation = finding.is_violation();
        Self { is_violation, is_canonical, gap, message: finding.to_string() }
    }
}

/// The findings of the other demuxers have one shape, but each a type of its own.
macro_rules! remark_from {
    ($($demuxer:ident),+) => {$(
        impl From<$demuxer::Finding> for Remark {
            fn from(finding: $demuxer::Finding) -> Self {
                let gap = match finding.kind {
                    $demuxer::FindingKind::Gap { position, samples, is_inferred } => {
                        Some(Gap::new(position.get(), samples).inferred(is_inferred))
                    }
                    _ => None,
                };
                let is_violation = finding.kind.is_violation();
                Self { is_violation, is_canonical: false, gap, message: finding.to_string() }
            }
        }
    )+};
}

remark_from!(webm, mp4, caf, raw);
