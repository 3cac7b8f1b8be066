mod clauses;

use crate::{
    ClockReading,
    reading::{date_of, offset_of, time_of},
    scanner::Scanner,
    text::is_padding,
};

/// The comment that AudioMoth firmware writes (`ICMT` in `LIST INFO`, `COMM` in ID3), in every
/// form from version 1.0 (2017) to 1.11 and that of AudioMoth-GPS-Sync.
///
/// Values that a form lacks are `None`. Text that was not understood is in [`rest`](Self::rest).
///
/// ```
/// use recorder_metadata::{AudioMothComment, Battery};
///
/// let comment = AudioMothComment::parse(
///     "Recorded at 19:30:00 12/11/2021 (UTC+1) by AudioMoth 248D9B045EC9EE79 at medium gain \
///      while battery was 4.1V and temperature was 14.0C.",
/// )
/// .expect("a comment by AudioMoth");
/// assert_eq!(comment.start.instant().expect("has an offset").to_string(), "2021-11-12T18:30:00Z");
/// assert_eq!(comment.battery, Some(Battery::At(41))); // tenths of a volt
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AudioMothComment {
    /// The start of the recording. Firmware 1.0 does not name the zone; its clock is UTC.
    pub start: ClockReading,
    /// Serial number of the device.
    pub device: Option<String>,
    /// Number of the deployment, which replaces the serial number.
    pub deployment: Option<String>,
    /// Whether a microphone was plugged in.
    pub external_microphone: bool,
    /// Gain of the microphone.
    pub gain: Option<Gain>,
    /// Voltage of the battery.
    pub battery: Option<Battery>,
    /// Temperature in tenths of a degree Celsius.
    pub temperature: Option<i32>,
    /// The condition that started the recording.
    pub trigger: Option<Trigger>,
    /// The filter that the device applied.
    pub filter: Option<Filter>,
    /// Why the recording stopped early.
    pub stop: Option<Stop>,
    /// The end of the comment, from the first words that were not understood.
    pub rest: String,
}

/// Gain of the microphone, written as 0 to 4 by firmware before 1.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the firmware's own words")]
pub enum Gain {
    Low,
    LowMedium,
    Medium,
    MediumHigh,
    High,
}

/// Voltage of the battery, in tenths of a volt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Battery {
    /// Below the measurable range, which starts here.
    Below(u32),
    /// Measured.
    At(u32),
    /// Above the measurable range, which ends here.
    Above(u32),
}

/// The condition that made the device keep sound.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Trigger {
    /// A minimum amplitude.
    Amplitude {
        /// The minimum.
        threshold: Threshold,
        /// Minimum duration in seconds.
        minimum_seconds: Option<u32>,
    },
    /// A minimum amplitude at one frequency.
    Frequency {
        /// Centre frequency in Hz.
        hertz: u32,
        /// Window length in samples.
        window: u32,
        /// The minimum.
        threshold: Threshold,
        /// Minimum duration in seconds.
        minimum_seconds: Option<u32>,
    },
}

/// An amplitude, on the configured scale.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Threshold {
    /// Steps of a 16-bit sample.
    Amplitude(u32),
    /// Decibels relative to full scale, 0 or less.
    Decibels(i32),
    /// Percent of full scale.
    Percent(f64),
}

/// A filter, with its frequencies in Hz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are self-explanatory")]
pub enum Filter {
    LowPass { hertz: u32 },
    BandPass { lower_hertz: u32, upper_hertz: u32 },
    HighPass { hertz: u32 },
}

/// Why a recording ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are self-explanatory")]
pub enum Stop {
    FileSizeLimit,
    LowVoltage,
    MagneticSwitch,
    MicrophoneChange,
    SdCardWriteError,
    SwitchPositionChange,
}

impl AudioMothComment {
    /// Parses a comment. Returns `None` if it does not begin like one by AudioMoth.
    pub fn parse(text: &str) -> Option<Self> {
        let mut scanner = Scanner::new(text.trim_matches(is_padding));
        let start = start(&mut scanner)?;
        let mut comment = Self {
            start,
            device: None,
            deployment: None,
            external_microphone: false,
            gain: None,
            battery: None,
            temperature: None,
            trigger: None,
            filter: None,
            stop: None,
            rest: String::new(),
        };
        comment.read_recorder(&mut scanner)?;
        comment.read_state(&mut scanner);
        while comment.read_sentence(&mut scanner).is_some() {}
        comment.rest = scanner.rest().trim_start().to_owned();
        Some(comment)
    }

    /// Returns whether a comment is one by AudioMoth, even if its time cannot be read.
    pub fn is_like(text: &str) -> bool {
        text.trim_matches(is_padding).starts_with("Recorded at ")
            && [" by AudioMoth ", " during deployment "].iter().any(|by| text.contains(by))
    }

    fn read_recorder(&mut self, scanner: &mut Scanner<'_>) -> Option<()> {
        /// Firmware before 1.2 writes the address of the serial number instead of the number,
        /// which is the same on every device.
        const ADDRESS: &str = "0FE081F80FE081F0";

        let is_deployment = scanner.literal(" during deployment ").is_some();
        if !is_deployment {
            scanner.literal(" by AudioMoth ")?;
        }
        let number = scanner.while_(|found| found.is_ascii_hexdigit())?.to_owned();
        if is_deployment {
            self.deployment = Some(number);
        } else {
            self.device = Some(number).filter(|number| number != ADDRESS);
        }
        self.external_microphone = scanner.literal(" using external microphone").is_some();
        Some(())
    }

    fn read_state(&mut self, scanner: &mut Scanner<'_>) {
        self.gain = scanner.attempt(clauses::gain);
        self.battery = scanner.attempt(clauses::battery);
        self.temperature = scanner.attempt(clauses::temperature);
        scanner.literal(".");
    }

    fn read_sentence(&mut self, scanner: &mut Scanner<'_>) -> Option<()> {
        if let Some(trigger) = scanner.attempt(clauses::trigger) {
            self.trigger = Some(trigger);
        } else if let Some(filter) = scanner.attempt(clauses::filter) {
            self.filter = Some(filter);
        } else {
            self.stop = Some(scanner.attempt(clauses::stop)?);
        }
        Some(())
    }
}

/// Parses `Recorded at 19:17:30 21/02/2018 (UTC-3:30)`, with the day before the month.
fn start(scanner: &mut Scanner<'_>) -> Option<ClockReading> {
    scanner.literal("Recorded at ")?;
    let hour = scanner.digits(2)?;
    scanner.literal(":")?;
    let minute = scanner.digits(2)?;
    scanner.literal(":")?;
    let second = scanner.digits(2)?;
    let nanosecond = scanner.fraction().unwrap_or(0);
    scanner.literal(" ")?;
    let day = scanner.digits(2)?;
    scanner.literal("/")?;
    let month = scanner.digits(2)?;
    scanner.literal("/")?;
    let date = date_of(scanner.digits(4)?, month, day)?;
    let clock = date.to_datetime(time_of(hour, minute, second, nanosecond)?);
    if scanner.literal(" (").is_none() {
        return Some(ClockReading { clock, offset: offset_of('+', 0, 0) });
    }
    let mut zone = Scanner::new(scanner.until(")")?);
    Some(ClockReading { clock, offset: clauses::zone(&mut zone) })
}
