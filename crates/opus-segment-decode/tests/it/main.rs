//! Which samples a range decodes to, and that they are exact.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[cfg(feature = "libopus")]
mod exact;
#[cfg(feature = "libopus")]
mod multistream;
mod positions;
mod second_memory;
mod sync_threads;
mod threads;
