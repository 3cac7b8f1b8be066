use std::{num::NonZeroU32, str::FromStr};

use crate::{
    ClockReading,
    text::{decode_all, is_padding},
};

/// The contents of a `guan` chunk: every field as it stands there and in that order, and
/// the well-known ones with their types ([specification](https://guano-md.org)).
///
/// A well-known field whose value is not of its type is `None` there and still among
/// [`fields`](Self::fields): recorders leave them empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guano {
    text: String,
}

/// Where a recording was made, WGS 84, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// North is positive.
    pub latitude: f64,
    /// East is positive.
    pub longitude: f64,
}

impl Guano {
    /// Reads a chunk. What is not UTF-8 (SonoBat 4.2) is taken as Windows-1252; a line
    /// without a colon is a field without a name.
    pub fn parse(chunk: &[u8]) -> Self {
        Self { text: decode_all(chunk) }
    }

    /// All fields, in order: name with its namespaces (`PET|Gain`) and value, both
    /// without the white space around them, else as written.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.text.split('\n').map(|line| line.trim_matches(is_padding));
        lines.filter(|line| !matches!(*line, "" | ":")).map(field)
    }

    /// The value of the first field of this name that has one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields()
            .find(|&(found, value)| found == name && !value.is_empty())
            .map(|(_, value)| value)
    }

    /// `GUANO|Version`.
    pub fn version(&self) -> Option<&str> {
        self.get("GUANO|Version")
    }

    /// `Timestamp`: when the recording began.
    pub fn timestamp(&self) -> Option<ClockReading> {
        ClockReading::parse(self.get("Timestamp")?)
    }

    /// `TE`: by how much the recording is expanded in time, 1 if that is not said.
    pub fn time_expansion(&self) -> NonZeroU32 {
        let whole = self.get("TE").map(|value| value.strip_suffix(".0").unwrap_or(value));
        whole.and_then(|value| value.parse().ok()).unwrap_or(NonZeroU32::MIN)
    }

    /// The rate at which the sound was sampled, given the rate in the file's header:
    /// that times [`time_expansion`](Self::time_expansion). `None` if it has no place in
    /// 32 bits.
    pub fn true_rate(&self, file_rate: u32) -> Option<u32> {
        file_rate.checked_mul(self.time_expansion().get())
    }

    /// `Samplerate`: the true rate in Hz, as the recorder says it.
    pub fn sample_rate(&self) -> Option<u32> {
        self.number("Samplerate")
    }

    /// `Length`: the true length in seconds.
    pub fn length(&self) -> Option<f64> {
        self.float("Length")
    }

    /// `Loc Position`.
    pub fn position(&self) -> Option<Position> {
        let separators = |found: char| found.is_whitespace() || "(),".contains(found);
        let mut numbers =
            self.get("Loc Position")?.split(separators).filter(|part| !part.is_empty());
        let mut degrees = |limit: f64| finite(numbers.next()?).filter(|found| found.abs() <= limit);
        let position = Position { latitude: degrees(90.0)?, longitude: degrees(180.0)? };
        numbers.next().is_none().then_some(position)
    }

    /// `Loc Elevation`: metres above the sea.
    pub fn elevation(&self) -> Option<f64> {
        self.float("Loc Elevation")
    }

    /// `Loc Accuracy`: metres, one sigma.
    pub fn accuracy(&self) -> Option<f64> {
        self.float("Loc Accuracy")
    }

    /// `Make`: who made the recorder.
    pub fn make(&self) -> Option<&str> {
        self.get("Make")
    }

    /// `Model` of the recorder.
    pub fn model(&self) -> Option<&str> {
        self.get("Model")
    }

    /// `Serial` number of the recorder.
    pub fn serial(&self) -> Option<&str> {
        self.get("Serial")
    }

    /// `Firmware Version`.
    pub fn firmware_version(&self) -> Option<&str> {
        self.get("Firmware Version")
    }

    /// `Hardware Version`.
    pub fn hardware_version(&self) -> Option<&str> {
        self.get("Hardware Version")
    }

    /// `Original Filename`: the name that the recorder gave.
    pub fn original_file_name(&self) -> Option<&str> {
        self.get("Original Filename")
    }

    /// `Temperature Int`: inside the housing, °C.
    pub fn temperature_internal(&self) -> Option<f64> {
        self.float("Temperature Int")
    }

    /// `Temperature Ext`: outside the housing, °C.
    pub fn temperature_external(&self) -> Option<f64> {
        self.float("Temperature Ext")
    }

    /// `Humidity`: per cent.
    pub fn humidity(&self) -> Option<f64> {
        self.float("Humidity")
    }

    /// `Filter HP`: high-pass filter, kHz.
    pub fn high_pass(&self) -> Option<f64> {
        self.float("Filter HP")
    }

    /// `Filter LP`: low-pass filter, kHz.
    pub fn low_pass(&self) -> Option<f64> {
        self.float("Filter LP")
    }

    /// `Species Auto ID`: as told by a program, the foremost first.
    pub fn species_auto(&self) -> impl Iterator<Item = &str> {
        self.list("Species Auto ID")
    }

    /// `Species Manual ID`: as told by a human, the foremost first.
    pub fn species_manual(&self) -> impl Iterator<Item = &str> {
        self.list("Species Manual ID")
    }

    /// `Tags`.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.list("Tags")
    }

    /// `Note`, with its line breaks, which are written `\n`.
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
