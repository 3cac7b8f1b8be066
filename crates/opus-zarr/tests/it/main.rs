//! Tests of the library as a whole: what goes in, what is stored, what comes out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "tests print what they skip and measure")]

mod agreed;
mod async_recording;
mod audio;
mod bad_input;
mod changed;
mod clock;
mod company;
mod corpus;
mod corpus_table;
mod cost;
mod declared;
mod deployment;
mod exact;
mod extensions;
mod faults;
mod filter;
mod format;
mod golden;
#[cfg(target_os = "linux")]
mod hostile;
mod housekeeping;
mod import;
mod import_audio;
mod import_many;
mod index;
mod index_size;
mod interop;
mod killed;
mod limits;
mod matroska_audio;
mod ogg_faults;
mod opus_tools;
mod output;
mod peers;
mod progress;
mod recording;
mod regions;
mod remux;
mod schema;
mod stores;
mod streams;
mod threads;
mod transcode;
mod unreadable;
mod user;
mod verify;
