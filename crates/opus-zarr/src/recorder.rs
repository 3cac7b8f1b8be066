//! What recorders state about a recording besides its audio and its start.

mod parts;

use opus_transcode::MetadataChunk;
use opus_zarr_store::RecordingInfo;
use recorder_metadata::{AudioMothComment, Position};

/// What the recorder, and programs after it, wrote into a file: GUANO, `wamd`, `bext`, iXML, HARP's
/// table, and AudioMoth's comment.
///
/// The well-known values come first, from whichever part states them first; all of them are also among
/// the [`fields`](Self::fields). Texts are as they were found: they may hold control characters.
///
/// ```no_run
/// use opus_zarr::{Recording, RecorderMetadata, Store};
///
/// # fn main() -> Result<(), opus_zarr::Error> {
/// let recording = Recording::open(&Store::open("archive.zarr")?, "station-4")?;
/// let found = RecorderMetadata::of_recording(recording.info());
/// if let Some(position) = found.position {
///     println!("{}° N, {}° E", position.latitude, position.longitude);
/// }
/// for field in &found.fields {
///     println!("{}: {} = {}", field.part, field.name, field.value);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RecorderMetadata {
    /// Make and model of the recorder.
    pub device: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// The version of its firmware.
    pub firmware: Option<String>,
    /// Where it was.
    pub position: Option<Position>,
    /// Metres above sea level.
    pub elevation: Option<f64>,
    /// Volts. An AudioMoth says no more than a limit if its battery is very low or high.
    pub battery: Option<f64>,
    /// Temperature inside the housing, in °C.
    pub temperature: Option<f64>,
    /// Temperature outside the housing, in °C.
    pub outside_temperature: Option<f64>,
    /// Every field in the order in which they were found: the first 500, and of each the first 1000
    /// characters.
    pub fields: Vec<RecorderField>,
}

/// A field of a part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecorderField {
    /// The part: `guano`, `wamd`, `bext`, `ixml`, `harp` or `audiomoth`.
    pub part: &'static str,
    /// Its name in that part.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl RecorderMetadata {
    /// Reads what a recording keeps of its source.
    pub fn of_recording(info: &RecordingInfo) -> Self {
        let mut found = Self::default();
        for part in &info.source.metadata {
            if let Some(bytes) = part.content.bytes() {
                found.read_part(&part.id, &bytes);
            }
        }
        let comments = info.tags.comments.iter().filter_map(|comment| comment.split_once('='));
        found.read_tags(comments);
        found
    }

    /// Reads the chunks and tags of a file.
    pub fn of_file<'a>(
        chunks: &[MetadataChunk],
        tags: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut found = Self::default();
        for chunk in chunks {
            if let Some(bytes) = &chunk.bytes {
                found.read_part(&chunk.id, bytes);
            }
        }
        found.read_tags(tags);
        found
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn read_tags<'a>(&mut self, tags: impl Iterator<Item = (&'a str, &'a str)>) {
        for (name, value) in tags {
            let is_comment =
                ["COMMENT", "DESCRIPTION"].iter().any(|it| it.eq_ignore_ascii_case(name));
            if is_comment && let Some(comment) = AudioMothComment::parse(value) {
                self.read_audiomoth(&comment);
            }
        }
    }

    /// Adds a field, unless it is empty or known.
    fn add(&mut self, part: &'static str, name: impl Into<String>, value: impl AsRef<str>) {
        let value: String = value.as_ref().trim().chars().take(MAX_CHARACTERS).collect();
        if value.is_empty() || self.fields.len() >= MAX_FIELDS {
            return;
        }
        let name: String = name.into().chars().take(MAX_CHARACTERS).collect();
        let field = RecorderField { part, name, value };
        // The same comment is often there twice.
        if part != "audiomoth" || !self.fields.contains(&field) {
            self.fields.push(field);
        }
    }
}

/// How many fields are read.
const MAX_FIELDS: usize = 500;
/// How much of each is read.
const MAX_CHARACTERS: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &str, bytes: &[u8]) -> RecorderMetadata {
        let mut found = RecorderMetadata::default();
        found.read_part(id, bytes);
        found
    }

    fn fields(found: &RecorderMetadata) -> Vec<(&str, &str)> {
        found.fields.iter().map(|field| (field.name.as_str(), field.value.as_str())).collect()
    }

    #[test]
    fn guano_is_read() {
        let found = of(
            "guan",
            b"GUANO|Version: 1.0\nMake: Open Acoustic Devices\nModel: AudioMoth\nSerial: 24F3\n\
              Firmware Version: 1.11\nLoc Position: 46.5 7.25\nLoc Elevation: 512\n\
              OAD|Battery Voltage: 4.1\nTemperature Int: 14.5\nTemperature Ext: -3\nEmpty:\n",
        );
        assert_eq!(found.device.as_deref(), Some("Open Acoustic Devices AudioMoth"));
        assert_eq!(found.serial.as_deref(), Some("24F3"));
        assert_eq!(found.firmware.as_deref(), Some("1.11"));
        assert_eq!(found.position, Some(Position { latitude: 46.5, longitude: 7.25 }));
        let numbers =
            [found.elevation, found.battery, found.temperature, found.outside_temperature];
        assert_eq!(numbers, [512.0, 4.1, 14.5, -3.0].map(Some));
        assert_eq!(found.fields.len(), 10);
        assert_eq!(fields(&found)[5], ("Loc Position", "46.5 7.25"));
    }

    #[test]
    fn audiomoth_comments_are_read_once() {
        let comment = "Recorded at 19:30:00 12/11/2021 (UTC+1) by AudioMoth 248D9B045EC9EE79 at \
                       medium gain while battery was 4.1V and temperature was -1.5C. Low-pass \
                       filter with frequency of 8.0kHz applied.";
        let tags = [("COMMENT", comment), ("description", comment), ("ARTIST", comment)];
        let found = RecorderMetadata::of_file(&[], tags.into_iter());
        assert_eq!(found.device.as_deref(), Some("AudioMoth"));
        assert_eq!(found.serial.as_deref(), Some("248D9B045EC9EE79"));
        assert_eq!((found.battery, found.temperature), (Some(4.1), Some(-1.5)));
        assert_eq!(
            fields(&found),
            [
                ("device", "248D9B045EC9EE79"),
                ("gain", "medium"),
                ("battery", "4.1 V"),
                ("temperature", "-1.5 °C"),
                ("filter", "low-pass 8000 Hz"),
            ]
        );
    }

    #[test]
    fn other_parts_are_read() {
        let wamd = |number: u16, text: &[u8]| {
            let size = u32::try_from(text.len()).unwrap();
            [&number.to_le_bytes()[..], &size.to_le_bytes(), text].concat()
        };
        let found =
            of("wamd", &[wamd(1, b"SM4BAT"), wamd(2, b"S4U1"), wamd(15, &[10, 0])].concat());
        assert_eq!(
            (found.device.as_deref(), found.serial.as_deref()),
            (Some("SM4BAT"), Some("S4U1"))
        );
        assert_eq!(fields(&found)[2], ("time expansion", "10"));

        let mut bext = vec![0; 602];
        bext[..5].copy_from_slice(b"Marsh");
        bext[320..338].copy_from_slice(b"2024-03-1514:30:00");
        let expected = [("description", "Marsh"), ("date", "2024-03-15"), ("time", "14:30:00")];
        assert_eq!(fields(&of("bext", &bext)), expected);

        let ixml = "<BWFXML><SCENE>dawn</SCENE><TAKE/><BEXT>\n<BWF_ORIGINATOR>A &amp; B</BWF_ORIGINATOR></BEXT><X>a</Y></BWFXML>";
        let expected = [("SCENE", "dawn"), ("BWF_ORIGINATOR", "A &amp; B")];
        assert_eq!(fields(&of("iXML", ixml.as_bytes())), expected);
        assert!(of("LIST", b"INFOIART\x06\0\0\0Reeds\0").is_empty());
        assert!(of("bext", b"short").is_empty());
    }

    /// Whatever is in a chunk, few and short fields come of it.
    #[test]
    fn fields_are_few_and_short() {
        let long = format!("a: {}\n", "x".repeat(5000)).repeat(2000);
        let many = "<a>b</a>".repeat(9000) + &"<".repeat(60_000);
        for (id, text) in [("guan", long), ("iXML", many)] {
            let found = of(id, text.as_bytes());
            assert_eq!(found.fields.len(), MAX_FIELDS);
            assert!(found.fields.iter().all(|field| field.value.len() <= MAX_CHARACTERS));
        }
    }
}
