use std::{fmt, str::FromStr};

/// The name of a recording: one path segment that every file system, object store and Zarr
/// implementation accepts.
///
/// Invariants:
///
/// - 1 to 200 bytes of UTF-8
/// - none of `/ \ : * ? " < > |`, no control character, and none that changes the direction of text
/// - does not start with `.` or `__`, which Zarr reserves, and is not `zarr.json`
/// - does not end with `.` or a space
///
/// ```
/// use opus_zarr_store::RecordingName;
///
/// let name: RecordingName = "2026-05-06 station 4".parse()?;
/// assert_eq!(name.as_str(), "2026-05-06 station 4");
/// assert!("a/b".parse::<RecordingName>().is_err());
/// assert_eq!(RecordingName::from_lossy("night: a/b.").as_str(), "night_ a_b");
/// # Ok::<(), opus_zarr_store::InvalidName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingName(String);

/// A text that cannot be the name of a recording.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid recording name {name:?}: {rule}")]
pub struct InvalidName {
    name: String,
    rule: &'static str,
}

impl FromStr for RecordingName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, InvalidName> {
        match broken_rule(name) {
            None => Ok(Self(name.to_owned())),
            Some(rule) => Err(InvalidName { name: name.chars().take(MAX).collect(), rule }),
        }
    }
}

impl RecordingName {
    /// Returns the valid name closest to a text, such as a path: replaces forbidden characters
    /// with `_`, removes reserved starts and ends, and keeps the last 200 bytes. A valid name stays
    /// unchanged; different texts may give the same name.
    pub fn from_lossy(text: &str) -> Self {
        let replaced: String =
            text.chars().map(|c| if is_forbidden(c) { '_' } else { c }).collect();
        // A name made of a path is most distinct at its end.
        let from = (replaced.len().saturating_sub(MAX)..).find(|&at| replaced.is_char_boundary(at));
        let end = replaced.get(from.unwrap_or_default()..).unwrap_or(&replaced);
        let end = end.trim_end_matches(['.', ' ']);
        let is_reserved = end.starts_with('.') || end.starts_with("__");
        let name = if is_reserved { end.trim_start_matches(['.', '_']) } else { end };
        Self(match name {
            "" => "unnamed".to_owned(),
            RESERVED => "zarr_json".to_owned(),
            name => name.to_owned(),
        })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The same line as [`Display`](fmt::Display), because a `main` that fails prints this.
impl fmt::Debug for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("expected at least one character")
    } else if name.len() > MAX {
        Some("expected at most 200 bytes")
    } else if name.contains(is_forbidden) {
        Some("expected none of / \\ : * ? \" < > | and no control character")
    } else if name.starts_with('.') || name.starts_with("__") || name == RESERVED {
        Some("names that start with \".\" or \"__\", and \"zarr.json\", are reserved")
    } else if name.ends_with(['.', ' ']) {
        Some("expected no \".\" or space at the end")
    } else {
        None
    }
}

fn is_forbidden(c: char) -> bool {
    is_control(c) || r#"/\:*?"<>|"#.contains(c)
}

/// Returns whether a character does something to a terminal: moves the cursor, ends the line, changes the
/// direction of text. No name contains one, but other text of a store may.
///
/// ```
/// use opus_zarr_store::is_control;
///
/// assert!(['\u{1b}', '\n', '\u{202e}'].into_iter().all(is_control));
/// assert!(!"Zaunkönig 1".contains(is_control));
/// ```
pub fn is_control(c: char) -> bool {
    let is_directional = matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    c.is_control() || is_directional
}

/// In bytes.
const MAX: usize = 200;
const RESERVED: &str = "zarr.json";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_one_path_segment() {
        for name in
            ["a", "2026-05-06 station 4", "Zaunkönig", "x.opus", "c", "a".repeat(200).as_str()]
        {
            assert_eq!(name.parse::<RecordingName>().unwrap().as_str(), name);
            assert_eq!(RecordingName::from_lossy(name).as_str(), name);
        }
        for name in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "/a",
            "a\\b",
            "a\0b",
            "a\nb",
            ".hidden",
            "__x",
            "zarr.json",
            "a.",
            "a ",
            "C:",
            "a*",
            "a".repeat(201).as_str(),
        ] {
            assert!(name.parse::<RecordingName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn any_text_makes_a_similar_name() {
        let long = format!("{}ä{}", "night".repeat(20), "x".repeat(199));
        for (text, name) in [
            ("__x", "x"),
            (".-x", "-x"),
            ("", "unnamed"),
            ("...", "unnamed"),
            ("zarr.json", "zarr_json"),
            ("_y", "_y"),
            ("a _:. ", "a __"),
            ("night:1/b.c", "night_1_b.c"),
            (&long, &"x".repeat(199)),
        ] {
            assert_eq!(RecordingName::from_lossy(text).as_str(), name, "{text:?}");
        }
    }

    #[test]
    fn the_message_is_one_line_and_quotes_the_name() {
        let error = "a\nb/..".parse::<RecordingName>().unwrap_err();
        assert!(error.to_string().contains(r#""a\nb/..""#), "{error}");
        assert_eq!(format!("{error:?}").lines().count(), 1);
    }

    proptest! {
        #[test]
        fn a_name_from_any_text_is_valid(text in r#"[._ a-z/:"\\äé😀\x00-\x1f]{0,300}"#) {
            let name = RecordingName::from_lossy(&text);
            prop_assert_eq!(name.as_str().parse::<RecordingName>(), Ok(name.clone()));
        }
    }
}
