use std::path::PathBuf;

use opus_packet::OpusHead;
use opus_transcode::TranscodeOptions;
use recorder_metadata::{Source as StartSource, Zone};

/// How a file is imported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Whether the first violation of a format is an error. Otherwise it is reported as
    /// a [`Finding`](crate::Finding), lost audio is concealed, and the import goes on.
    pub strict: bool,
    /// Which stream of the file to import, counted from 1; none: all that have something
    /// to play.
    pub stream: Option<u64>,
    /// Whether to measure a sync map, so that reads are exact: takes as much work as three to
    /// five full decodes, or two where sync points are known, on all processors. [`Recording::build_sync`](crate::Recording::build_sync)
    /// can do it later. None: if the audio is encoded here, and with sync points.
    pub exact: Option<bool>,
    /// How to read a file that has no container. None: it has one.
    pub raw: Option<RawStream>,
    /// How audio that is not Opus is encoded.
    pub transcode: TranscodeOptions,
    /// The program `ffmpeg` that is to decode audio that is not Opus. None: what is here does, or
    /// says that it cannot.
    pub ffmpeg: Option<PathBuf>,
    /// The time zone of clocks of which the file does not say it. None: it stays unknown.
    pub zone: Option<Zone>,
    /// Where alone the start of the recording is looked for. None: everywhere, and what is most to
    /// be believed is taken.
    pub start_from: Option<StartSource>,
}

/// Packets without a container. Nothing in the file says what they are, so the caller
/// does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawStream {
    /// How the file says where packets end.
    pub format: RawFormat,
    /// What OpusHead would say.
    pub head: OpusHead,
}

/// How a raw stream says where packets end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RawFormat {
    /// Self-delimited packets (RFC 6716 appendix B).
    SelfDelimited,
    /// The form of libopus' `opus_demo`: length and final range before each packet.
    OpusDemo,
}

impl RawFormat {
    /// As it stands in the attributes of a recording.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SelfDelimited => "self-delimited",
            Self::OpusDemo => "opus_demo",
        }
    }
}
