//! The extensions in the padding of a packet (draft-ietf-mlcodec-opus-extension).
//!
//! The format is that of libopus 1.6. An extension begins with a byte of 7 bits `id` and one bit
//! `L`, and belongs to a frame:
//!
//! | `id` | what follows |
//! |---|---|
//! | 0 | nothing (`L` = 1), or only padding up to the end |
//! | 1 | separator: the next extensions belong to the next frame, or (`L` = 1) to one as many frames later as a byte states |
//! | 2 | repeats the extensions since the last separator or repetition for each later frame, as payloads without the first byte |
//! | 3 to 31 | a payload of `L` bytes |
//! | 32 to 127 | a length in bytes that add up, of which only the last is not 255, and as long a payload; without length (`L` = 0), a payload up to the end |

mod head;

use core::num::NonZeroU8;

use crate::{
    ExtensionIds, Toc,
    packet::{frame_count, padding_len},
    split_self_delimited,
};
use head::Head;

/// Something that a newer encoder added to a frame, in padding that older decoders skip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extension<'a> {
    /// What it is: 3 to 127.
    pub id: u8,
    /// The frame of the packet it belongs to, counted from 0.
    pub frame: u8,
    /// Its payload.
    pub data: &'a [u8],
}

/// Why padding does not hold extensions from here on. Decoders ignore the rest.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum InvalidExtension {
    #[error("extension {id} is longer than the padding")]
    Truncated { id: u8 },
    #[error("extensions of frame {frame}, expected at most {frames} frames")]
    NoSuchFrame { frame: u16, frames: u8 },
}

/// The extensions of a packet in the order of its bytes. The first error ends them.
#[derive(Clone, Debug)]
pub struct Extensions<'a> {
    frames: u8,
    /// The frame to which the next extensions belong.
    frame: u16,
    rest: &'a [u8],
    /// Everything that a repetition would repeat, and all bytes after it.
    group: &'a [u8],
    /// The bytes after the last long extension of the group.
    after_long: Option<usize>,
    /// The payload bytes of the short extensions after the last long one.
    short_payloads: usize,
    repetition: Option<Repetition<'a>>,
}

/// Extensions that are repeated for all later frames.
#[derive(Clone, Copy, Debug)]
struct Repetition<'a> {
    group: &'a [u8],
    /// What is left of it for this frame.
    rest: &'a [u8],
    frame: u16,
    /// Whether no other extensions of this frame and later ones follow.
    is_last: bool,
    /// The bytes of the group after the long extension whose last repetition states no length.
    after_last_long: Option<usize>,
}

/// Returns the extensions of a valid packet, in ordinary or in self-delimited framing. Only
/// packets with padding have any, and ordinary padding is none.
///
/// ```
/// // A CELT frame of 2 bytes, and 4 bytes of padding with an extension of 3 bytes.
/// let packet = [0xe3, 0x41, 4, 8, 9, 124 << 1, 5, 6, 7];
/// let extensions: Result<Vec<_>, _> = opus_packet::extensions(&packet).collect();
/// let extensions = extensions?;
/// assert_eq!((extensions.len(), extensions[0].id), (1, opus_packet::ExtensionIds::OPUS_HD));
/// assert_eq!(extensions[0].data, [5, 6, 7]);
/// # Ok::<(), opus_packet::InvalidExtension>(())
/// ```
pub fn extensions(packet: &[u8]) -> Extensions<'_> {
    let (frames, padding) = padding(packet).unwrap_or_default();
    Extensions {
        frames,
        frame: 0,
        rest: padding,
        group: padding,
        after_long: None,
        short_payloads: 0,
        repetition: None,
    }
}

/// Returns which extensions a valid packet of `streams` Opus streams contains, as far as they can
/// be parsed. For almost all packets this costs a look at two bytes.
///
/// ```
/// use core::num::NonZeroU8;
///
/// let packet = [0xe3, 0x41, 4, 8, 9, 126 << 1, 5, 6, 7];
/// let ids = opus_packet::extension_ids(&packet, NonZeroU8::MIN);
/// assert_eq!(ids.to_string(), "DRED (extension 126)");
/// ```
#[inline]
pub fn extension_ids(packet: &[u8], streams: NonZeroU8) -> ExtensionIds {
    if streams == NonZeroU8::MIN && !is_padded(packet) {
        return ExtensionIds::default();
    }
    ids_of_streams(packet, streams)
}

#[inline]
fn is_padded(packet: &[u8]) -> bool {
    matches!(packet, [toc, count, ..] if toc & 3 == 3 && count & 0x40 != 0)
}

#[cold]
fn ids_of_streams(packet: &[u8], streams: NonZeroU8) -> ExtensionIds {
    let (mut rest, mut ids) = (packet, ExtensionIds::default());
    for _ in 1..streams.get() {
        let Ok((first, after)) = split_self_delimited(rest) else { return ids };
        ids.extend(ids_of(first.as_bytes()));
        rest = after;
    }
    ids.extend(ids_of(rest));
    ids
}

fn ids_of(packet: &[u8]) -> impl Iterator<Item = u8> + '_ {
    extensions(packet).flatten().map(|extension| extension.id)
}

/// Returns the number of frames and the padding, which ends the packet in both framings.
fn padding(packet: &[u8]) -> Option<(u8, &[u8])> {
    let (&toc, body) = packet.split_first()?;
    if Toc::new(toc).frame_count_code() != 3 {
        return None;
    }
    let (count, rest) = frame_count(body).ok()?;
    let (len, rest) = padding_len(count, rest).ok()?;
    Some((count.frames, rest.get(rest.len().checked_sub(len)?..)?))
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Result<Extension<'a>, InvalidExtension>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(repetition) = &mut self.repetition {
                if let Some((frame, head)) = repetition.next_head(self.frames) {
                    return Some(self.extension(frame, head, self.short_payloads));
                }
                self.end_repetition();
            }
            let (&byte, after) = self.rest.split_first()?;
            let (head, before) = (Head(byte), self.rest);
            self.rest = after;
            match head.id() {
                0 if head.flag() => {}
                0 => self.rest = &[],
                1 => {
                    if let Err(error) = self.separate(head) {
                        return Some(Err(self.fail(error)));
                    }
                }
                2 => self.repeat(head, before.len()),
                _ => {
                    let extension = self.extension(self.frame, head, 0);
                    self.remember(head);
                    return Some(extension);
                }
            }
        }
    }
}

impl core::iter::FusedIterator for Extensions<'_> {}

impl<'a> Extensions<'a> {
    /// Reads a payload. Without a length it takes everything but the last `kept` bytes.
    fn extension(
        &mut self,
        frame: u16,
        head: Head,
        kept: usize,
    ) -> Result<Extension<'a>, InvalidExtension> {
        let id = head.id();
        // Checked where the frame changes.
        let frame = u8::try_from(frame).unwrap_or(u8::MAX);
        match head.split_payload(self.rest, kept) {
            Some((data, rest)) => {
                self.rest = rest;
                Ok(Extension { id, frame, data })
            }
            None => Err(self.fail(InvalidExtension::Truncated { id })),
        }
    }

    /// Moves on to a later frame.
    fn separate(&mut self, head: Head) -> Result<(), InvalidExtension> {
        let step = match (head.flag(), self.rest.split_first()) {
            (false, _) => 1,
            (true, None) => return Err(InvalidExtension::Truncated { id: 1 }),
            (true, Some((&step, rest))) => {
                self.rest = rest;
                step
            }
        };
        if step == 0 {
            return Ok(());
        }
        self.frame += u16::from(step);
        if self.frame >= u16::from(self.frames) {
            return Err(InvalidExtension::NoSuchFrame { frame: self.frame, frames: self.frames });
        }
        self.begin_group();
        self.short_payloads = 0;
        Ok(())
    }

    fn begin_group(&mut self) {
        (self.group, self.after_long) = (self.rest, None);
    }

    /// Begins a repetition by a byte that had `left` bytes from it to the end.
    fn repeat(&mut self, head: Head, left: usize) {
        let group = self.group.get(..self.group.len().saturating_sub(left)).unwrap_or_default();
        let after_last_long = self.after_long.filter(|_| !head.flag());
        self.repetition = Some(Repetition {
            group,
            rest: group,
            frame: self.frame + 1,
            is_last: !head.flag(),
            after_last_long: after_last_long.map(|after| after.saturating_sub(left)),
        });
    }

    fn end_repetition(&mut self) {
        let Some(Repetition { is_last, .. }) = self.repetition.take() else { return };
        self.begin_group();
        if is_last {
            self.frame += 1;
            if self.frame >= u16::from(self.frames) {
                self.rest = &[];
            }
        }
    }

    /// Remembers what a repetition of the extension just read needs.
    fn remember(&mut self, head: Head) {
        if head.is_long() {
            (self.after_long, self.short_payloads) = (Some(self.rest.len()), 0);
        } else {
            self.short_payloads += usize::from(head.flag());
        }
    }

    fn fail(&mut self, error: InvalidExtension) -> InvalidExtension {
        (self.rest, self.repetition) = (&[], None);
        error
    }
}

impl Repetition<'_> {
    /// Returns the first byte of the next extension and its frame.
    fn next_head(&mut self, frames: u8) -> Option<(u16, Head)> {
        while self.frame < u16::from(frames) {
            while let Some((&byte, after)) = self.rest.split_first() {
                let head = Head(byte);
                // It was parsed before, so it fits.
                let (_, rest) = head.split_payload(after, 0).unwrap_or_default();
                self.rest = rest;
                // Padding and separators that separate nothing.
                if head.id() < 3 {
                    continue;
                }
                let is_last_frame = self.frame + 1 >= u16::from(frames);
                let states_no_length =
                    is_last_frame && self.after_last_long == Some(self.rest.len());
                let head = if states_no_length { head.without_flag() } else { head };
                return Some((self.frame, head));
            }
            self.rest = self.group;
            self.frame += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests;
