//! Conversions between counts and positions.

#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pictures are rounded, and `as` between floats and integers saturates"
)]

pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

pub(crate) fn single(number: f64) -> f32 {
    number as f32
}

/// Rounds to a component of a colour.
pub(crate) fn share(number: f64) -> u8 {
    number.round() as u8
}

/// Rounds down; negative numbers become 0.
pub(crate) fn size(number: f64) -> usize {
    number as usize
}
