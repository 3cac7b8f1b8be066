//! Reads Opus from MP4 (ISO base media files: `.mp4`, `.m4a`, DASH and HLS segments with
//! their initialization), plain and fragmented, in constant memory.
//!
//! - [`Mp4OpusReader`] gives every packet of one track with its byte position in the file,
//!   its duration and its position in samples at 48 kHz, from anything that is
//!   [`Read`](std::io::Read) and [`Seek`](std::io::Seek). It is a
//!   [`PacketSource`](opus_packet::PacketSource).
//! - The edit list is applied: what plays is known to the sample, also where the edit list
//!   itself counts in milliseconds.
//! - Other tracks are passed over and listed; Opus that is encrypted is refused with the
//!   name of its scheme.
//! - [`is_mp4`] knows an MP4 file by its first bytes.
//!
//! ```rust
//! use std::io::Cursor;
//!
//! use opus_demux::mp4::{Mp4OpusReader, is_mp4};
//!
//! /// A box: its length, its name, its contents.
//! fn boxed(name: &[u8; 4], contents: &[&[u8]]) -> Vec<u8> {
//!     let contents = contents.concat();
//!     [&(contents.len() as u32 + 8).to_be_bytes()[..], name, &contents].concat()
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // A mono track with a pre-skip of 312, and 50 packets of 20 ms in one fragment.
//!     let head = boxed(b"dOps", &[&[0, 1, 1, 56, 0, 0, 0xbb, 0x80, 0, 0, 0]]);
//!     let entry = boxed(b"Opus", &[&[0; 28], &head]);
//!     let table = boxed(b"stbl", &[&boxed(b"stsd", &[&[0; 7], &[1], &entry])]);
//!     let clock = boxed(b"mdhd", &[&[0; 12], &48_000u32.to_be_bytes(), &[0; 8]]);
//!     let handler = boxed(b"hdlr", &[&[0; 8], b"soun", &[0; 13]]);
//!     let media = boxed(b"mdia", &[&clock, &handler, &boxed(b"minf", &[&table])]);
//!     let track = boxed(b"trak", &[&boxed(b"tkhd", &[&[0; 15], &[1], &[0; 68]]), &media]);
//!     let mut file = boxed(b"moov", &[&track]);
//!     let defaults = [0x2_0018, 1, 960, 2].map(u32::to_be_bytes); // 960 ticks, 2 bytes each
//!     let run = [1, 50, 16 + 24 + 20 + 8u32].map(u32::to_be_bytes);
//!     let header = boxed(b"tfhd", &[defaults.as_flattened()]);
//!     let fragment = boxed(b"traf", &[&header, &boxed(b"trun", &[run.as_flattened()])]);
//!     file.extend(boxed(b"moof", &[&fragment]));
//!     file.extend(boxed(b"mdat", &[&[0x78, 1].repeat(50)]));
//!
//!     assert!(is_mp4(&file));
//!     let mut reader = Mp4OpusReader::new(Cursor::new(&file))?;
//!     let mut packets = 0;
//!     while let Some(packet) = reader.next_mp4_packet()? {
//!         let at = usize::try_from(packet.offset.expect("nothing is lost"))?;
//!         assert_eq!(&file[at..at + packet.data.len()], packet.data);
//!         packets += 1;
//!     }
//!     assert_eq!(packets, 50);
//!     assert_eq!(reader.timeline().unwrap().play_length(), 50 * 960 - 312);
//!     Ok(())
//! }
//! ```
//!
//! # Time
//!
//! - The packets are the clock. The times of the file only show what is missing: where they
//!   run ahead by at least one packet, as far as their ticks tell, the gap is filled with
//!   packets that ask for concealment, so that all after it stays where it belongs. What
//!   comes little by little (250 ppm of the audio) is another clock and no gap; it is told.
//! - One edit, or several that join, is applied: its start is the pre-skip, in place of that
//!   of the head where the two disagree (up to 65,535 samples), and its end the end trim. If
//!   the times of the packets end within one tick of where the edit does, they are believed,
//!   being finer. Empty edits and lists of separate pieces are reported and not applied.
//! - Without an edit list the pre-skip is that of the head, and nothing is trimmed at the
//!   end; a last packet that is shorter by its time is reported.
//!
//! # What is wrong
//!
//! By default a file is read as far as it goes: what is wrong is kept as a [`Finding`]
//! with its byte, for [`findings`](Mp4OpusReader::findings). With [`Options::strict`] the
//! first violation is an [`Error`]. No byte of the file is given out twice, and the tables
//! are read where they lie, a few bytes at a time: neither memory nor time nor audio is
//! more than the file's own length gives reason for. A file that ends early gives all
//! packets that are complete, if its box "moov" is there.
//!
//! The walk over the boxes is our own. The parsers that were looked at (mp4-atom 0.17,
//! mp4parse 0.17, re_mp4 0.5, symphonia-format-isomp4 0.6) hold the tables of all tracks in
//! memory and fail as one, so that a fault in a picture track loses the sound; none says at
//! which byte it was, and none applies edit lists to packets.
//!
//! Not read: tracks in other files ("dref"), audio described by a movie that follows its
//! fragments, composition offsets (Opus has none).

mod boxes;
mod clock;
mod edits;
mod error;
mod extents;
mod finding;
mod fourcc;
mod fragments;
mod input;
mod ledger;
mod movie;
mod reader;
mod sample_entry;
mod sample_table;
mod samples;
mod table;
mod tags;
mod track;

pub use boxes::is_mp4;
pub use error::Error;
pub use finding::{Finding, FindingKind};
pub use fourcc::FourCc;
pub use reader::{Mp4OpusReader, Mp4Packet, Options};
pub use track::Track;
