//! The readers of each container, as a user calls them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod caf;
mod mp4;
mod raw;
mod webm;
