//! Metadata as recorders and programs write it.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod audiomoth;
mod bext;
mod file_names;
mod guano;
mod properties;
mod start;
