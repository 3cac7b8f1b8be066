#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod audiomoth;
mod bext;
mod error;
mod file_name;
mod guano;
mod harp;
mod info;
mod ixml;
mod name_pattern;
mod reading;
mod scanner;
mod start;
mod text;
mod wamd;
mod zone;

pub use audiomoth::{AudioMothComment, Battery, Filter, Gain, Stop, Threshold, Trigger};
pub use bext::{Bext, Loudness};
pub use error::{Error, ErrorKind};
pub use file_name::{other_time_in_file_name, time_in_file_name};
pub use guano::{Guano, Position};
pub use harp::{Harp, HarpGap};
pub use info::{Info, InfoText};
pub use ixml::Ixml;
/// Types of the `jiff` crate that signatures here mention.
pub use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::Offset};
pub use name_pattern::NamePattern;
pub use reading::ClockReading;
pub use start::{Certainty, Finding, Source, StartTime};
pub use text::decode_text;
pub use wamd::Wamd;
pub use zone::Zone;
