//! Recordings through a store and back, and the contracts of storages.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod attributes;
mod clock;
mod contract;
mod listing;
mod store;
