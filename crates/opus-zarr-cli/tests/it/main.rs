//! Runs the command and checks its output and exit codes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod across;
mod alone;
mod bench;
mod bytes;
#[cfg(target_os = "linux")]
mod campaign;
mod cards;
mod catalogue;
mod clocks;
mod completions;
mod copy;
mod export;
mod exports;
mod extract;
mod foreign;
mod formats;
mod hostile;
mod import;
mod json;
mod list;
mod look;
mod manage;
mod manual;
mod names;
#[cfg(target_os = "linux")]
mod opened;
mod plot;
mod reading;
mod recorder;
mod reindex;
mod resume;
mod s3;
mod serve;
mod settle;
mod sound;
mod state;
#[cfg(target_os = "linux")]
mod stopped;
mod support;
mod sync;
mod tables;
mod tour;
mod unread;
mod unreadable;
mod verify;
