//! MP4.

pub(crate) mod common;
mod corpus;
mod edits;
mod round_trip;
mod rules;
