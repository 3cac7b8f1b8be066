use std::{num::NonZeroU32, str::FromStr};

use crate::{
    ClockReading,
    text::{decode_all, is_padding},
};

/// The contents of a `guan` chunk ([specification](https://guano-md.org)): every field unchanged
/// and in order, and the well-known ones with their types.
///
/// A well-known field whose value does not parse (recorders leave some empty) is `None`, but
/// stays among [`fields`](Self::fields).
///
/// ```
/// use recorder_metadata::Guano;
///
/// // A detector that plays ten times slower than it records.
/// let guano = Guano::parse(b"GUANO|Version: 1.0\nTE: 10\nLoc Position: 46.5 7.25\n");
/// assert_eq!(guano.true_rate(38_400), Some(384_000)); // Hz
/// assert_eq!(guano.position().expect("parses").latitude, 46.5);
/// assert_eq!(guano.get("TE"), Some("10"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guano {
    text: String,
}

/// A place in WGS 84, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

impl Guano {
    /// Parses a chunk. Text other than UTF-8 (SonoBat 4.2) is read as Windows-1252, and a line
    /// without a colon as a field without a name.
    pub fn parse(chunk: &[u8]) -> Self {
        Self { text: decode_all(chunk) }
    }

    /// Returns all fields in order: the name with its namespaces (`PET|Gain`), and the value. Both
    /// are trimmed and otherwise unchanged.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.text.split('\n').map(|line| line.trim_matches(is_padding));
        lines.filter(|line| !matches!(*line, "" | ":")).map(field)
    }

    /// Returns the value of the first non-empty field of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields()
            .find(|&(found, value)| found == name && !value.is_empty())
            .map(|(_, value)| value)
    }

    /// Returns `GUANO|Version`.
    pub fn version(&self) -> Option<&str> {
        self.get("GUANO|Version")
    }

    /// Returns `Timestamp`, the start of the recording.
    pub fn timestamp(&self) -> Option<ClockReading> {
        ClockReading::parse(self.get("Timestamp")?)
    }

    /// Returns `TE`, the time expansion factor; 1 if missing or invalid.
    pub fn time_expansion(&self) -> NonZeroU32 {
        let whole = self.get("TE").map(|value| value.strip_suffix(".0").unwrap_or(value));
        whole.and_then(|value| value.parse().ok()).unwrap_or(NonZeroU32::MIN)
    }

    /// Returns the rate at which the sound was sampled, in Hz: the rate in the file's header times
    /// [`time_expansion`](Self::time_expansion). `None` if it exceeds 32 bits.
    pub fn true_rate(&self, file_rate: u32) -> Option<u32> {
        file_rate.checked_mul(self.time_expansion().get())
    }

    /// Returns `Samplerate`, the true rate in Hz as the recorder states it.
    pub fn sample_rate(&self) -> Option<u32> {
        self.number("Samplerate")
    }

    /// Returns `Length`, the true length in seconds.
    pub fn length(&self) -> Option<f64> {
        self.float("Length")
    }

    /// Returns `Loc Position`.
    pub fn position(&self) -> Option<Position> {
        let separators = |found: char| found.is_whitespace() || "(),".contains(found);
        let mut numbers =
            self.get("Loc Position")?.split(separators).filter(|part| !part.is_empty());
        let mut degrees = |limit: f64| finite(numbers.next()?).filter(|found| found.abs() <= limit);
        let position = Position { latitude: degrees(90.0)?, longitude: degrees(180.0)? };
        numbers.next().is_none().then_some(position)
    }

    /// Returns `Loc Elevation`, in metres above sea level.
    pub fn elevation(&self) -> Option<f64> {
        self.float("Loc Elevation")
    }

    /// Returns `Loc Accuracy`, in metres (one sigma).
    pub fn accuracy(&self) -> Option<f64> {
        self.float("Loc Accuracy")
    }

    /// Returns `Make`, the manufacturer of the recorder.
    pub fn make(&self) -> Option<&str> {
        self.get("Make")
    }

    /// Returns `Model`, that of the recorder.
    pub fn model(&self) -> Option<&str> {
        self.get("Model")
    }

    /// Returns `Serial`, the serial number of the recorder.
    pub fn serial(&self) -> Option<&str> {
        self.get("Serial")
    }

    /// Returns `Firmware Version`.
    pub fn firmware_version(&self) -> Option<&str> {
        self.get("Firmware Version")
    }

    /// Returns `Hardware Version`.
    pub fn hardware_version(&self) -> Option<&str> {
        self.get("Hardware Version")
    }

    /// Returns `Original Filename`, the name that the recorder chose.
    pub fn original_file_name(&self) -> Option<&str> {
        self.get("Original Filename")
    }

    /// Returns `Temperature Int`, the temperature inside the housing in °C.
    pub fn temperature_internal(&self) -> Option<f64> {
        self.float("Temperature Int")
    }

    /// Returns `Temperature Ext`, the temperature outside the housing in °C.
    pub fn temperature_external(&self) -> Option<f64> {
        self.float("Temperature Ext")
    }

    /// Returns `Humidity`, in percent.
    pub fn humidity(&self) -> Option<f64> {
        self.float("Humidity")
    }

    /// Returns `Filter HP`, the high-pass frequency in kHz.
    pub fn high_pass(&self) -> Option<f64> {
        self.float("Filter HP")
    }

    /// Returns `Filter LP`, the low-pass frequency in kHz.
    pub fn low_pass(&self) -> Option<f64> {
        self.float("Filter LP")
    }

    /// Returns `Species Auto ID`, the species identified by a program, most likely first.
    pub fn species_auto(&self) -> impl Iterator<Item = &str> {
        self.list("Species Auto ID")
    }

    /// Returns `Species Manual ID`, the species identified by a person, most likely first.
    pub fn species_manual(&self) -> impl Iterator<Item = &str> {
        self.list("Species Manual ID")
    }

    /// Returns `Tags`.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.list("Tags")
    }

    /// Returns `Note`, with `\n` turned into line breaks.
    pub fn note(&self) -> Option<String> {
        self.get("Note").map(|note| note.replace("\\n", "\n"))
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let parts = self.get(name).unwrap_or_default().split(',').map(str::trim);
        parts.filter(|part| !part.is_empty())
    }

    fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    fn float(&self, name: &str) -> Option<f64> {
        finite(self.get(name)?)
    }
}

fn field(line: &str) -> (&str, &str) {
    let (name, value) = line.split_once(':').unwrap_or(("", line));
    (name.trim_matches(is_padding), value.trim_matches(is_padding))
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}
