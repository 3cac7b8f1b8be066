//! Reads Opus from MP4 (ISO base media files: `.mp4`, `.m4a`, DASH and HLS segments with their
//! initialization), plain and fragmented, in constant memory.
//!
//! - [`Mp4OpusReader`] returns every packet of one track with its byte position, its duration
//!   and its position in samples at 48 kHz. It reads anything that is
//!   [`Read`](std::io::Read) and [`Seek`](std::io::Seek), and is a
//!   [`PacketSource`](crate::PacketSource).
//! - It applies the edit list, so the samples that play are exact even where the edit list
//!   counts in milliseconds.
//! - It lists other tracks and refuses encrypted Opus with the name of the scheme.
//! - [`is_mp4`] recognises an MP4 file by its first bytes.
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
//!     while let Some(packet) = reader.next_located()? {
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
//! - The packets are the clock. The times of the file only show what is missing. Where they run
//!   ahead by at least one packet, as far as their ticks can tell, packets that ask for
//!   concealment fill the gap, so the audio after it does not shift. Slow differences (up to
//!   250 ppm of the audio) come from another clock. They are reported, and are not gaps.
//! - An edit list of one edit, or of several in order, applies. Its start replaces the pre-skip of
//!   the head; if it is later than 65,535 samples, packets before it are dropped. Its end becomes
//!   the end trim. If the times of the packets end within one tick of the edit, these finer times
//!   hold. What lies between several edits plays and is reported.
//! - An empty edit delays the track, which is reported. After it, an edit that starts at 0 does not
//!   replace the pre-skip.
//! - Edits out of order, or at another speed, are reported and ignored.
//! - Without an edit list, the pre-skip of the head applies, and a last packet that is shorter by
//!   its time is trimmed (Opus in ISOBMFF section 4.3.4).
//!
//! # Problems in a file
//!
//! By default, a file is read as far as possible: each problem becomes a [`Finding`] with its
//! byte, for [`findings`](Mp4OpusReader::findings). With [`Options::strict`], the first
//! violation is an [`Error`](crate::Error). No byte of the file is returned twice, and tables
//! are read in place, a few bytes at a time, so the length of the file bounds memory, time and
//! audio. A file that ends early returns all complete packets, provided it has its "moov" box.
//!
//! The parser is our own. mp4-atom 0.17, mp4parse 0.17, re_mp4 0.5 and
//! symphonia-format-isomp4 0.6 keep the tables of all tracks in memory and fail as a whole, so
//! that a problem in a picture track loses the sound. None names the byte, and none applies
//! edit lists to packets.
//!
//! Not supported: tracks in other files ("dref"), audio described by a movie after its
//! fragments, and composition offsets, which Opus does not use.

mod boxes;
mod clock;
mod edits;
mod error;
mod extents;
mod finding;
mod fourcc;
mod fragments;
mod movie;
mod open;
mod reader;
mod sample_entry;
mod sample_table;
mod samples;
mod table;
mod tags;
mod track;

pub use boxes::is_mp4;
pub use finding::{Finding, FindingKind};
pub use fourcc::FourCc;
pub use reader::{Mp4OpusReader, Options};
pub use track::Track;
