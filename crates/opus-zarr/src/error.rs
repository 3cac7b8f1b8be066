use std::{fmt, io, path::PathBuf};

use opus_zarr_store::RecordingName;

/// Why an import or a read failed. `Display` is one complete line that says what
/// was wrong and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum Error {
    #[error("cannot open {}: {source}", one_line(path.display()))]
    OpenSource { path: PathBuf, source: io::Error },
    #[error("{}: {reason}", one_line(path.display()))]
    Source { path: PathBuf, reason: ogg_opus_demux::Error },
    #[error("cannot read {}: {source}", one_line(path.display()))]
    ReadSource { path: PathBuf, source: io::Error },
    #[error(
        "{}: no audio to play: {coded_len} samples, {pre_skip} of them pre-skip",
        one_line(path.display())
    )]
    NoAudio { path: PathBuf, coded_len: u64, pre_skip: u64 },
    #[error("{} changed while it was read", one_line(path.display()))]
    SourceChanged { path: PathBuf },
    #[error("{}: cannot be written as canonical Ogg Opus: {reason}", one_line(path.display()))]
    Remux { path: PathBuf, reason: ogg_opus_demux::WriteError },
    #[error(transparent)]
    Store(#[from] opus_zarr_store::Error),
    #[error("recording \"{recording}\": the blob is damaged: {reason}")]
    Blob { recording: RecordingName, reason: ogg_opus_demux::Error },
    #[error("recording \"{recording}\": {reason}")]
    Read { recording: RecordingName, reason: opus_segment_decode::Error },
    #[error("cannot make a decoder: {0}")]
    Decoder(#[from] opus_segment_decode::LibopusError),
}

/// Control characters are escaped: a path may hold a line feed.
fn one_line(text: impl fmt::Display) -> String {
    let mut line = String::new();
    for c in text.to_string().chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}
