#![doc = include_str!("../README.md")]

mod decoder;
mod error;
#[cfg(feature = "libopus")]
mod libopus;
#[cfg(feature = "libopus")]
mod multistream;
mod plan;
mod reader;
#[cfg(feature = "libopus")]
mod sample;
mod streams;
mod sync;
mod window;

pub use decoder::{DecoderLayout, PacketDecoder};
pub use error::{BoxError, Error};
#[cfg(feature = "libopus")]
pub use libopus::{LibopusDecoder, LibopusError};
pub use plan::{APPROXIMATE_PRE_ROLL, SegmentPlan};
pub use reader::{SegmentReader, read_source};
#[cfg(feature = "libopus")]
pub use sample::Sample;
pub use sync::build_sync_map;
