use std::fmt;

/// Another libopus than the one that this crate is built and tested with.
///
/// No version of `opusic-sys` declares `links`, so a program that contains two of them links
/// whichever libopus the linker finds first, without a warning. `Display` is one sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherLibopus {
    linked: &'static str,
}

impl OtherLibopus {
    /// The libopus that is expected.
    pub const EXPECTED: &'static str = "libopus 1.3.1";

    /// Returns the version that is linked, as libopus states it.
    pub fn linked(&self) -> &'static str {
        self.linked
    }

    pub(crate) fn of(linked: &'static str) -> Option<Self> {
        (![Self::EXPECTED, AS_BUILT].contains(&linked)).then_some(Self { linked })
    }
}

/// Whether this libopus computes in fixed point, as it then states in its version.
pub(crate) fn is_fixed_point(version: &str) -> bool {
    version.contains("-fixed")
}

/// What the expected libopus calls itself, as `magnum-opus` builds it.
const AS_BUILT: &str = "libopus unknown";

impl fmt::Display for OtherLibopus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (linked, expected) = (self.linked, Self::EXPECTED);
        write!(
            f,
            "this program links {linked} instead of {expected}, because one of its crates brings another libopus"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LibopusDecoder;

    #[test]
    fn libopus_states_fixed_point() {
        assert!(is_fixed_point("libopus 1.3.1-fixed"));
        assert!(!is_fixed_point("libopus 1.3.1") && !LibopusDecoder::is_fixed_point());
    }

    #[test]
    fn only_another_version_is_reported() {
        assert_eq!(LibopusDecoder::other_libopus(), None);
        assert_eq!(OtherLibopus::of("libopus 1.3.1"), None);
        let other = OtherLibopus::of("libopus 1.6.1").unwrap();
        assert_eq!(other.linked(), "libopus 1.6.1");
        assert_eq!(
            other.to_string(),
            "this program links libopus 1.6.1 instead of libopus 1.3.1, because one of its crates brings another libopus"
        );
    }
}
