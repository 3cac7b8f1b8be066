//! Reads the Opus packets of WebM and Matroska (RFC 9559), from anything that is
//! [`Read`](std::io::Read), in bounded memory.
//!
//! - [`WebmOpusReader`] gives every packet with its byte position in the file, its
//!   duration and its position in samples at 48 kHz. It is a
//!   [`PacketSource`](opus_packet::PacketSource).
//! - Positions are sums of packet durations, exact to the sample. Block times, which are
//!   often rounded to milliseconds, only show where audio is missing; this is given as
//!   packets that ask a decoder for concealment, so what comes after stays at its place.
//! - The first samples that do not play are the pre-skip of the OpusHead, the last those
//!   of the last DiscardPadding.
//! - Live recordings (Segments and Clusters of unknown size), all lacings, several tracks,
//!   cut and damaged files are read. Whatever is wrong is told as a [`Finding`] with its
//!   byte position; in strict mode it is an [`Error`].
//!
//! ```rust
//! use opus_demux::webm::{WebmOpusReader, is_webm};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // What a live recorder writes: a Segment and a Cluster of unknown size. The first
//!     // of the two blocks holds two packets of 20 ms in fixed lacing.
//!     let mut file = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\xff".to_vec();
//!     file.extend(b"\x16\x54\xae\x6b\xa6\xae\xa4\xd7\x81\x01\x83\x81\x02\x86\x86A_OPUS");
//!     file.extend(b"\x63\xa2\x93OpusHead\x01\x01\0\0\x80\xbb\0\0\0\0\0");
//!     file.extend(b"\x1f\x43\xb6\x75\xff\xe7\x81\0");
//!     file.extend(b"\xa3\x89\x81\0\0\x84\x01\x78\x01\x78\x02");
//!     file.extend(b"\xa3\x86\x81\0\x28\x80\x78\x03");
//!
//!     assert!(is_webm(&file));
//!     let mut reader = WebmOpusReader::new(file.as_slice())?;
//!     let mut positions = Vec::new();
//!     while let Some(packet) = reader.next_webm_packet()? {
//!         let at = usize::try_from(packet.offset.expect("nothing is missing"))?;
//!         assert_eq!(&file[at..at + packet.data.len()], packet.data);
//!         positions.push(packet.position.get());
//!     }
//!     assert_eq!(positions, [0, 960, 1920]);
//!     assert_eq!(reader.timeline().unwrap().play_length(), 2880);
//!     for finding in reader.findings() {
//!         println!("{finding}");
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Limits: one track at a time; only the first Segment of a file (a second one is told);
//! encrypted and compressed tracks are refused by name; tags behind the first Cluster are
//! not read. WebM has no checksums: a damaged length that still fits gives a wrong packet,
//! and only what follows tells.

mod block;
mod clock;
mod ebml;
mod error;
mod finding;
mod ids;
mod input;
mod open;
mod reader;
mod resync;
mod tags;
mod tracks;
mod walker;

pub use block::InvalidBlock;
pub use error::Error;
pub use finding::{Finding, FindingKind};
pub use open::is_webm;
pub use reader::{Options, WebmOpusReader, WebmPacket};
pub use tracks::{Track, TrackKind};
