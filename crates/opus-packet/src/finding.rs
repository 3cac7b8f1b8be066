//! What demuxers report about their sources.

use alloc::collections::VecDeque;
use core::{fmt, mem};

/// A problem in a source, or something its reader should know: what was found, and at which
/// byte. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding<K> {
    /// Byte position in the source.
    pub offset: u64,
    /// What was found there.
    pub kind: K,
}

/// What can be found in a source. Each container has its own kinds.
pub trait FindingKind: fmt::Display {
    /// Returns whether this breaks a rule or loses data. Otherwise it is a note about
    /// something valid. Strict readers turn violations into errors.
    fn is_violation(&self) -> bool;

    /// Stands for `count` further findings that were not kept.
    fn omitted(count: u64) -> Self;
}

/// Collects findings until the caller takes them, in bounded memory. A strict collector
/// refuses violations.
///
/// ```
/// use opus_packet::{FindingKind, Findings};
///
/// #[derive(Debug)]
/// enum Kind {
///     JunkByte(u8),
///     Omitted(u64),
/// }
///
/// impl std::fmt::Display for Kind {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         write!(f, "{self:?}")
///     }
/// }
///
/// impl FindingKind for Kind {
///     fn is_violation(&self) -> bool {
///         matches!(self, Kind::JunkByte(_))
///     }
///
///     fn omitted(count: u64) -> Self {
///         Kind::Omitted(count)
///     }
/// }
///
/// let mut findings = Findings::<Kind>::new(false);
/// assert!(findings.report(7, Kind::JunkByte(3)).is_ok());
/// let lines: Vec<String> = findings.drain().map(|finding| finding.to_string()).collect();
/// assert_eq!(lines, ["byte 7: JunkByte(3)"]);
///
/// let refused = Findings::<Kind>::new(true).report(7, Kind::JunkByte(3)).unwrap_err();
/// assert_eq!(refused.offset, 7);
/// ```
#[derive(Debug)]
pub struct Findings<K> {
    is_strict: bool,
    kept: VecDeque<Finding<K>>,
    omitted: u64,
    last_offset: u64,
}

impl<K: FindingKind> Finding<K> {
    /// A finding at a byte position.
    pub fn new(offset: u64, kind: K) -> Self {
        Self { offset, kind }
    }

    /// Returns whether the source breaks a rule here: see [`FindingKind::is_violation`].
    pub fn is_violation(&self) -> bool {
        self.kind.is_violation()
    }
}

impl<K: FindingKind> Findings<K> {
    /// An empty collection. A strict one returns violations as errors.
    pub fn new(is_strict: bool) -> Self {
        Self { is_strict, kept: VecDeque::new(), omitted: 0, last_offset: 0 }
    }

    /// Returns whether violations are errors.
    pub fn is_strict(&self) -> bool {
        self.is_strict
    }

    /// Adds a finding. Beyond the first thousand, findings are only counted.
    ///
    /// # Errors
    ///
    /// Returns the finding if it is a violation and the collection is strict.
    #[cold]
    pub fn report(&mut self, offset: u64, kind: impl Into<K>) -> Result<(), Finding<K>> {
        let finding = Finding::new(offset, kind.into());
        if self.is_strict && finding.is_violation() {
            return Err(finding);
        }
        self.last_offset = offset;
        if self.kept.len() < MAX_KEPT {
            self.kept.push_back(finding);
        } else {
            self.omitted = self.omitted.saturating_add(1);
        }
        Ok(())
    }

    /// Takes the findings since the last call, in the order they were made. If more than a
    /// thousand were made, the last one states how many were not kept.
    pub fn drain(&mut self) -> impl Iterator<Item = Finding<K>> + use<'_, K> {
        let count = mem::take(&mut self.omitted);
        let omitted = (count > 0).then(|| Finding::new(self.last_offset, K::omitted(count)));
        self.kept.drain(..).chain(omitted)
    }
}

impl<K: fmt::Display> fmt::Display for Finding<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.kind)
    }
}

/// A damaged source can have a finding every few bytes.
const MAX_KEPT: usize = 1000;

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec::Vec};

    use super::*;

    #[derive(Debug, PartialEq)]
    enum Kind {
        Note,
        Violation,
        Omitted(u64),
    }

    impl fmt::Display for Kind {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{self:?}")
        }
    }

    impl FindingKind for Kind {
        fn is_violation(&self) -> bool {
            *self == Self::Violation
        }

        fn omitted(count: u64) -> Self {
            Self::Omitted(count)
        }
    }

    #[test]
    fn keeps_a_thousand_and_counts_the_rest() {
        let mut findings = Findings::<Kind>::new(false);
        for offset in 0..1005 {
            findings.report(offset, Kind::Violation).unwrap();
        }
        let all: Vec<_> = findings.drain().collect();
        assert_eq!(all.len(), 1001);
        assert_eq!(all[1000].to_string(), "byte 1004: Omitted(5)");
        assert_eq!(findings.drain().count(), 0);
    }

    #[test]
    fn strict_findings_refuse_violations_only() {
        let mut findings = Findings::<Kind>::new(true);
        assert_eq!(findings.report(3, Kind::Note), Ok(()));
        assert_eq!(findings.report(7, Kind::Violation), Err(Finding::new(7, Kind::Violation)));
        assert_eq!(findings.drain().collect::<Vec<_>>(), [Finding::new(3, Kind::Note)]);
    }
}
