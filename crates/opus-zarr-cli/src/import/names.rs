//! The options that decide what recordings are called.

use opus_zarr::NameTemplate;

#[derive(clap::Args)]
pub(super) struct Names {
    /// Name of the recording, for a single file [default: the file name without extension, prefixed with
    /// the directories below SRC]
    #[arg(long, conflicts_with_all = ["prefix", "name_pattern"])]
    name: Option<String>,
    /// Text before the name of every recording, such as `weiher_`
    #[arg(long, value_name = "TEXT", value_parser = prefix, conflicts_with = "name_pattern")]
    prefix: Option<NameTemplate>,
    /// Form of the names: text with `{stem}` (file name without extension), `{parent}` (directory of the
    /// file) or `{name}` (the default name), such as `{parent}_{stem}`
    #[arg(long, value_name = "PATTERN", value_parser = template)]
    name_pattern: Option<NameTemplate>,
}

impl Names {
    /// The name of the only recording.
    pub(super) fn single(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn template(&self) -> NameTemplate {
        self.prefix.as_ref().or(self.name_pattern.as_ref()).cloned().unwrap_or_default()
    }
}

fn prefix(text: &str) -> Result<NameTemplate, String> {
    NameTemplate::prefix(text).map_err(|error| error.to_string())
}

fn template(text: &str) -> Result<NameTemplate, String> {
    text.parse::<NameTemplate>().map_err(|error| error.to_string())
}
