#![doc = include_str!("../README.md")]

mod decoder;
mod error;
#[cfg(feature = "libopus")]
mod libopus;
mod plan;
mod reader;
mod sync;
mod window;

pub use decoder::PacketDecoder;
pub use error::{BoxError, Error};
#[cfg(feature = "libopus")]
pub use libopus::{LibopusDecoder, LibopusError, Sample};
pub use plan::{APPROXIMATE_PRE_ROLL, SegmentPlan};
pub use reader::{SegmentReader, read_source};
pub use sync::build_sync_map;
