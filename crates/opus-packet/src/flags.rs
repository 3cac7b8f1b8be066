//! What the frames of a packet do to the memory of a decoder, read from their first symbols.
//!
//! Entropy decoding uses no memory from earlier packets: a packet alone tells which symbols it
//! has. What is done here is what libopus 1.3.1 does, including where RFC 6716 leaves the
//! behaviour open: bits that are missing, and redundant frames that do not fit.

mod celt;
mod range_decoder;
mod silk;
#[cfg(test)]
mod tests;

use crate::{
    InvalidPacket, Mode, Toc,
    frames::{Frames, frames},
};
use range_decoder::RangeDecoder;

/// What a frame says about the memory of a decoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameFlags {
    /// Whether the decoder invents audio, in all layers or in the CELT layer: the frame has at
    /// most one byte, or SILK and redundancy leave at most one for CELT.
    pub is_concealed: bool,
    /// The flags of the CELT layer. `None` if it is concealed or there is none.
    pub celt: Option<CeltFlags>,
    /// The redundant CELT frame of 5 ms that a SILK or hybrid frame has where the mode changes
    /// (RFC 6716 section 4.5.1).
    pub redundancy: Option<Redundancy>,
}

/// The flags with which a CELT frame begins (RFC 6716 section 4.3, table 56).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CeltFlags {
    /// Whether the frame is silent. It has no other flag then, and sets all band energies.
    pub is_silence: bool,
    /// Whether the frame has short blocks. Only such frames use the energies of frames before the
    /// last one, to fill bands that collapse; all others overwrite them.
    pub is_transient: bool,
    /// Whether band energies are not predicted from those of the frame before.
    pub is_intra: bool,
    /// The pitch filter of the frame, if it is on.
    pub post_filter: Option<PostFilter>,
}

/// The parameters of the CELT pitch post-filter (RFC 6716 section 4.3.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostFilter {
    /// Pitch period in samples at 48 kHz, 15 to 1022.
    pub period: u16,
    /// Gain in units of 3/32, 1 to 8.
    pub gain: u8,
    /// Shape of the filter, 0 to 2.
    pub tapset: u8,
}

/// The redundant CELT frame of a SILK or hybrid frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redundancy {
    /// Which change of mode it smooths.
    pub change: ModeChange,
    /// Bytes of the redundant frame, at least 2.
    pub len: usize,
    /// Its flags.
    pub celt: CeltFlags,
}

/// The change of mode that a redundant CELT frame smooths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModeChange {
    /// The redundant frame ends this frame and starts CELT anew: the next packet is CELT.
    SilkToCelt,
    /// The redundant frame starts this frame and continues the CELT packet before.
    CeltToSilk,
}

/// The flags of the frames of one packet, in order: see [`frame_flags`].
#[derive(Clone, Debug)]
pub struct PacketFlags<'a> {
    toc: Toc,
    frames: Frames<'a>,
}

/// Reads what each frame of a packet of one stream says about the memory of a decoder, from the
/// packet alone.
///
/// # Errors
///
/// The packet breaks a requirement of RFC 6716 section 3.4: see [`duration`](crate::duration).
///
/// ```
/// // Silence in CELT.
/// let mut frames = opus_packet::frame_flags(&[0xf8, 0xff, 0xfe])?;
/// let celt = frames.next().and_then(|frame| frame.celt).expect("a CELT frame");
/// assert!(celt.is_silence && !celt.is_transient);
/// assert_eq!(frames.next(), None);
/// # Ok::<(), opus_packet::InvalidPacket>(())
/// ```
pub fn frame_flags(packet: &[u8]) -> Result<PacketFlags<'_>, InvalidPacket> {
    let (toc, frames) = frames(packet)?;
    Ok(PacketFlags { toc, frames })
}

impl Iterator for PacketFlags<'_> {
    type Item = FrameFlags;

    fn next(&mut self) -> Option<FrameFlags> {
        let frame = self.frames.next()?;
        Some(if frame.len() <= 1 {
            FrameFlags { is_concealed: true, ..FrameFlags::default() }
        } else {
            coded_frame(self.toc, frame)
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.frames.size_hint()
    }
}

impl ExactSizeIterator for PacketFlags<'_> {}

fn coded_frame(toc: Toc, frame: &[u8]) -> FrameFlags {
    let mut decoder = RangeDecoder::new(frame);
    if toc.mode() == Mode::Celt {
        let celt = Some(celt::flags(&mut decoder, frame.len(), celt::Layer::of(toc)));
        return FrameFlags { celt, ..FrameFlags::default() };
    }
    silk::skip(&mut decoder, toc);
    let tail = tail(&mut decoder, toc.mode(), frame.len());
    let redundancy = tail.change.and_then(|change| {
        let (_, bytes) = frame.split_at_checked(tail.main_len)?;
        let mut decoder = RangeDecoder::new(bytes);
        let celt = celt::flags(&mut decoder, bytes.len(), celt::Layer::REDUNDANT);
        Some(Redundancy { change, len: bytes.len(), celt })
    });
    if toc.mode() == Mode::Silk {
        return FrameFlags { redundancy, ..FrameFlags::default() };
    }
    let is_concealed = tail.main_len <= 1;
    decoder.shorten(tail.main_len);
    let celt = celt::flags(&mut decoder, tail.main_len, celt::Layer::of(toc));
    FrameFlags { is_concealed, celt: Some(celt).filter(|_| !is_concealed), redundancy }
}

/// What follows SILK's symbols in a frame.
struct Tail {
    /// Bytes without the redundant frame.
    main_len: usize,
    change: Option<ModeChange>,
}

/// Reads whether there is a redundant frame, and where it begins (RFC 6716 section 4.5.1).
fn tail(decoder: &mut RangeDecoder<'_>, mode: Mode, len: usize) -> Tail {
    let is_hybrid = mode == Mode::Hybrid;
    let needed = if is_hybrid { 17 + 20 } else { 17 };
    if decoder.tell() + needed > 8 * len || is_hybrid && !decoder.bit(12) {
        return Tail { main_len: len, change: None };
    }
    let change = if decoder.bit(1) { ModeChange::CeltToSilk } else { ModeChange::SilkToCelt };
    let main_len = if is_hybrid {
        len.checked_sub(usize::from(decoder.uniform(256)) + 2)
    } else {
        Some(decoder.tell().div_ceil(8))
    };
    match main_len {
        Some(main_len) if decoder.tell() <= 8 * main_len => Tail { main_len, change: Some(change) },
        // Invalid, but libopus drops both this redundant frame and the CELT layer.
        _ => Tail { main_len: 0, change: None },
    }
}
