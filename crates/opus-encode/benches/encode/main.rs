//! The cost of sync points and segments in real audio, and the speed of encoding compared with
//! opusenc and ffmpeg: `cargo bench -p opus-encode`, or only `-- sync`, `-- onsets`, `-- seams` or
//! `-- speed`.
//! Needs ffmpeg, opusenc, and the corpus of real recordings (`OPUS_ZARR_CORPUS`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "benches may panic")]
#![allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "values are small")]
#![allow(clippy::cast_sign_loss, reason = "values are positive")]
#![allow(clippy::print_stdout, reason = "benches print their results")]

mod audio;
mod onsets;
mod seams;
mod speed;
mod sync;

fn main() {
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let is_asked = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if is_asked("sync") {
        sync::measure();
    }
    if is_asked("onsets") {
        onsets::measure();
    }
    if is_asked("seams") {
        seams::measure();
    }
    if is_asked("speed") {
        speed::measure();
    }
}
