#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod caf;
pub mod mp4;
pub mod raw;
pub mod webm;
