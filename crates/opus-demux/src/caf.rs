//! Reads Opus from Apple's Core Audio Format (CAF) in constant memory.
//!
//! - [`CafOpusReader`] returns every packet with its byte position, its duration and its
//!   position in samples at 48 kHz. It reads anything that is [`Read`](std::io::Read) and
//!   [`Seek`](std::io::Seek), since the packet table usually follows the packets. It is a
//!   [`PacketSource`](crate::PacketSource).
//! - Priming and remainder frames of the packet table, which count at the file's own rate,
//!   become pre-skip and end trim.
//! - [`is_caf`] recognises a CAF file by its first bytes.
//!
//! ```rust
//! use opus_demux::caf::{CafOpusReader, is_caf};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // Two packets of 20 ms, the first 312 frames priming, the last 648 remainder.
//!     let mut file = b"caff\0\x01\0\0".to_vec();
//!     let mut chunk = |name: &[u8; 4], parts: &[&[u8]]| {
//!         let contents = parts.concat();
//!         file.extend_from_slice(name);
//!         file.extend_from_slice(&(contents.len() as u64).to_be_bytes());
//!         file.extend_from_slice(&contents);
//!     };
//!     let fields = [0u32, 0, 960, 1, 0].map(u32::to_be_bytes); // packets vary, 960 frames, mono
//!     chunk(b"desc", &[&48_000f64.to_be_bytes(), b"opus", fields.as_flattened()]);
//!     chunk(b"data", &[&[0; 4], &[0x78, 1], &[0x78, 2, 2]]);
//!     let counts = [2u64, 960].map(u64::to_be_bytes);
//!     let trims = [312u32, 648].map(u32::to_be_bytes);
//!     chunk(b"pakt", &[counts.as_flattened(), trims.as_flattened(), &[2, 3]]);
//!
//!     assert!(is_caf(&file));
//!     let mut reader = CafOpusReader::new(std::io::Cursor::new(&file))?;
//!     let mut packets = 0;
//!     while let Some(packet) = reader.next_located()? {
//!         let at = usize::try_from(packet.offset.expect("nothing is lost"))?;
//!         assert_eq!(&file[at..at + packet.data.len()], packet.data);
//!         packets += 1;
//!     }
//!     assert_eq!(packets, 2);
//!     assert_eq!(reader.timeline().unwrap().play_length(), 2 * 960 - 312 - 648);
//!     Ok(())
//! }
//! ```
//!
//! # Missing information
//!
//! - If the magic cookie (chunk "kuki") is an OpusHead, it states the pre-skip, even where the
//!   priming frames disagree. Some writers, such as ffmpeg, store none. The head is then made
//!   from the audio description and the priming frames. Since ffmpeg writes 0 priming frames,
//!   the pre-skip of a stream that it copied is lost, and a [`Finding`] says so.
//! - CAF has no clock, only durations. A stated duration that differs from the packet's own is
//!   reported and ignored, because ffmpeg writes the duration of the first packet, not always
//!   correctly, for all of them. Only invalid packets are visible losses. Each is dropped, and
//!   packets that ask for concealment fill its time.
//!
//! # Problems in a file
//!
//! By default, a file is read as far as possible: each problem becomes a [`Finding`] with its
//! byte, for [`findings`](CafOpusReader::findings). With [`Options::strict`], the first
//! violation is an [`Error`](crate::Error). A file without its packet table (an interrupted
//! recording) cannot be read, because nothing else states where packets end.

mod chunks;
mod description;
mod error;
mod finding;
mod info;
mod packet_table;
mod reader;

pub use finding::{Finding, FindingKind};
pub use reader::{CafOpusReader, Options};

/// Returns whether a file that begins with these bytes is a CAF file.
pub fn is_caf(start: &[u8]) -> bool {
    start.starts_with(chunks::MAGIC)
}
