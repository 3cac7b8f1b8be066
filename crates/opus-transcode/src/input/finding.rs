use std::fmt;

/// What is wrong with a file, and what was done about it. Positions and lengths are in
/// frames, one sample of each channel, of what [`read`](crate::AudioInput::read) gives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// Packets that do not decode. Silence of the same length stands for them.
    Damaged {
        /// Where the silence begins.
        frame: u64,
        /// How long it is.
        frames: u64,
        /// What the decoder said of the first one.
        reason: String,
    },
    /// The times in the file jump: something is missing. Silence stands for it.
    Gap {
        /// Where the silence begins.
        frame: u64,
        /// How long it is.
        frames: u64,
    },
    /// What could not be parsed was skipped. How long it lasted is not known, unless a
    /// [`Gap`](Finding::Gap) follows.
    Skipped {
        /// What comes next.
        frame: u64,
        /// What the parser said.
        reason: String,
    },
    /// The file ends in the middle, or before the length that it states.
    Truncated {
        /// How many frames there are.
        frames: u64,
        /// How many the file states.
        stated: Option<u64>,
    },
    /// There is more than the file states; all of it is read.
    Longer {
        /// How many frames there are.
        frames: u64,
        /// How many the file states.
        stated: u64,
    },
    /// The file does not say how much an encoder and a decoder put in front of the audio. These
    /// frames were dropped, the least that there can be, or what the encoder is known for.
    AssumedDelay {
        /// How many frames were dropped.
        frames: u64,
        /// From what it was concluded.
        because: &'static str,
    },
    /// A new stream begins, as in files that were put together; it is read on.
    Chained {
        /// Where it begins.
        frame: u64,
    },
    /// The edit list has several pieces, or plays at another speed. Its start was applied, no more.
    EditList,
    /// This many more, which were not kept.
    More {
        /// How many.
        count: u64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { frame, frames, reason } => {
                write!(
                    out,
                    "frame {frame}: {frames} frames do not decode ({reason}); silence instead"
                )
            }
            Self::Gap { frame, frames } => {
                write!(out, "frame {frame}: {frames} frames are missing; silence instead")
            }
            Self::Skipped { frame, reason } => {
                write!(out, "frame {frame}: something before it could not be read ({reason})")
            }
            Self::Truncated { frames, stated: Some(stated) } => {
                write!(out, "the file ends after {frames} of the {stated} frames that it states")
            }
            Self::Truncated { frames, stated: None } => {
                write!(out, "the file breaks off after {frames} frames")
            }
            Self::Longer { frames, stated } => {
                write!(out, "the file holds {frames} frames and states {stated}; all are read")
            }
            Self::AssumedDelay { frames, because } => write!(
                out,
                "the file does not say how long its encoder's delay is; {frames} frames were dropped: {because}"
            ),
            Self::Chained { frame } => write!(out, "frame {frame}: a new stream begins"),
            Self::EditList => write!(
                out,
                "the edit list has several pieces or speeds; only where the first begins was applied"
            ),
            Self::More { count } => write!(out, "and {count} findings more"),
        }
    }
}

/// The first findings of a file, and how many there were more.
#[derive(Default)]
pub(crate) struct Findings(Vec<Finding>);

const KEPT: usize = 1000;

impl Findings {
    pub(crate) fn kept(&self) -> &[Finding] {
        &self.0
    }

    /// Keeps a finding, joined to the last one if it goes on.
    pub(crate) fn push(&mut self, finding: Finding) {
        tracing::debug!(%finding);
        match (self.0.last_mut(), &finding) {
            (
                Some(Finding::Damaged { frame, frames, .. }),
                Finding::Damaged { frame: next, frames: more, .. },
            ) if frame.saturating_add(*frames) == *next => *frames = frames.saturating_add(*more),
            (Some(last), finding) if last == finding => {}
            (Some(Finding::More { count }), _) => *count = count.saturating_add(1),
            _ => {
                let is_full = self.0.len() >= KEPT;
                self.0.push(if is_full { Finding::More { count: 1 } } else { finding });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_one_finding_and_no_file_makes_too_many() {
        let mut findings = Findings::default();
        let damaged = |frame| Finding::Damaged { frame, frames: 10, reason: "x".into() };
        findings.push(damaged(0));
        findings.push(damaged(10));
        findings.push(damaged(30));
        findings.push(damaged(30));
        assert_eq!(findings.kept().len(), 2);
        assert_eq!(
            findings.kept()[0],
            Finding::Damaged { frame: 0, frames: 20, reason: "x".into() }
        );
        for frame in 0..2000 {
            findings.push(Finding::Chained { frame });
        }
        assert_eq!(findings.kept().len(), KEPT + 1);
        assert_eq!(findings.kept().last(), Some(&Finding::More { count: 1002 }));
    }
}
