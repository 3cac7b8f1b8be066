use jiff::{
    SignedDuration,
    civil::{Date, DateTime, Time},
};

use crate::{
    ClockReading, Error, decode_text, error::Reason, reading, scanner::Scanner, text::is_padding,
};

/// A `bext` chunk: Broadcast WAVE ([EBU Tech 3285](https://tech.ebu.ch/docs/tech/tech3285.pdf)).
///
/// Fields beyond the end of a short chunk are empty.
///
/// ```
/// use recorder_metadata::Bext;
///
/// let mut chunk = vec![0; 602];
/// chunk[320..338].copy_from_slice(b"2024-03-1514:30:00");
/// let start = Bext::parse(&chunk)?.start(48_000).expect("has a date and time");
/// assert_eq!(start.clock.to_string(), "2024-03-15T14:30:00");
/// # Ok::<(), recorder_metadata::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bext {
    /// Description of the sound.
    pub description: String,
    /// The originator, often the recorder.
    pub originator: String,
    /// The originator's reference number.
    pub originator_reference: String,
    /// `OriginationDate`, as written.
    pub date: String,
    /// `OriginationTime`, as written.
    pub time: String,
    /// Samples since midnight, at the rate of the file. Recorders often leave it 0.
    pub time_reference: u64,
    /// Version of the chunk: 0, 1 or 2.
    pub version: u16,
    /// SMPTE 330M identifier, from version 1.
    pub umid: Option<[u8; 64]>,
    /// Loudness, from version 2.
    pub loudness: Option<Loudness>,
    /// The processing steps, one per line.
    pub coding_history: String,
}

/// Loudness by EBU R 128, in hundredths. Values that were not measured are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loudness {
    /// Integrated loudness, LUFS.
    pub integrated: Option<i16>,
    /// Loudness range, LU.
    pub range: Option<i16>,
    /// Maximum true peak, dBTP.
    pub max_true_peak: Option<i16>,
    /// Maximum momentary loudness, LUFS.
    pub max_momentary: Option<i16>,
    /// Maximum short-term loudness, LUFS.
    pub max_short_term: Option<i16>,
}

const DATE_AND_TIME_END: usize = 338;

impl Bext {
    /// Parses the contents of a chunk.
    pub fn parse(chunk: &[u8]) -> Result<Self, Error> {
        if chunk.len() < DATE_AND_TIME_END {
            let found = chunk.len();
            return Err(Reason::BextTooShort { found, expected: DATE_AND_TIME_END }.into());
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

    /// Returns the start of the recording: date and time as written, without an offset. If the
    /// time reference (in samples at `rate`, that of the file) lies within a second of that time,
    /// it supplies the decimals. None also for 1904 and 1970-01-01, where clocks begin that nobody
    /// set.
    pub fn start(&self, rate: u32) -> Option<ClockReading> {
        let date = parse_date(&self.date).filter(|date| is_set(*date))?;
        let clock = DateTime::from_parts(date, parse_time(&self.time)?);
        let finer = self.since_midnight(rate).and_then(|since| {
            let finer = clock.date().to_datetime(Time::midnight()).checked_add(since).ok()?;
            (finer.duration_since(clock).abs() < SignedDuration::from_secs(1)).then_some(finer)
        });
        Some(ClockReading { clock: finer.unwrap_or(clock), offset: None })
    }

    /// Returns the time reference as time since midnight. `rate` is that of the file, in Hz.
    pub fn since_midnight(&self, rate: u32) -> Option<SignedDuration> {
        let rate = u64::from(rate);
        let seconds = i64::try_from(self.time_reference.checked_div(rate)?).ok()?;
        let samples = self.time_reference.checked_rem(rate)?;
        let nanoseconds = samples.checked_mul(1_000_000_000)?.checked_div(rate)?;
        Some(SignedDuration::new(seconds, i32::try_from(nanoseconds).ok()?))
    }
}

/// Whether a clock that shows this date was set.
pub(crate) fn is_set(date: Date) -> bool {
    date.year() != 1904 && (date.year(), date.day_of_year()) != (1970, 1)
}

/// Parses `YYYY-MM-DD`. The standard allows other separators.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    let mut scanner = Scanner::new(text.trim_matches(is_padding));
    let date = ["-", "_", ":", " ", "."]
        .iter()
        .find_map(|separator| scanner.attempt(|scanner| reading::date(scanner, separator)))?;
    scanner.rest().is_empty().then_some(date)
}

/// Parses `HH:MM:SS`. The standard allows other separators.
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

/// The unread part of a chunk, which reads as NULs beyond its end.
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
