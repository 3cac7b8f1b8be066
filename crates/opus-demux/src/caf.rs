//! Reads Opus from Apple's Core Audio Format (CAF) in constant memory.
//!
//! - [`CafOpusReader`] gives every packet with its byte position in the file, its duration
//!   and its position in samples at 48 kHz, from anything that is [`Read`](std::io::Read)
//!   and [`Seek`](std::io::Seek): the packet table usually stands after the packets. It is
//!   a [`PacketSource`](opus_packet::PacketSource).
//! - Priming and remainder frames of the packet table, at whatever rate the file counts,
//!   become pre-skip and end trim.
//! - [`is_caf`] knows a CAF file by its first bytes.
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
//!     while let Some(packet) = reader.next_caf_packet()? {
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
//! # What a CAF file leaves out
//!
//! - An OpusHead is used if the magic cookie (chunk "kuki") is one; it then says the
//!   pre-skip, also where the priming frames say another. Writers like ffmpeg keep none:
//!   the head is then made from the audio description and the priming frames, and since
//!   ffmpeg writes 0 there, the pre-skip of what it copied is lost; a [`Finding`] says so.
//! - There is no clock, only durations. A duration in the file that is not that of the
//!   packet is reported and not believed: ffmpeg writes that of the first packet for all,
//!   and not always as it is. So the only losses that can be seen are packets that are
//!   invalid. Each is dropped and its time filled with packets that ask for concealment.
//!
//! # What is wrong
//!
//! By default a file is read as far as it goes: what is wrong is kept as a [`Finding`]
//! with its byte, for [`findings`](CafOpusReader::findings). With [`Options::strict`] the
//! first violation is an [`Error`]. A file without its packet table (a recording that was
//! not finished) cannot be read: nothing else says where packets end.

mod chunks;
mod description;
mod error;
mod finding;
mod info;
mod input;
mod ledger;
mod packet_table;
mod reader;

pub use error::Error;
pub use finding::{Finding, FindingKind};
pub use reader::{CafOpusReader, CafPacket, Options};

/// Whether a file that begins with these bytes is a CAF file.
pub fn is_caf(start: &[u8]) -> bool {
    start.starts_with(chunks::MAGIC)
}
