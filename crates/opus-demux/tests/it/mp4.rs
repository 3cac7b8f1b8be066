//! MP4.

pub(crate) mod common;
mod corpus;
mod round_trip;
mod rules;
