//! WAVE and AIFF files, valid and damaged, made by hand, by other programs and by recorders.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests may panic, and compute expected samples with casts"
)]

mod aiff;
mod au;
mod corpus;
mod files;
mod large;
mod recorders;
mod rifx;
mod round_trip;
mod sizes;
