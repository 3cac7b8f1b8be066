//! Integration tests.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
