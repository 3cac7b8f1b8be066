//! Conversions between counts and positions in a picture.

#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pictures are rounded, and `as` between floats and integers saturates"
)]

pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// Rounds down; negative numbers become 0.
pub(crate) fn size(number: f64) -> usize {
    number as usize
}

/// Rounds down to the number of a colour, 0 to 255.
pub(crate) fn level(number: f64) -> u8 {
    number as u8
}

/// Rounds down to a row.
pub(crate) fn pixel(number: f64) -> f64 {
    number.floor()
}
