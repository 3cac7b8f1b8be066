use std::fmt;

/// A problem in a file, and what the reader made of it. Positions and lengths count frames (samples
/// per channel) of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// Packets that do not decode, replaced by silence of the same length.
    Damaged {
        /// Start of the silence.
        frame: u64,
        /// Length of the silence.
        frames: u64,
        /// The decoder's message about the first packet.
        reason: String,
    },
    /// A jump in the times of the file, filled with silence.
    Gap {
        /// Start of the silence.
        frame: u64,
        /// Length of the silence.
        frames: u64,
    },
    /// Skipped data that could not be parsed. Its duration is unknown, unless a
    /// [`Gap`](Finding::Gap) follows.
    Skipped {
        /// The next frame.
        frame: u64,
        /// The parser's message.
        reason: String,
    },
    /// The file breaks off, or ends before its stated length.
    Truncated {
        /// Frames found.
        frames: u64,
        /// Frames stated by the file.
        stated: Option<u64>,
    },
    /// The file holds more than it states, all of which is read.
    Longer {
        /// Frames found.
        frames: u64,
        /// Frames stated by the file.
        stated: u64,
    },
    /// The file does not state the delay of its encoder. The reader dropped the smallest possible
    /// delay, or the usual one of a known encoder.
    AssumedDelay {
        /// Frames dropped.
        frames: u64,
        /// The reason for this number.
        because: &'static str,
    },
    /// A new stream, as in concatenated files, which is read as well.
    Chained {
        /// Start of the stream.
        frame: u64,
    },
    /// Bytes after the last frame of FLAC that are neither a tag nor audio of the same rate and channels.
    Trailing {
        /// Number of bytes.
        bytes: u64,
    },
    /// A stream in Ogg that is not read: it cannot be, or it begins in the middle of another.
    Unread {
        /// Byte position of its first page.
        offset: u64,
    },
    /// A metadata block of FLAC whose fields do not lie in it.
    DamagedBlock {
        /// Its position in the file.
        offset: u64,
        /// Its name in RFC 9639.
        block: &'static str,
    },
    /// A Matroska track whose codec is unknown, or whose head cannot be used. It was not counted.
    UnusableTrack {
        /// Its number in the file.
        number: u32,
    },
    /// An edit list with segments out of order or at another speed, of which only the start was
    /// applied.
    EditList,
    /// An edit list whose segments leave out audio, which was read as well.
    LeftOut {
        /// Frames between the segments.
        frames: u64,
    },
    /// An edit list that delays the track, which was read from its own start.
    Delayed {
        /// Frames by which it begins later than the movie.
        frames: u64,
    },
    /// Findings that were dropped.
    More {
        /// Number of findings.
        count: u64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { frame, frames, reason } => {
                write!(
                    out,
                    "frame {frame}: cannot decode {frames} frames ({reason}); inserted silence"
                )
            }
            Self::Gap { frame, frames } => {
                write!(out, "frame {frame}: {frames} frames are missing; inserted silence")
            }
            Self::Skipped { frame, reason } => {
                write!(out, "frame {frame}: skipped unreadable data before it ({reason})")
            }
            Self::Truncated { frames, stated: Some(stated) } => {
                write!(out, "the file ends after {frames} of {stated} stated frames")
            }
            Self::Truncated { frames, stated: None } => {
                write!(out, "the file breaks off after {frames} frames")
            }
            Self::Longer { frames, stated } => {
                write!(out, "the file states {stated} frames but holds {frames}; read all")
            }
            Self::AssumedDelay { frames, because } => write!(
                out,
                "the file does not state the delay of its encoder; dropped {frames} frames ({because})"
            ),
            Self::Chained { frame } => write!(out, "frame {frame}: a new stream begins"),
            Self::Trailing { bytes } => {
                write!(out, "ignored {bytes} bytes after the last frame, which do not match it")
            }
            Self::Unread { offset } => {
                write!(
                    out,
                    "byte {offset}: skipped a stream that begins here without readable audio"
                )
            }
            Self::DamagedBlock { offset, block } => {
                write!(out, "byte {offset}: skipped a damaged {block} block")
            }
            Self::UnusableTrack { number } => {
                write!(out, "skipped track {number}, whose codec is unknown or head unusable")
            }
            Self::EditList => write!(
                out,
                "the edit list has segments out of order or at another speed; applied only the start of the first"
            ),
            Self::LeftOut { frames } => write!(
                out,
                "the edit list leaves out {frames} frames between its segments; read them as well"
            ),
            Self::Delayed { frames } => write!(
                out,
                "the edit list delays the track by {frames} frames; read it from its own start"
            ),
            Self::More { count } => write!(out, "dropped {count} more findings"),
        }
    }
}

/// The first findings of a file, and a count of the others.
#[derive(Default)]
pub(crate) struct Findings(Vec<Finding>);

const KEPT: usize = 1000;

impl Findings {
    pub(crate) fn of(findings: impl Iterator<Item = Finding>) -> Self {
        let mut all = Self::default();
        findings.for_each(|finding| all.push(finding));
        all
    }

    pub(crate) fn kept(&self) -> &[Finding] {
        &self.0
    }

    /// Keeps a finding, merged with the last one if it continues it.
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
    fn adjacent_findings_merge_and_their_number_is_bounded() {
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
