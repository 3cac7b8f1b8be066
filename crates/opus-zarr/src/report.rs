use std::fmt;

use opus_demux::ErrorKind;

use crate::ImportOptions;

/// A problem or peculiarity of a source file. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The stream of the file, counted from 1.
    pub stream: u64,
    /// Whether the file breaks a rule of its format. If not, the finding is only information.
    pub is_violation: bool,
    /// What was found, at which byte, and how the import handled it.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream {}: {}", self.stream, self.message)
    }
}

impl Finding {
    /// Says that a stream, counted from 1, has no samples that play, so it is not imported.
    pub fn of_silent_stream(stream: u64, coded_length: u64, pre_skip: u16) -> Self {
        let message =
            format!("nothing to play ({coded_length} samples, pre-skip {pre_skip}); not imported");
        Self { stream, is_violation: false, message }
    }

    /// Returns what an import reports about Opus that cannot be used if it takes the other audio of the
    /// file, given the error of the demuxer. `None` if it does not, because the file cannot be read at all,
    /// or because it is strict.
    pub fn of_unusable_opus(
        error: &opus_demux::Error,
        options: &ImportOptions,
    ) -> Option<Vec<Self>> {
        let may_skip = match error.kind() {
            ErrorKind::NoOpus => true,
            // A raw stream holds nothing else.
            ErrorKind::Unreadable | ErrorKind::Unsupported => {
                !options.strict && options.raw.is_none()
            }
            _ => false,
        };
        let of_tracks = error.unusable().iter().map(|finding| Self::of_stream(1, finding));
        may_skip.then(|| of_tracks.collect())
    }

    /// Converts the finding of a demuxer in a stream, counted from 1.
    pub fn of_stream(stream: u64, finding: &opus_demux::Finding) -> Self {
        Self { stream, is_violation: finding.is_violation(), message: finding.to_string() }
    }
}
