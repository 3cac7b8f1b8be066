//! What the tests of several crates share.
//!
//! Everything here panics when something unexpected happens: the caller is a test.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic, and prints what it found"
)]

#[cfg(feature = "zarr")]
pub mod company;
pub mod corpus;
#[cfg(feature = "zarr")]
pub mod counted;
pub mod counter;
pub mod damage;
pub mod errors;
mod events;
#[cfg(feature = "zarr")]
pub mod faulty;
pub mod files;
#[cfg(feature = "zarr")]
pub mod long;
pub mod moto;
#[cfg(feature = "zarr")]
pub mod operations;
pub mod processes;
pub mod python;
pub mod random;
#[cfg(feature = "zarr")]
pub mod recordings;
pub mod shared;
pub mod skipped;
#[cfg(feature = "zarr")]
pub mod stored;
pub mod strace;
pub mod stream;
pub mod tables;
pub mod tones;
pub mod tree;
pub mod warnings;
pub mod wave;
pub mod web;

pub use corpus::{CorpusFile, every_file, every_opus_file, is_full_run, ogg_opus_files};
pub use errors::chain;
pub use files::{fast_folder, root, target_tmp, testdata};
pub use random::Random;
pub use skipped::say_skipped;

/// Compiles the examples of the repository's README.
#[cfg(all(doctest, feature = "zarr"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
