mod clauses;

use crate::{
    ClockReading,
    reading::{date_of, offset_of, time_of},
    scanner::Scanner,
    text::is_padding,
};

/// The comment (`ICMT` in `LIST INFO`, `COMM` in ID3) that AudioMoth firmware writes,
/// in every form from version 1.0 (2017) to 1.11 and of AudioMoth-GPS-Sync.
///
/// What a form does not say is `None`. What is not understood is in [`rest`](Self::rest).
#[derive(Clone, Debug, PartialEq)]
pub struct AudioMothComment {
    /// When the recording began. Firmware 1.0 does not name the zone; its clock is UTC.
    pub start: ClockReading,
    /// Serial number of the device.
    pub device: Option<String>,
    /// Number of the deployment, which stands in the place of the device's.
    pub deployment: Option<String>,
    /// Whether a microphone was plugged in.
    pub external_microphone: bool,
    #[allow(missing_docs, reason = "the type says it")]
    pub gain: Option<Gain>,
    #[allow(missing_docs, reason = "the type says it")]
    pub battery: Option<Battery>,
    /// Tenths of a degree Celsius.
    pub temperature: Option<i32>,
    #[allow(missing_docs, reason = "the type says it")]
    pub trigger: Option<Trigger>,
    #[allow(missing_docs, reason = "the type says it")]
    pub filter: Option<Filter>,
    /// Why it stopped before it should have.
    pub stop: Option<Stop>,
    /// From where the comment was no longer understood: empty if all of it was.
    pub rest: String,
}

/// Gain of the microphone: 0 to 4 in firmware before 1.4.
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
    /// Less than can be measured.
    Below(u32),
    /// As measured.
    At(u32),
    /// More than can be measured.
    Above(u32),
}

/// What made the device keep sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trigger {
    /// The amplitude.
    Amplitude {
        /// From which on.
        threshold: Threshold,
        /// Kept for at least so many seconds.
        minimum_seconds: Option<u32>,
    },
    /// The amplitude at a frequency.
    Frequency {
        /// Centre, Hz.
        hertz: u32,
        /// Window, in samples.
        window: u32,
        /// From which on.
        threshold: Threshold,
        /// Kept for at least so many seconds.
        minimum_seconds: Option<u32>,
    },
}

/// An amplitude, on the scale that was chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// Steps of 16 bits.
    Amplitude(u32),
    /// Against full scale, 0 or less.
    Decibels(i32),
    /// Of full scale.
    Percent(f64),
}

/// A filter that was applied, with its frequencies in Hz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub enum Filter {
    LowPass { hertz: u32 },
    BandPass { lower_hertz: u32, upper_hertz: u32 },
    HighPass { hertz: u32 },
}

/// What ended a recording early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names say what they are")]
pub enum Stop {
    FileSizeLimit,
    LowVoltage,
    MagneticSwitch,
    MicrophoneChange,
    SdCardWriteError,
    SwitchPositionChange,
}

impl AudioMothComment {
    /// Reads a comment. `None` if it does not begin as one of AudioMoth.
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

    fn read_recorder(&mut self, scanner: &mut Scanner<'_>) -> Option<()> {
        /// Firmware before 1.2 writes the address of the serial number and not the
        /// number: the same from every device.
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

/// `Recorded at 19:17:30 21/02/2018 (UTC-3:30)`: day before month.
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
