//! WebM and Matroska.

mod common;
mod corpus;
mod damage;
mod round_trip;
mod rules;
