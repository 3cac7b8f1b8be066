use jiff::{Timestamp, civil::DateTime, tz::Offset};

use crate::ClockReading;

/// A `harp` chunk: the table of raw files that make up an x.wav file (HARP, written by Triton).
///
/// A recorder that rests between raw files leaves gaps that the samples of the file do not show.
///
/// ```
/// use recorder_metadata::Harp;
///
/// // Two raw files of 2 s at 1 kHz, 16 bits; the second one starts 10 s after the first.
/// let mut chunk = vec![0; 56 + 2 * 32];
/// chunk[36] = 2;
/// for (number, second) in [(0, 0), (1, 10)] {
///     let entry = &mut chunk[56 + 32 * number..][..32];
///     entry[..6].copy_from_slice(&[11, 1, 30, 4, 0, second]);
///     entry[12..14].copy_from_slice(&4000_u16.to_le_bytes());
///     entry[20..22].copy_from_slice(&1000_u16.to_le_bytes());
/// }
/// let harp = Harp::parse(&chunk, 1).expect("has two raw files");
/// assert_eq!(harp.start().expect("plausible").clock.to_string(), "2011-01-30T04:00:00");
/// let gaps = harp.gaps(2);
/// assert_eq!((gaps[0].frame, gaps[0].milliseconds), (2000, 8000));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Harp {
    files: Vec<RawFile>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RawFile {
    /// Milliseconds since 1970.
    start: i64,
    bytes: u64,
    rate: u32,
}

/// Time that passed between two raw files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HarpGap {
    /// The first frame (sample per channel) after the gap.
    pub frame: u64,
    /// Length in milliseconds; negative if the second raw file starts before the first one ends.
    pub milliseconds: i64,
}

impl Harp {
    /// Parses the contents of the chunk in a file with this many channels; `None` if the table is
    /// missing or has impossible times.
    pub fn parse(chunk: &[u8], channels: u16) -> Option<Self> {
        // The version may be an ASCII digit. Version 2 adds a float per channel to both parts.
        let more = if matches!(chunk.first()?, 2 | b'2') { 4 * usize::from(channels) } else { 0 };
        let count = usize::from(u16::from_le_bytes(*chunk.get(36..)?.first_chunk()?));
        let table = chunk.get(HEADER + more..)?;
        let entries = table.chunks_exact(ENTRY + more).take(count);
        let files = entries.map(RawFile::parse).collect::<Option<Vec<_>>>()?;
        (files.len() == count && count > 0).then_some(Self { files })
    }

    /// Returns the sample rate of the first raw file in Hz, which may differ from that of the file.
    pub fn rate(&self) -> u32 {
        self.files.first().map_or(0, |file| file.rate)
    }

    /// Returns the start of the first raw file, in UTC; `None` if the clock that showed it was not
    /// set. The table counts years from 2000, before which no HARP recorded.
    pub fn start(&self) -> Option<ClockReading> {
        self.stated_start().filter(|start| (2001..2100).contains(&start.clock.year()))
    }

    /// Returns the start that the table states, even if the clock was not set.
    pub fn stated_start(&self) -> Option<ClockReading> {
        let first = Timestamp::from_millisecond(self.files.first()?.start).ok()?;
        Some(ClockReading::at(first))
    }

    /// Returns the number of raw files.
    pub fn raw_files(&self) -> usize {
        self.files.len()
    }

    /// Returns where more than 0.1 s lies between raw files, given the bytes of a frame.
    pub fn gaps(&self, frame_bytes: u32) -> Vec<HarpGap> {
        let frame_bytes = u64::from(frame_bytes.max(1));
        let (mut gaps, mut frame) = (Vec::new(), 0_u64);
        for (file, next) in self.files.iter().zip(self.files.iter().skip(1)) {
            let frames = file.bytes / frame_bytes;
            frame = frame.saturating_add(frames);
            let length = frames.saturating_mul(1000) / u64::from(file.rate.max(1));
            let end = file.start.saturating_add_unsigned(length);
            let milliseconds = next.start.saturating_sub(end);
            if milliseconds.unsigned_abs() > TOLERANCE {
                gaps.push(HarpGap { frame, milliseconds });
            }
        }
        gaps
    }
}

impl RawFile {
    fn parse(entry: &[u8]) -> Option<Self> {
        let [year, month, day, hour, minute, second] = *entry.first_chunk()?;
        let byte = |byte: u8| i8::try_from(byte).ok();
        let milliseconds = u16::from_le_bytes(*entry.get(6..)?.first_chunk()?);
        let number = |at: usize| Some(u32::from_le_bytes(*entry.get(at..)?.first_chunk()?));
        let start = DateTime::new(
            2000 + i16::from(year),
            byte(month)?,
            byte(day)?,
            byte(hour)?,
            byte(minute)?,
            byte(second)?,
            i32::from(milliseconds.min(999)) * 1_000_000,
        );
        let start = Offset::UTC.to_timestamp(start.ok()?).ok()?.as_millisecond();
        Some(Self { start, bytes: number(12)?.into(), rate: number(20)? })
    }
}

/// Length of the fields before the table, and of an entry in it.
const HEADER: usize = 56;
const ENTRY: usize = 32;
/// Clocks of recorders are not more exact, in milliseconds.
const TOLERANCE: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(version: u8, channels: usize, seconds: &[u8]) -> Vec<u8> {
        let more = if version == 2 { 4 * channels } else { 0 };
        let mut chunk = vec![0; HEADER + more];
        (chunk[0], chunk[36]) = (version, u8::try_from(seconds.len()).unwrap());
        for second in seconds {
            let mut entry = vec![0; ENTRY + more];
            entry[..6].copy_from_slice(&[19, 6, 7, 9, 59, *second]);
            entry[6..8].copy_from_slice(&500_u16.to_le_bytes());
            entry[12..16].copy_from_slice(&80_000_u32.to_le_bytes());
            entry[20..24].copy_from_slice(&4000_u32.to_le_bytes());
            chunk.extend(entry);
        }
        chunk
    }

    #[test]
    fn gaps_lie_where_raw_files_do_not_adjoin() {
        // 80,000 bytes of 4 channels are 2.5 s.
        for version in [0, 1, 2, b'1'] {
            let of = |seconds: &[u8]| {
                let harp = Harp::parse(&chunk(version, 4, seconds), 4).unwrap();
                assert_eq!((harp.rate(), harp.raw_files()), (4000, seconds.len()));
                harp.gaps(8).iter().map(|gap| (gap.frame, gap.milliseconds)).collect::<Vec<_>>()
            };
            assert_eq!(of(&[0]), []);
            assert_eq!(of(&[0, 2]), [(10_000, -500)]);
            assert_eq!(of(&[0, 3, 33]), [(10_000, 500), (20_000, 27_500)]);
        }
    }

    #[test]
    fn the_first_raw_file_starts_the_recording() {
        let start = |version: u8, first: [u8; 6]| {
            let mut chunk = chunk(version, 2, &[0, 30]);
            let table = if version == 2 { HEADER + 8 } else { HEADER };
            chunk[table..table + 6].copy_from_slice(&first);
            let harp = Harp::parse(&chunk, 2)?;
            Some((harp.start().map(|it| it.instant().unwrap().to_string()), harp.stated_start()?))
        };
        for version in [0, 1, 2, b'0', b'1'] {
            let (found, stated) = start(version, [9, 7, 20, 19, 32, 30]).unwrap();
            assert_eq!(found.as_deref(), Some("2009-07-20T19:32:30.5Z"));
            assert_eq!(stated.clock.to_string(), "2009-07-20T19:32:30.5");
        }
        // 2000-01-01, and 1970-01-01 and 1904-01-01 as years since 2000 in a byte.
        for year in [0, 226, 160] {
            let (found, stated) = start(1, [year, 1, 1, 0, 0, 0]).unwrap();
            assert_eq!((found, stated.clock.year()), (None, 2000 + i16::from(year)));
        }
        assert_eq!(start(1, [0; 6]), None);
    }

    #[test]
    fn tables_that_make_no_sense_are_none() {
        let whole = chunk(1, 1, &[0, 1, 2]);
        for len in 0..whole.len() {
            assert_eq!(Harp::parse(&whole[..len], 1), None, "{len}");
        }
        assert_eq!(Harp::parse(&chunk(1, 1, &[]), 1), None);
        assert_eq!(Harp::parse(&chunk(1, 1, &[0, 99]), 1), None);
    }
}
