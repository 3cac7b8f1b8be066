//! Audio that is not Opus, from real files: as long as it was, at its place, how near to it; and
//! ultrasound.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod fidelity;
mod peer;
mod spectrum;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod ultrasound;
