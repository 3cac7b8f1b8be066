//! MP4.

mod common;
mod corpus;
mod round_trip;
mod rules;
