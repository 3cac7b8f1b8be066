//! Stores in memory, on web servers and on a server that speaks S3, over good and bad networks.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod company;
#[cfg(feature = "aws")]
mod environment;
mod faults;
#[cfg(feature = "http")]
mod http;
mod late;
mod memory;
mod multipart;
mod requests;
#[cfg(feature = "aws")]
mod s3;
mod support;
#[cfg(feature = "http")]
mod tls;
