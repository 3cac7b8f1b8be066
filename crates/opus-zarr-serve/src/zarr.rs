//! A virtual Zarr store (version 3): each recording is a group with an array `audio` of frames and channels,
//! decoded when its chunks are read.

use std::str::FromStr;

use opus_zarr::{Catalogue, CatalogueRow, Recording, RecordingName, SAMPLE_RATE};
use opus_zarr_render::SampleFormat;
use serde_json::{Map, Value, json};

use crate::{
    Problem,
    archive::{Key, Selected},
    audio::decode,
    number::size,
    query::encode,
    route::canonical,
};

/// How arrays present samples. As text: `int16-48000-1`, `float32-16000-0.5-mono`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Form {
    format: SampleFormat,
    /// Frames per second of play.
    rate: u32,
    /// Frames of a chunk.
    chunk: u32,
    is_mono: bool,
}

/// A key of the virtual store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ZarrKey {
    /// The document of the root, with those of all members.
    Root,
    /// The document of a recording's group.
    Group(RecordingName),
    /// The document of its array.
    Array(RecordingName),
    /// A chunk of its array, by number.
    Chunk(RecordingName, u64),
}

impl Default for Form {
    fn default() -> Self {
        Self { format: SampleFormat::Int16, rate: SAMPLE_RATE, chunk: SAMPLE_RATE, is_mono: false }
    }
}

/// The text is not that of a form.
impl FromStr for Form {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let format = match parts.next() {
            Some("int16") => SampleFormat::Int16,
            Some("float32") => SampleFormat::Float32,
            _ => return Err(()),
        };
        let rate: u32 = parts.next().and_then(canonical).ok_or(())?;
        opus_zarr::OutputRate::try_from(rate).map_err(drop)?;
        let seconds: f64 = parts.next().and_then(canonical).ok_or(())?;
        let is_mono = match (parts.next(), parts.next()) {
            (None, _) => false,
            (Some("mono"), None) => true,
            _ => return Err(()),
        };
        let frames = seconds * f64::from(rate);
        let is_whole = frames.fract() == 0.0 && (1.0..=f64::from(MOST_FRAMES)).contains(&frames);
        let chunk = u32::try_from(size(frames)).ok().filter(|_| is_whole).ok_or(())?;
        Ok(Self { format, rate, chunk, is_mono })
    }
}

impl ZarrKey {
    /// Parses the parts of a key.
    pub(crate) fn parse(segments: &[&str]) -> Result<Self, Problem> {
        let name = |text: &str| text.parse().map_err(|_| none());
        match *segments {
            ["zarr.json"] => Ok(Self::Root),
            [group, "zarr.json"] => Ok(Self::Group(name(group)?)),
            [group, "audio", "zarr.json"] => Ok(Self::Array(name(group)?)),
            [group, "audio", "c", number, "0"] => {
                Ok(Self::Chunk(name(group)?, canonical(number).ok_or_else(none)?))
            }
            _ => Err(none()),
        }
    }
}

/// What an array says about a recording.
struct Layout<'a> {
    name: &'a str,
    frames: u64,
    channels: u8,
    real_rate: u32,
    start: Option<String>,
    is_exact: bool,
    notes: &'a Map<String, Value>,
}

impl Form {
    /// The recording whose reads have this form.
    pub(crate) fn key(self, name: RecordingName) -> Key {
        let channels = if self.is_mono { Selected::Mono } else { Selected::All };
        Key { rate: self.rate, channels, ..Key::new(name) }
    }

    /// The document of the root. Where it takes no opening of every recording, it has the documents of all
    /// members, which makes them listed.
    pub(crate) fn root(self, catalogue: &Catalogue, base: &str) -> Value {
        let rows = catalogue.rows();
        let is_known = self.rate == SAMPLE_RATE && rows.len() <= MOST_MEMBERS;
        let mut members = Map::new();
        for row in rows.iter().filter(|_| is_known) {
            let layout = Layout::of_row(row);
            members.insert(layout.name.to_owned(), self.group(&layout, base, false));
            members.insert(format!("{}/audio", layout.name), self.array(&layout, base));
        }
        group(Map::new(), is_known.then_some(members))
    }

    pub(crate) fn group_of(self, recording: &Recording, base: &str) -> Result<Value, Problem> {
        Ok(self.group(&Layout::of(recording)?, base, true))
    }

    pub(crate) fn array_of(self, recording: &Recording, base: &str) -> Result<Value, Problem> {
        Ok(self.array(&Layout::of(recording)?, base))
    }

    /// The length of each chunk in bytes, if the recording has this one.
    pub(crate) fn chunk_bytes(self, recording: &Recording, number: u64) -> Result<u64, Problem> {
        let layout = Layout::of(recording)?;
        if number >= layout.frames.div_ceil(self.chunk.into()) {
            return Err(none());
        }
        let frame = u64::from(self.channels(layout.channels)) * u64::from(self.format.bytes());
        let bytes = frame * u64::from(self.chunk);
        match bytes {
            0..=MOST_BYTES => Ok(bytes),
            _ => Err(Problem::bad("chunks of this recording are too large: ask for shorter ones")),
        }
    }

    /// Decodes a chunk. What lies beyond the end is 0.
    pub(crate) fn chunk(self, recording: &Recording, number: u64) -> Result<Vec<u8>, Problem> {
        let bytes = self.chunk_bytes(recording, number)?;
        let first = number * u64::from(self.chunk);
        let end = (first + u64::from(self.chunk)).min(frames(recording)?);
        let samples = recording.play_samples(first..end);
        let mut decoded = match self.format {
            SampleFormat::Int16 => decode::<i16>(recording, samples, self.format)?,
            _ => decode::<f32>(recording, samples, self.format)?,
        };
        decoded.resize(usize::try_from(bytes).unwrap_or(usize::MAX), 0);
        Ok(decoded)
    }

    fn channels(self, channels: u8) -> u8 {
        if self.is_mono { 1 } else { channels }
    }

    fn group(self, layout: &Layout<'_>, base: &str, is_alone: bool) -> Value {
        let members = || Map::from_iter([("audio".to_owned(), self.array(layout, base))]);
        group(self.attributes(layout, base), is_alone.then(members))
    }

    fn array(self, layout: &Layout<'_>, base: &str) -> Value {
        let channels = self.channels(layout.channels);
        let (data_type, zero, unit) = match self.format {
            SampleFormat::Int16 => ("int16", json!(0), "3.0517578125e-05"),
            _ => ("float32", json!(0.0), "1"),
        };
        let mut attributes = self.attributes(layout, base);
        attributes.insert("units".to_owned(), unit.into());
        let meaning = "sound pressure relative to full scale";
        attributes.insert("long_name".to_owned(), meaning.into());
        json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": [layout.frames, channels],
            "data_type": data_type,
            "chunk_grid": {
                "name": "regular",
                "configuration": {"chunk_shape": [self.chunk, channels]},
            },
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": zero,
            "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "attributes": attributes,
            "dimension_names": ["frame", "channel"],
            "storage_transformers": [],
        })
    }

    fn attributes(self, layout: &Layout<'_>, base: &str) -> Map<String, Value> {
        let divisor = SAMPLE_RATE / self.rate;
        let rate = match layout.real_rate % divisor {
            0 => json!(layout.real_rate / divisor),
            _ => json!(f64::from(layout.real_rate) / f64::from(divisor)),
        };
        let mut attributes = Map::from_iter([
            ("sampling_rate".to_owned(), rate),
            ("url".to_owned(), format!("{base}/audio/{}.opus", encode(layout.name)).into()),
            // netCDF knows neither true nor false.
            ("is_exact".to_owned(), u8::from(layout.is_exact).into()),
        ]);
        if let Some(start) = &layout.start {
            attributes.insert("start".to_owned(), start.clone().into());
        }
        if !layout.notes.is_empty() {
            attributes.insert("notes".to_owned(), layout.notes.clone().into());
        }
        attributes
    }
}

impl<'a> Layout<'a> {
    fn of(recording: &'a Recording) -> Result<Self, Problem> {
        let info = recording.info();
        Ok(Self {
            name: recording.name(),
            frames: frames(recording)?,
            channels: info.channels,
            real_rate: info.real_rate.get(),
            start: recording.utc_of(recording.play_samples(0..1).start).map(|it| it.to_string()),
            is_exact: recording.exactness().is_ok(),
            notes: &info.user,
        })
    }

    /// At 48 kHz.
    fn of_row(row: &'a CatalogueRow) -> Self {
        Self {
            name: &row.name,
            frames: row.samples,
            channels: row.channels,
            real_rate: row.real_rate.get(),
            start: row.start.map(|start| start.to_string()),
            is_exact: row.is_exact,
            notes: &row.notes,
        }
    }
}

fn frames(recording: &Recording) -> Result<u64, Problem> {
    match recording.info().play_length {
        0 => Ok(0),
        length => Ok(recording.sample_count(0..length)?),
    }
}

fn group(attributes: Map<String, Value>, members: Option<Map<String, Value>>) -> Value {
    let mut group = json!({"zarr_format": 3, "node_type": "group", "attributes": attributes});
    if let (Some(members), Value::Object(fields)) = (members, &mut group) {
        let consolidated = json!({"kind": "inline", "must_understand": false, "metadata": members});
        fields.insert("consolidated_metadata".to_owned(), consolidated);
    }
    group
}

fn none() -> Problem {
    Problem::missing("no such key")
}

/// Frames of the longest chunk: ten minutes.
const MOST_FRAMES: u32 = 600 * SAMPLE_RATE;
/// Bytes of the largest chunk.
const MOST_BYTES: u64 = 16 << 20;
/// Recordings of the largest document.
const MOST_MEMBERS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_have_one_spelling() {
        assert_eq!("int16-48000-1".parse(), Ok(Form::default()));
        let form: Form = "float32-16000-0.5-mono".parse().unwrap();
        assert_eq!((form.rate, form.chunk, form.is_mono), (16_000, 8000, true));
        for text in [
            "",
            "int16",
            "int16-48000",
            "int8-48000-1",
            "int16-44100-1",
            "int16-048000-1",
            "int16-48000-1.0",
            "int16-48000-01",
            "int16-48000-0",
            "int16-48000--1",
            "int16-48000-inf",
            "int16-48000-NaN",
            "int16-48000-1e3",
            "int16-48000-0.00001",
            "int16-48000-601",
            "int16-48000-1-stereo",
            "int16-48000-1-mono-",
            "int16-+48000-1",
        ] {
            assert!(text.parse::<Form>().is_err(), "{text}");
        }
    }

    #[test]
    fn keys_have_one_spelling() {
        let name = || "a".parse().unwrap();
        let parse = |key: &str| ZarrKey::parse(&key.split('/').collect::<Vec<_>>()).ok();
        assert_eq!(parse("zarr.json"), Some(ZarrKey::Root));
        assert_eq!(parse("a/zarr.json"), Some(ZarrKey::Group(name())));
        assert_eq!(parse("a/audio/c/17/0"), Some(ZarrKey::Chunk(name(), 17)));
        for key in [
            "",
            "a",
            "a/.zgroup",
            "a/audio/c/07/0",
            "a/audio/c/+7/0",
            "a/audio/c/7/1",
            "a/audio/c/7",
            "a/audio/c/-7/0",
            "a/audio/c/99999999999999999999/0",
            "../zarr.json",
            "a/audio/c/7/0/",
            "zarr.json/audio/zarr.json",
            "__a/zarr.json",
            "a/video/zarr.json",
        ] {
            assert_eq!(parse(key), None, "{key}");
        }
    }
}
