//! The front end and the readers of each container, as their users call them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod caf;
mod extensions;
mod mp4;
mod raw;
mod streams;
mod webm;
