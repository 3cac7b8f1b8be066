//! Reads Opus from WebM and Matroska (RFC 9559) in bounded memory.
//!
//! - [`WebmOpusReader`] returns every packet with its byte position, its duration and its
//!   position in samples at 48 kHz. It reads anything that is [`Read`](std::io::Read), and is a
//!   [`PacketSource`](crate::PacketSource).
//! - Positions are sums of packet durations, exact to the sample. Block times, which are often
//!   rounded to milliseconds, only show where audio is missing. Packets that ask a decoder for
//!   concealment replace it, so the audio after it does not shift.
//! - The pre-skip of the OpusHead and the last DiscardPadding state the samples that do not
//!   play.
//! - Live recordings (Segments and Clusters of unknown size), all lacings, several tracks, files
//!   that were appended, and cut or damaged files are read. Each problem becomes a [`Finding`] with its byte position,
//!   or an [`Error`](crate::Error) in strict mode.
//!
//! ```rust
//! use opus_demux::webm::{WebmOpusReader, is_webm};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // Like a live recording: a Segment and a Cluster of unknown size. The first of the two
//!     // blocks holds two packets of 20 ms in fixed lacing.
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
//!     while let Some(packet) = reader.next_located()? {
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
//! Limits: reads one track at a time. Refuses encrypted and compressed tracks by name. Ignores tags after the first
//! Cluster. WebM has no checksums, so a damaged length that still fits yields a wrong packet,
//! and only the bytes after it reveal the damage.

mod block;
mod clock;
mod document;
mod ebml;
mod error;
mod finding;
mod ids;
mod open;
mod packets;
mod reader;
mod resync;
mod tags;
mod tracks;
mod walker;

pub use block::InvalidBlock;
pub use finding::{Finding, FindingKind};
pub use open::is_webm;
pub use reader::{Options, WebmOpusReader};
pub use tracks::{Track, TrackKind};
