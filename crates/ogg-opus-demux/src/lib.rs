#![doc = include_str!("../README.md")]

mod assembler;
mod crc;
mod error;
mod granule;
mod page;
mod page_reader;
mod reader;
mod writer;

pub use error::{Error, Violation};
pub use page::{InvalidPage, Page};
pub use page_reader::PageReader;
pub use reader::{OggOpusReader, OggPacket};
pub use writer::{OggOpusWriter, WriteError};
