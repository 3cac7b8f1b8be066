//! How recordings are named after their files.

use std::{
    borrow::Cow,
    fmt, fs,
    path::{Component, Path},
    str::FromStr,
};

use opus_zarr_store::{RecordingName, path_text};

/// How an [`ImportPlan`](super::ImportPlan) names recordings after their files: text with fields.
///
/// | field | stands for |
/// |---|---|
/// | `{stem}` | the file name without extension |
/// | `{parent}` | the name of the directory that holds the file |
/// | `{name}` | the name without a template: the directories below the planned one and the stem, joined with `_` |
///
/// ```
/// use opus_zarr::NameTemplate;
///
/// let template: NameTemplate = "weiher_{parent}_{stem}".parse()?;
/// assert_eq!(template.to_string(), "weiher_{parent}_{stem}");
/// assert_eq!(NameTemplate::default().to_string(), "{name}");
/// assert_eq!(NameTemplate::prefix("weiher_")?.to_string(), "weiher_{name}");
/// assert!("{file}".parse::<NameTemplate>().is_err());
/// # Ok::<(), opus_zarr::InvalidTemplate>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTemplate(Vec<Part>);

/// A text that is not a [`NameTemplate`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTemplate {
    /// A field that does not exist.
    #[error("unknown field {{{0}}}; expected {{stem}}, {{parent}} or {{name}}")]
    UnknownField(String),
    /// A brace without its counterpart.
    #[error("expected each {{ to have a }}, as in {{stem}}")]
    LoneBrace,
    /// Without a field, all recordings would have the same name.
    #[error("expected at least one of the fields {{stem}}, {{parent}} and {{name}}")]
    NoField,
    /// Text that no name may contain.
    #[error("no recording name may contain {0:?}")]
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Stem,
    Parent,
    Name,
}

impl NameTemplate {
    /// Puts a text before the name that a recording has without a template.
    ///
    /// # Errors
    ///
    /// No name may contain the text.
    pub fn prefix(text: &str) -> Result<Self, InvalidTemplate> {
        Ok(Self(vec![literal(text)?, Part::Name]))
    }

    /// Returns the name for a file, without its extension. `relative` is its path below the planned
    /// directory, or its name.
    pub(super) fn stem(&self, path: &Path, relative: &Path) -> RecordingName {
        RecordingName::from_lossy(&self.text(path, relative))
    }

    /// Returns the name for a file, with its extension.
    pub(super) fn with_extension(&self, path: &Path, relative: &Path) -> RecordingName {
        let extension = relative.extension().map(path_text);
        let extension = extension.map(|extension| format!(".{extension}")).unwrap_or_default();
        RecordingName::from_lossy(&(self.text(path, relative) + &extension))
    }

    fn text(&self, path: &Path, relative: &Path) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.into(),
            Part::Stem => relative.file_stem().map(path_text).unwrap_or_default(),
            Part::Parent => parent(path).into(),
            Part::Name => joined(&relative.with_extension("")).into(),
        });
        parts.collect::<Vec<Cow<'_, str>>>().concat()
    }
}

impl Default for NameTemplate {
    /// Names a recording after its file and the directories below the planned one.
    fn default() -> Self {
        Self(vec![Part::Name])
    }
}

impl FromStr for NameTemplate {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (field, after) = after.split_once('}').ok_or(InvalidTemplate::LoneBrace)?;
            if !before.is_empty() {
                parts.push(literal(without_brace(before)?)?);
            }
            parts.push(match field {
                "stem" => Part::Stem,
                "parent" => Part::Parent,
                "name" => Part::Name,
                other => return Err(InvalidTemplate::UnknownField(other.to_owned())),
            });
            rest = after;
        }
        if parts.is_empty() {
            return Err(InvalidTemplate::NoField);
        }
        if !rest.is_empty() {
            parts.push(literal(without_brace(rest)?)?);
        }
        Ok(Self(parts))
    }
}

impl fmt::Display for NameTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Stem => f.write_str("{stem}"),
            Part::Parent => f.write_str("{parent}"),
            Part::Name => f.write_str("{name}"),
        })
    }
}

fn without_brace(text: &str) -> Result<&str, InvalidTemplate> {
    if text.contains('}') { Err(InvalidTemplate::LoneBrace) } else { Ok(text) }
}

/// Checks that a name may contain a text, wherever in it the text is.
fn literal(text: &str) -> Result<Part, InvalidTemplate> {
    match format!("x{text}x").parse::<RecordingName>() {
        Ok(_) => Ok(Part::Text(text.to_owned())),
        Err(_) => Err(InvalidTemplate::Text(text.to_owned())),
    }
}

/// Returns the name of the directory that holds a file.
fn parent(path: &Path) -> String {
    let named = |directory: &Path| directory.file_name().map(|name| path_text(name).into_owned());
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    named(directory)
        // `.` and `..` have no names of their own.
        .or_else(|| named(&fs::canonicalize(directory).ok()?))
        .unwrap_or_default()
}

/// Joins the parts of a path to a name.
fn joined(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(part) => Some(path_text(part)),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(template: &str, path: &str, relative: &str) -> String {
        let template: NameTemplate = template.parse().unwrap();
        template.stem(Path::new(path), Path::new(relative)).to_string()
    }

    #[test]
    fn fields_are_filled_in() {
        for (template, expected) in [
            ("{name}", "night 1_a.b"),
            ("{stem}", "a.b"),
            ("{parent}_{stem}", "night 1_a.b"),
            ("weiher_{stem}_x", "weiher_a.b_x"),
            ("{stem}{stem}", "a.ba.b"),
        ] {
            assert_eq!(named(template, "card/night 1/a.b.wav", "night 1/a.b.wav"), expected);
        }
        assert_eq!(named("{parent}_{stem}", "card/a.wav", "a.wav"), "card_a");
        assert_eq!(named("{parent}_{stem}", "/a.wav", "a.wav"), "_a");
        let here = std::env::current_dir().unwrap();
        let here = here.file_name().unwrap().to_str().unwrap();
        for path in ["a.wav", "./a.wav", "src/../a.wav"] {
            assert_eq!(named("{parent}_{stem}", path, "a.wav"), format!("{here}_a"), "{path}");
        }
    }

    #[test]
    fn extensions_come_last() {
        let template: NameTemplate = "x_{stem}_y".parse().unwrap();
        let named = |path: &str| template.with_extension(Path::new(path), Path::new(path));
        assert_eq!(named("a.wav").as_str(), "x_a_y.wav");
        assert_eq!(named("a").as_str(), "x_a_y");
    }

    #[test]
    fn wrong_templates_are_refused() {
        for (text, expected) in [
            ("{file}", "unknown field {file}; expected {stem}, {parent} or {name}"),
            ("{}", "unknown field {}; expected {stem}, {parent} or {name}"),
            ("{Stem}", "unknown field {Stem}; expected {stem}, {parent} or {name}"),
            ("{stem", "expected each { to have a }, as in {stem}"),
            ("stem}_{name}", "expected each { to have a }, as in {stem}"),
            ("{name}}", "expected each { to have a }, as in {stem}"),
            ("", "expected at least one of the fields {stem}, {parent} and {name}"),
            ("night", "expected at least one of the fields {stem}, {parent} and {name}"),
        ] {
            let error = text.parse::<NameTemplate>().unwrap_err();
            assert_eq!(error.to_string(), expected, "{text:?}");
        }
        for text in ["a/{stem}", "{stem}:", "{stem}\n", "../{name}"] {
            let error = text.parse::<NameTemplate>().unwrap_err().to_string();
            assert!(error.starts_with("no recording name may contain"), "{text:?}: {error}");
        }
        assert!(NameTemplate::prefix("a/").is_err());
        assert_eq!(NameTemplate::prefix("{x}").unwrap().to_string(), "{x}{name}");
    }
}
