#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod channels;
mod number;
mod palette;
mod picture;
mod sample;
mod stft;
mod wav;

pub use opus_zarr::Sample;

pub use channels::{speakers, wav_order};
pub use palette::{Palette, UnknownPalette};
pub use picture::{InvalidPicture, Pixels, encode_png};
pub use sample::{PcmSample, SampleFormat};
pub use stft::{Stft, Work, decibels, rows};
pub use wav::{Wav, info_chunk, riff_chunk};
