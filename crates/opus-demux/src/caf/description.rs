//! The description of the recording: chunks "desc" and "kuki".

use std::io::{Read, Seek};

use opus_packet::{OpusHead, SAMPLE_RATE};

use crate::{
    Error,
    caf::{
        FindingKind,
        chunks::{Chunk, Chunks},
        error::Reason,
        finding::Findings,
        packet_table::TableHeader,
    },
    input::Seekable,
};

/// The audio description chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Description {
    offset: u64,
    /// Frames per second, the clock of the whole file.
    rate: u32,
    /// 0 if the packet table states it for each packet.
    pub(crate) bytes_per_packet: u32,
    /// 0 if the packet table states it for each packet.
    pub(crate) frames_per_packet: u32,
    channels: u32,
}

impl Description {
    pub(crate) fn read<R: Read + Seek>(
        input: &mut Seekable<R>,
        chunks: &Chunks,
    ) -> Result<Self, Error> {
        let missing = || Error::at(input.len(), Reason::NoChunk { name: "desc" });
        let chunk = chunks.description.ok_or_else(missing)?;
        let offset = chunk.start;
        let fields: [u8; 32] = chunk.fields(input, "desc")?;
        let [high, low, format, _flags, bytes_per_packet, frames_per_packet, channels, _bits] =
            words(&fields);
        if format.to_be_bytes() != *b"opus" {
            return Err(Error::at(offset, Reason::NotOpus { format: format.to_be_bytes() }));
        }
        let bits = u64::from(high) << 32 | u64::from(low);
        let rate = integer(bits)
            .filter(|rate| (1..=MAX_RATE).contains(rate))
            .ok_or_else(|| Error::at(offset, Reason::SampleRate { bits }))?;
        Ok(Self { offset, rate, bytes_per_packet, frames_per_packet, channels })
    }

    /// Converts frames of the file to samples at 48 kHz, rounded to the nearest.
    pub(crate) fn samples(&self, frames: u64) -> u64 {
        let rate = u128::from(self.rate);
        let doubled = (2 * u128::from(frames) * u128::from(SAMPLE_RATE) + rate) / (2 * rate);
        u64::try_from(doubled).unwrap_or(u64::MAX)
    }

    /// The head in the cookie, or one made from the description and the priming frames, since
    /// some writers store no OpusHead.
    pub(crate) fn head<R: Read + Seek>(
        &self,
        input: &mut Seekable<R>,
        cookie: Option<Chunk>,
        table: &TableHeader,
        findings: &mut Findings,
    ) -> Result<OpusHead, Error> {
        let priming = self.priming(table, findings)?;
        if let Some(head) = read_cookie(input, cookie, findings)? {
            let (samples, pre_skip) = (u64::from(priming), head.pre_skip());
            if priming != pre_skip && priming != 0 {
                let priming = table.priming;
                let kind = FindingKind::Priming { priming, samples, pre_skip };
                findings.report(table.offset, kind)?;
            }
            return Ok(head);
        }
        let (offset, found) = (self.offset, self.channels);
        let channels = u8::try_from(found).ok().filter(|channels| matches!(channels, 1 | 2));
        let channels = channels.ok_or_else(|| Error::at(offset, Reason::Channels { found }))?;
        findings.report(offset, FindingKind::NoHead { pre_skip: priming })?;
        OpusHead::new(channels, priming, self.rate).map_err(|reason| Error::at(offset, reason))
    }

    /// The priming frames in samples.
    fn priming(&self, table: &TableHeader, findings: &mut Findings) -> Result<u16, Error> {
        let frames = table.priming;
        let samples = u64::try_from(frames).map(|frames| self.samples(frames)).ok();
        let Some(samples) = samples.and_then(|samples| u16::try_from(samples).ok()) else {
            findings.report(table.offset, FindingKind::InvalidPriming { frames })?;
            return Ok(0);
        };
        Ok(samples)
    }
}

fn read_cookie<R: Read + Seek>(
    input: &mut Seekable<R>,
    cookie: Option<Chunk>,
    findings: &mut Findings,
) -> Result<Option<OpusHead>, Error> {
    let Some(chunk) = cookie else { return Ok(None) };
    let bytes = input.bytes(chunk.start, chunk.len(), MAX_COOKIE_LEN)?;
    let head = OpusHead::parse(&bytes).ok();
    if head.is_none() {
        findings.report(chunk.start, FindingKind::Cookie)?;
    }
    Ok(head)
}

/// Splits bytes into big-endian words.
pub(crate) fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
    }
    words
}

/// The value of a double with these bits, if it is a positive integer.
fn integer(bits: u64) -> Option<u32> {
    let (exponent, fraction) = (bits >> 52, bits & ((1 << 52) - 1));
    // A set sign bit makes the exponent too large.
    let shift = 1075_u64.checked_sub(exponent).filter(|shift| *shift <= 52)?;
    let mantissa = 1 << 52 | fraction;
    let whole = mantissa >> shift;
    u32::try_from(whole).ok().filter(|_| whole << shift == mantissa)
}

const MAX_RATE: u32 = 1_000_000;
/// More than the longest OpusHead.
const MAX_COOKIE_LEN: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_positive_integers_are_read_from_doubles() {
        for value in [1, 3, 8000, 44_100, 48_000, u32::MAX] {
            assert_eq!(integer(f64::from(value).to_bits()), Some(value));
            assert_eq!(integer((-f64::from(value)).to_bits()), None);
        }
        for value in [0.0, 0.5, 1.5, 44_100.1, 4_294_967_296.0, 1e300, f64::NAN, f64::INFINITY] {
            assert_eq!(integer(value.to_bits()), None, "{value}");
        }
    }

    #[test]
    fn frames_of_any_rate_become_samples() {
        let at = |rate| Description {
            offset: 0,
            rate,
            bytes_per_packet: 0,
            frames_per_packet: 0,
            channels: 1,
        };
        assert_eq!(at(48_000).samples(312), 312);
        assert_eq!(at(24_000).samples(156), 312);
        assert_eq!(at(44_100).samples(287), 312, "312.38");
        assert_eq!(at(1).samples(u64::MAX), u64::MAX, "no overflow");
    }
}
