//! WebM and Matroska.

pub(crate) mod common;
mod corpus;
mod damage;
mod round_trip;
mod rules;
