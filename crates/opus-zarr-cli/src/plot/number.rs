//! Conversions between counts and positions in a picture.

#![allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "drawing rounds to pixels, and `as` between floats and integers saturates"
)]

pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

pub(crate) fn single(number: f64) -> f32 {
    number as f32
}

pub(crate) fn pixels(number: f64) -> i32 {
    number.round() as i32
}

/// Rounds to a component of a colour.
pub(crate) fn share(number: f64) -> u8 {
    number.round() as u8
}

/// Rounds down; negative numbers become 0.
pub(crate) fn whole(number: f64) -> u64 {
    number as u64
}

pub(crate) fn size(number: f64) -> usize {
    number as usize
}

/// Converts a difference of coordinates to a length.
pub(crate) fn length(length: i32) -> usize {
    usize::try_from(length).unwrap_or(0)
}

pub(crate) fn position(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
