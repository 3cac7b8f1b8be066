//! WebM and Matroska.

pub(crate) mod common;
mod corpus;
mod damage;
mod documents;
mod round_trip;
mod rules;
