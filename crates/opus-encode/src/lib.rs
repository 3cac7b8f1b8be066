#![doc = include_str!("../README.md")]

mod channels;
mod encoder;
mod error;
mod frames;
mod libopus;
mod options;
mod segments;
mod source;
mod stream;
mod workers;

pub use channels::Channels;
pub use encoder::Encoder;
pub use error::{Error, ErrorKind, InvalidOption};
pub use libopus::vendor;
pub use options::{
    Application, Bitrate, CodingRate, Complexity, FrameDuration, Options, RateControl, SampleDepth,
    SyncInterval,
};
pub use opus_packet::{CodedPos, OpusHead, Packet, PacketSource, SyncPoint, Timeline};
pub use source::{SampleBuffer, SampleSource, SliceSource, check_source};
pub use stream::EncodedStream;
