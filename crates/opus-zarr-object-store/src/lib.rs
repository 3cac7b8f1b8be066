#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod bucket;
mod draft;
mod error;
mod fault;
mod lease;
mod storage;
mod tasks;
mod upload;
mod url;

pub use error::Error;
pub use storage::ObjectStorage;
pub use url::open_url;
