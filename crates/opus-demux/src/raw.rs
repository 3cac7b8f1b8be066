//! Reads Opus packets from raw streams: files without a container, in the two forms that
//! state where each packet ends.
//!
//! - [`SelfDelimitedReader`]: packets in self-delimited framing, back to back (RFC 6716
//!   appendix B). It returns them in ordinary framing, as decoders expect.
//! - [`OpusDemoReader`]: files of libopus' `opus_demo`. For each packet, its length (4 bytes,
//!   big-endian), the encoder's final range (4 bytes) and its bytes. A length of 0 is a lost
//!   packet, and comes out as a packet that asks for concealment.
//!
//! Both read anything that is [`Read`](std::io::Read) in bounded memory, and are
//! [`PacketSource`](crate::PacketSource)s. Neither form has a header, so the caller describes
//! the recording with an [`OpusHead`](crate::OpusHead). Nor can either form be recognised:
//! **never guess it, let the user name it.**
//!
//! ```rust
//! use opus_demux::{OpusHead, raw::SelfDelimitedReader};
//! use opus_packet::write_self_delimited;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // Write 50 packets of 20 ms ...
//!     let mut stream = Vec::new();
//!     for i in 0..50 {
//!         write_self_delimited(&[0x78, i], &mut stream)?;
//!     }
//!
//!     // ... and read them back.
//!     let mut reader = SelfDelimitedReader::new(stream.as_slice(), OpusHead::new(1, 312, 0)?)?;
//!     let mut packets = 0;
//!     while let Some(packet) = reader.next_located()? {
//!         assert_eq!(packet.data, [0x78, packets]);
//!         assert_eq!(packet.position.get(), 960 * u64::from(packets));
//!         packets += 1;
//!     }
//!     assert_eq!(packets, 50);
//!     assert_eq!(reader.timeline().unwrap().play_length(), 50 * 960 - 312);
//!     Ok(())
//! }
//! ```
//!
//! # Bare packets
//!
//! Some programs save what an encoder returns: Opus packets one after another, with nothing
//! between them. They cannot be read. A packet does not state its length: its first byte tells
//! the number and duration of its frames, but its last frame extends to the end of the packet,
//! and any byte can begin the next one. Once the lengths are lost, no reader can recover them.
//! [`WHY_BARE_PACKETS_CANNOT_BE_SPLIT`] explains this in one line for front ends.
//!
//! # Problems in a stream
//!
//! By default, a stream is read as far as possible: each problem becomes a [`Finding`] with
//! its byte, for [`findings`](OpusDemoReader::findings). With [`Options::strict`], the first
//! violation is an [`Error`](crate::Error). Damaged self-delimited bytes always are, because
//! the next packet cannot be found.

mod error;
mod finding;
mod options;
mod opus_demo;
mod self_delimited;

pub(crate) use error::Reason;
pub use finding::{Finding, FindingKind};
pub use options::Options;
pub use opus_demo::OpusDemoReader;
pub use self_delimited::SelfDelimitedReader;

/// Why bare Opus packets, with nothing between them, cannot be read: one line for users.
pub const WHY_BARE_PACKETS_CANNOT_BE_SPLIT: &str = "bare Opus packets cannot be split, because \
     none states its length (RFC 6716 section 3.2)";
