//! The reader and the writer of Ogg Opus, as their users call them.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]

mod accepted;
mod common;
mod damage;
mod round_trip;
mod rule_headers;
mod rule_links;
mod rule_losses;
mod rule_pages;
mod rule_strays;
mod rule_time;
mod rule_tracks;
mod rule_trim;
mod strict_headers;
mod strict_rules;
mod writer;
mod wrong_packets;
