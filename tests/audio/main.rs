//! Audio that is not Opus, from real files: ultrasound.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod spectrum;
#[path = "../support/mod.rs"]
mod support;
mod ultrasound;
