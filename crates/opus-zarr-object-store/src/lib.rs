#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod bucket;
mod claim;
mod draft;
mod error;
mod fault;
mod lease;
mod provider;
mod storage;
mod tasks;
#[cfg(feature = "__client")]
mod tls;
mod upload;
mod url;

pub use error::{Error, ErrorKind};
pub use object_store;
pub use opus_zarr_store::{AsyncStorage, Storage, WriteStorage};
pub use provider::Provider;
pub use storage::ObjectStorage;
#[cfg(feature = "__client")]
pub use tls::install_tls_provider;
pub use url::{open_url, open_url_with};
