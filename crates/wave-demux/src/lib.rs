#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod aiff;
mod au;
mod chunk;
mod convert;
mod error;
mod extent;
mod finding;
mod form;
mod format;
mod format_tag;
mod g711;
mod header;
mod input;
mod reader;
mod tail;
mod walk;

pub use chunk::{Chunk, ChunkId};
pub use convert::decode_samples;
pub use error::{Error, ErrorKind};
pub use finding::{Finding, FindingKind};
pub use form::{Form, is_wave};
pub use format::{ByteOrder, Encoding, Format};
pub use reader::WaveReader;
