#![doc = include_str!("../README.md")]

mod error;
mod input;

pub use error::Error;
pub use input::{AudioInput, Finding, Format, Tag};
