//! Reads Opus packets from raw streams: files without a container, in the two forms that
//! say where each packet ends.
//!
//! - [`SelfDelimitedReader`]: packets in self-delimited framing, back to back
//!   (RFC 6716 appendix B). It gives them in ordinary framing, as decoders want them.
//! - [`OpusDemoReader`]: what `opus_demo` of libopus writes: for each packet its length
//!   (4 bytes, big-endian), the final range of the encoder (4 bytes) and its bytes. A
//!   length of 0 is a lost packet; it comes out as one that asks for concealment.
//!
//! Both read anything that is [`Read`](std::io::Read) in bounded memory, and are a
//! [`PacketSource`](opus_packet::PacketSource). Neither form has a header, so the caller
//! says what the recording is with an [`OpusHead`](opus_packet::OpusHead), and neither can
//! be told from other bytes: **never guess them, let a user name them.**
//!
//! ```rust
//! use opus_packet::{OpusHead, write_self_delimited};
//! use opus_demux::raw::SelfDelimitedReader;
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
//!     while let Some(packet) = reader.next_raw_packet()? {
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
//! # What cannot be read
//!
//! Opus packets written one after another with nothing between them ("raw Opus", as some
//! programs save what an encoder gives). A packet does not say how long it is: its first
//! byte says how many frames there are and how long they last, but the last frame simply
//! goes on to the end of the packet, and any byte can begin the next. Whoever wrote the
//! file threw the lengths away, and no reader can get them back.
//! [`WHY_BARE_PACKETS_CANNOT_BE_SPLIT`] says so in one line, for a front end to show.
//!
//! # What is wrong
//!
//! By default a stream is read as far as it goes: what is wrong is kept as a [`Finding`]
//! with its byte, for [`findings`](OpusDemoReader::findings). With [`Options::strict`] the
//! first violation is an [`Error`]. Packet boundaries lost in damaged self-delimited bytes
//! cannot be found again, which is an error always.

mod error;
mod finding;
mod ledger;
mod opus_demo;
mod reader;
mod self_delimited;
mod window;

pub use error::Error;
pub use finding::{Finding, FindingKind};
pub use opus_demo::OpusDemoReader;
pub use reader::{Options, RawPacket};
pub use self_delimited::SelfDelimitedReader;

/// Why Opus packets with nothing between them are not read, in words for a user.
pub const WHY_BARE_PACKETS_CANNOT_BE_SPLIT: &str = "bare Opus packets cannot be split by \
     anyone: a packet does not say where it ends (RFC 6716 section 3.2), a container must";
