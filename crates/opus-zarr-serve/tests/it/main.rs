//! Integration tests, over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod answers;
mod clients;
mod guards;
mod hostile;
mod page;
mod pictures;
mod readers;
mod support;
