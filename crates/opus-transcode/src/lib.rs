#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod au;
mod chunk_tags;
mod error;
mod ffmpeg;
mod file;
mod input;
mod level;
mod options;
mod position;
mod prepared;
mod resample;
mod transcoder;
mod triggered;

pub use error::{Error, ErrorKind};
pub use ffmpeg::FfmpegInput;
pub use file::{AudioFile, AudioFormat, MetadataChunk, ReadOptions};
pub use input::{AudioInput, Finding, Format, Tag, id3_tags};
pub use options::{TranscodeOptions, Ultrasound};
pub use opus_encode::{
    Application, Bitrate, Channels, CodingRate, Complexity, FrameDuration, InvalidOption,
    Options as EncoderOptions, OpusHead, Packet, PacketSource, RateControl, SampleBuffer,
    SampleDepth, SampleSource, SyncInterval, Timeline,
};
pub use position::Position;
pub use resample::{Resampled, resampled_len};
pub use transcoder::Transcoder;
