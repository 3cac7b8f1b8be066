use std::fmt;

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

impl Finding {
    /// A finding of a demuxer in a stream, counted from 1.
    pub fn of_stream(stream: u64, finding: &opus_demux::Finding) -> Self {
        Self { stream, is_violation: finding.is_violation(), message: finding.to_string() }
    }
}
