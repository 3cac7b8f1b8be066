use jiff::{
    SignedDuration,
    civil::{Date, DateTime, Time},
};

use crate::{ClockReading, Error, decode_text, reading, scanner::Scanner, text::is_padding};

/// A `bext` chunk: Broadcast WAVE ([EBU Tech 3285](https://tech.ebu.ch/docs/tech/tech3285.pdf)).
///
/// Fields that a chunk is too short for are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bext {
    /// What the sound is.
    pub description: String,
    /// Who made it: often the recorder.
    pub originator: String,
    /// Its number there.
    pub originator_reference: String,
    /// `OriginationDate`, as written.
    pub date: String,
    /// `OriginationTime`, as written.
    pub time: String,
    /// Samples since midnight, at the rate of the file. Recorders leave it 0.
    pub time_reference: u64,
    /// 0, 1 or 2.
    pub version: u16,
    /// SMPTE 330M identifier, of version 1 on, if there is one.
    pub umid: Option<[u8; 64]>,
    /// Of version 2 on.
    pub loudness: Option<Loudness>,
    /// What was done to the sound, a line each.
    pub coding_history: String,
}

/// Loudness by EBU R 128, in hundredths; `None` what was not measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loudness {
    /// Of the whole, LUFS.
    pub integrated: Option<i16>,
    /// LU.
    pub range: Option<i16>,
    /// dBTP.
    pub max_true_peak: Option<i16>,
    /// LUFS.
    pub max_momentary: Option<i16>,
    /// LUFS.
    pub max_short_term: Option<i16>,
}

const DATE_AND_TIME_END: usize = 338;

impl Bext {
    /// Reads the contents of a chunk.
    pub fn parse(chunk: &[u8]) -> Result<Self, Error> {
        if chunk.len() < DATE_AND_TIME_END {
            return Err(Error::BextTooShort { found: chunk.len(), expected: DATE_AND_TIME_END });
        }
        let mut fields = Fields(chunk);
        let mut bext = Self {
            description: fields.text(256),
            originator: fields.text(32),
            originator_reference: fields.text(32),
            date: fields.text(10),
            time: fields.text(8),
            time_reference: u64::from_le_bytes(fields.bytes()),
            version: u16::from_le_bytes(fields.bytes()),
            ..Self::default()
        };
        let umid: [u8; 64] = fields.bytes();
        bext.umid =
            Some(umid).filter(|umid| bext.version >= 1 && umid.iter().any(|&byte| byte != 0));
        let loudness = Loudness::parse(&mut fields);
        bext.loudness = (bext.version >= 2).then_some(loudness);
        let _reserved: [u8; 180] = fields.bytes();
        bext.coding_history = fields.text(usize::MAX);
        Ok(bext)
    }

    /// When the recording began: date and time as written, without offset. Where the
    /// time reference (at `rate`, that of the file) is within a second of the time, it
    /// gives its decimals.
    pub fn start(&self, rate: u32) -> Option<ClockReading> {
        let clock = DateTime::from_parts(parse_date(&self.date)?, parse_time(&self.time)?);
        let finer = self.since_midnight(rate).and_then(|since| {
            let finer = clock.date().to_datetime(Time::midnight()).checked_add(since).ok()?;
            (finer.duration_since(clock).abs() < SignedDuration::from_secs(1)).then_some(finer)
        });
        Some(ClockReading { clock: finer.unwrap_or(clock), offset: None })
    }

    /// The time reference as time since midnight, at `rate`, that of the file.
    pub fn since_midnight(&self, rate: u32) -> Option<SignedDuration> {
        let rate = u64::from(rate);
        let seconds = i64::try_from(self.time_reference.checked_div(rate)?).ok()?;
        let samples = self.time_reference.checked_rem(rate)?;
        let nanoseconds = samples.checked_mul(1_000_000_000)?.checked_div(rate)?;
        Some(SignedDuration::new(seconds, i32::try_from(nanoseconds).ok()?))
    }
}

/// `YYYY-MM-DD`; the standard allows other separators.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    let mut scanner = Scanner::new(text.trim_matches(is_padding));
    let date = ["-", "_", ":", " ", "."]
        .iter()
        .find_map(|separator| scanner.attempt(|scanner| reading::date(scanner, separator)))?;
    scanner.rest().is_empty().then_some(date)
}

/// `HH:MM:SS`; the standard allows other separators.
pub(crate) fn parse_time(text: &str) -> Option<Time> {
    let mut scanner = Scanner::new(text.trim_matches(is_padding));
    let hour = scanner.digits(2)?;
    let separator = scanner.one_of(&[':', '-', '_', ' ', '.'])?;
    let minute = scanner.digits(2)?;
    scanner.one_of(&[separator])?;
    let time = reading::time_of(hour, minute, scanner.digits(2)?, 0)?;
    scanner.rest().is_empty().then_some(time)
}

impl Loudness {
    fn parse(fields: &mut Fields<'_>) -> Self {
        const NOT_MEASURED: i16 = i16::MAX;
        let mut value =
            || Some(i16::from_le_bytes(fields.bytes())).filter(|&value| value != NOT_MEASURED);
        Self {
            integrated: value(),
            range: value(),
            max_true_peak: value(),
            max_momentary: value(),
            max_short_term: value(),
        }
    }
}

/// What is left of a chunk; behind its end there are NULs.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn text(&mut self, len: usize) -> String {
        let (text, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        decode_text(text).trim_end().to_owned()
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let found = self.0.split_first_chunk::<N>();
        let (bytes, rest) = found.map_or(([0; N], &[][..]), |(bytes, rest)| (*bytes, rest));
        self.0 = rest;
        bytes
    }
}
