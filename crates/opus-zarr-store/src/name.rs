use std::{fmt, str::FromStr};

/// The name of a recording: one path segment that every file system, object
/// store and Zarr implementation takes.
///
/// Invariants:
///
/// - 1 to 200 bytes of UTF-8
/// - none of `/ \ : * ? " < > |` and no control character
/// - does not begin with `.` or `__` (which Zarr reserves) and is not `zarr.json`
/// - does not end with `.` or a space
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingName(String);

/// Why a name cannot be that of a recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid recording name {name:?}: {reason}")]
pub struct InvalidName {
    name: String,
    reason: &'static str,
}

impl FromStr for RecordingName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, InvalidName> {
        match fault(name) {
            None => Ok(Self(name.to_owned())),
            Some(reason) => Err(InvalidName { name: name.chars().take(200).collect(), reason }),
        }
    }
}

impl RecordingName {
    /// Returns the valid name closest to a text, such as a file name: replaces forbidden characters
    /// by `_`, drops what must not stand at either end, and keeps the last 200 bytes. A valid name
    /// stays as it is.
    ///
    /// ```
    /// # use opus_zarr_store::RecordingName;
    /// assert_eq!(RecordingName::from_lossy("night/1:30.").as_str(), "night_1_30");
    /// ```
    pub fn from_lossy(text: &str) -> Self {
        let replaced: String =
            text.chars().map(|c| if is_forbidden(c) { '_' } else { c }).collect();
        let first = (replaced.len().saturating_sub(MAX_LEN)..)
            .find(|&at| replaced.is_char_boundary(at))
            .unwrap_or_default();
        let name = replaced.get(first..).unwrap_or_default().trim_end_matches(['.', ' ']);
        let is_reserved = name.starts_with('.') || name.starts_with("__");
        let name = if is_reserved { name.trim_start_matches(['.', '_']) } else { name };
        Self(match name {
            "" => "unnamed".to_owned(),
            "zarr.json" => "zarr_json".to_owned(),
            name => name.to_owned(),
        })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecordingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("expected at least one character")
    } else if name.len() > MAX_LEN {
        Some("expected at most 200 bytes")
    } else if name.contains(is_forbidden) {
        Some("expected none of / \\ : * ? \" < > | and no control character")
    } else if name.starts_with('.') || name.starts_with("__") || name == "zarr.json" {
        Some("expected no \".\" or \"__\" at the start, and not \"zarr.json\": those are reserved")
    } else if name.ends_with(['.', ' ']) {
        Some("expected no \".\" or space at the end")
    } else {
        None
    }
}

fn is_forbidden(c: char) -> bool {
    c.is_control() || r#"/\:*?"<>|"#.contains(c)
}

/// Bytes of the longest name.
const MAX_LEN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_valid_name() {
        let long = format!("ä{}", "x".repeat(199));
        for (text, expected) in [
            ("Zaunkönig", "Zaunkönig"),
            ("a/b:c", "a_b_c"),
            ("__x", "x"),
            (".-x", "-x"),
            ("_y", "_y"),
            ("..", "unnamed"),
            ("._.", "unnamed"),
            ("", "unnamed"),
            ("zarr.json", "zarr_json"),
            ("..zarr.json", "zarr_json"),
            ("a . ", "a"),
            ("a\n", "a_"),
            (&long, &"x".repeat(199)),
        ] {
            let name = RecordingName::from_lossy(text);
            assert_eq!(name.as_str(), expected, "{text:?}");
            assert_eq!(name.as_str().parse(), Ok(name.clone()), "{text:?}");
        }
    }

    #[test]
    fn names_of_one_path_segment() {
        for name in
            ["a", "2026-05-06 station 4", "Zaunkönig", "x.opus", "c", "a".repeat(200).as_str()]
        {
            assert_eq!(name.parse::<RecordingName>().unwrap().as_str(), name);
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
    fn the_message_is_one_line_and_names_the_name() {
        let error = "a\nb/..".parse::<RecordingName>().unwrap_err().to_string();
        assert!(error.contains(r#""a\nb/..""#) && !error.contains('\n'), "{error}");
    }
}
