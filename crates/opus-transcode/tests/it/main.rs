//! Files that ffmpeg makes, damaged files, and real ones.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests may panic and round"
)]

mod audio;
mod containers;
mod damage;
mod depth;
mod ffmpeg;
mod file;
mod flac;
mod lengths;
mod ogg;
mod peers;
mod table;
