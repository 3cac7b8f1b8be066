#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod cut;
mod decoder;
mod error;
mod lead;
#[cfg(feature = "libopus")]
mod libopus;
#[cfg(feature = "libopus")]
mod limited;
mod limiter;
#[cfg(feature = "libopus")]
mod mix;
#[cfg(feature = "libopus")]
mod multistream;
#[cfg(feature = "libopus")]
mod other_libopus;
mod output;
mod probe;
mod range;
mod reader;
#[cfg(feature = "libopus")]
mod sample;
mod segment;
mod starts;
mod stream;
mod streams;
mod sync;

pub use decoder::{DecoderLayout, PacketDecoder};
pub use error::{BoxError, Error, ErrorKind};
#[cfg(feature = "libopus")]
pub use libopus::LibopusDecoder;
pub use limiter::{Limiter, to_i16};
pub use opus_packet::{
    CodedPos, InvalidRange, Mode, OpusHead, Packet, PacketSource, PlayPos, SAMPLE_RATE, Timeline,
};
pub use opus_packet_index::{
    BlobRead, IndexBuilder, IndexRead, IndexRow, Span, SyncDecoder, SyncEntry, SyncRead, SyncStart,
};
#[cfg(feature = "libopus")]
pub use other_libopus::OtherLibopus;
pub use output::{ChannelSelection, InvalidRate, Output, OutputRate};
pub use probe::probes;
pub use range::{Need, RangeDecoder};
pub use reader::SegmentReader;
#[cfg(feature = "libopus")]
pub use sample::Sample;
pub use starts::{APPROXIMATE_PRE_ROLL, PreRoll};
pub use stream::SegmentStream;
pub use sync::{AgreedStart, Agreement, SyncConstruction, build_sync_map};
