//! The native half of the Python package `opus-zarr`: what needs Rust, and nothing that Python does as
//! well. `python/opus_zarr/` is the half that users see.
//!
//! - Time is counted in nanoseconds since 1970, because `datetime` ends at microseconds.
//! - Arrays are made by Python and filled here, without the interpreter's lock.
//! - What must not survive a `fork` is in [`forked::Forked`].

#![forbid(unsafe_code)]

mod crops;
mod deployment;
mod error;
mod forked;
mod imports;
mod place;
mod recording;
mod samples;
mod store;
mod times;

#[pyo3::pymodule]
mod _opus_zarr {
    #[pymodule_export]
    use crate::{
        crops::Crops,
        deployment::{Deployment, Piece},
        imports::import_many,
        place::open_file,
        recording::Recording,
        store::Store,
    };
}
