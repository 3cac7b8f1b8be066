#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod access;
mod archive;
mod audio;
mod body;
mod budget;
mod cache;
mod conditions;
mod guard;
mod inner;
mod listing;
mod metrics;
mod number;
mod options;
mod page;
mod problem;
mod query;
mod reply;
mod route;
mod server;
mod service;
mod stream;
mod tiles;
mod zarr;

pub use access::Access;
pub use body::Body;
pub use guard::Guard;
pub use options::Options;
pub use opus_zarr::{RecordingFilter, RecordingName, Selection, Store};
pub use opus_zarr_render::Palette;
pub use problem::Problem;
pub use route::{Cut, Picture, Place, Route, Tile, Wanted};
pub use server::{Server, Stopper};
pub use service::{InvalidStores, Service};
pub use zarr::{Form, ZarrKey};
