//! The bodies of the fuzz targets: what must hold for any input.
//!
//! `fuzz/fuzz_targets` calls them with the inputs of a fuzzer, under `cfg(fuzzing)`. The test of
//! this package calls them with the seeds, with every input that once crashed, and with simple
//! changes of both, in an ordinary build.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stderr,
    reason = "a body may panic, and handles what it made itself"
)]

mod audio_input;
mod builder;
mod caf;
mod checksum;
mod demux;
mod extensions;
mod flac;
mod flags;
mod headers;
mod index;
mod metadata;
mod mp4;
mod open_store;
mod packet;
mod page;
mod pieces;
mod raw;
mod reading;
mod repaired;
mod seeds;
mod tables;
mod triggered;
mod wave;
mod webm;

pub use audio_input::{allow_panics_of_symphonia, audio_input};
pub use caf::caf;
pub use checksum::repair_checksums;
pub use demux::demux;
pub use extensions::extensions;
pub use flac::{flac_chunks, flac_end};
pub use flags::flags;
pub use headers::headers;
pub use index::index;
pub use metadata::metadata;
pub use mp4::mp4;
pub use open_store::open_store;
pub use packet::packet;
pub use page::page;
pub use raw::raw;
pub use repaired::repaired;
pub use seeds::{Seed, seeds};
pub use tables::tables;
pub use triggered::triggered;
pub use wave::wave;
pub use webm::webm;

/// A body. It panics where something does not hold.
pub type Body = fn(&[u8]);

/// Every target: its name and its body.
pub const TARGETS: [(&str, Body); 20] = [
    ("audio_input", audio_input),
    ("caf", caf),
    ("demux", demux),
    ("extensions", extensions),
    ("flac_chunks", flac_chunks),
    ("flac_end", flac_end),
    ("flags", flags),
    ("headers", headers),
    ("index", index),
    ("metadata", metadata),
    ("mp4", mp4),
    ("open_store", open_store),
    ("packet", packet),
    ("page", page),
    ("raw", raw),
    ("repaired", repaired),
    ("tables", tables),
    ("triggered", triggered),
    ("wave", wave),
    ("webm", webm),
];
