//! The layouts of tables, by the columns that each has.

use std::fmt;

/// Columns that a program writes. Spaces, punctuation and case do not matter: `IN FILE`, `IN.FILE`
/// and `in_file` are one column.
pub(super) struct Layout {
    pub(super) programs: &'static str,
    pub(super) bounds: Bounds,
    /// Columns that tell the layout from others with the same bounds.
    marks: &'static [&'static str],
    pub(super) file: File,
    /// Where the label is, best first.
    labels: &'static [&'static str],
    scores: &'static [&'static str],
    /// The lowest and the highest frequency in Hz.
    frequencies: (&'static str, &'static str),
    /// The column and the number of the first channel.
    channel: Option<(&'static str, u64)>,
    /// Whether columns without another meaning are classes, with a score or 0 or 1 in each row.
    pub(super) has_classes: bool,
}

/// The columns of the start and the end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bounds {
    /// Times, usually in seconds.
    Times(&'static str, &'static str),
    /// Samples at 48 kHz.
    Samples(&'static str, &'static str),
    /// A start and a length.
    Length(&'static str, &'static str),
    /// Times in all files that were opened together, and the start in the file.
    Sequence { start: &'static str, end: &'static str, offset: &'static str },
}

/// What names the file.
#[derive(Clone, Copy, Debug)]
pub(super) enum File {
    /// The first of these columns that is filled.
    OneOf(&'static [&'static str]),
    /// The parts of a path.
    Parts(&'static [&'static str]),
}

/// The layouts, most particular first. `docs/tables.md` tells where each was taken from.
pub(super) const LAYOUTS: [Layout; 9] = [
    Layout {
        programs: "Raven",
        bounds: Bounds::Sequence {
            start: "Begin Time (s)",
            end: "End Time (s)",
            offset: "File Offset (s)",
        },
        file: File::OneOf(&["Begin Path", "Begin File"]),
        labels: &[
            "Scientific Name",
            "Common Name",
            "Species",
            "Annotation",
            "Label",
            "Class",
            "Tags",
            "Sound Type",
            "Call Type",
            "Species Code",
        ],
        scores: &["Confidence", "Score"],
        frequencies: ("Low Freq (Hz)", "High Freq (Hz)"),
        channel: Some(("Channel", 1)),
        ..NONE
    },
    Layout {
        programs: "Kaleidoscope",
        bounds: Bounds::Length("OFFSET", "DURATION"),
        marks: &["IN FILE"],
        file: File::Parts(&["INDIR", "FOLDER", "IN FILE"]),
        labels: &["MANUAL ID", "AUTO ID", "scientific_name", "TOP1MATCH", "common_name"],
        scores: &["confidence"],
        channel: Some(("CHANNEL", 0)),
        ..NONE
    },
    Layout {
        programs: "BirdNET",
        bounds: Bounds::Times("Start (s)", "End (s)"),
        file: File::OneOf(&["File"]),
        labels: &["Scientific name", "Common name"],
        scores: &["Confidence"],
        ..NONE
    },
    Layout {
        programs: "BirdNET for R",
        bounds: Bounds::Times("start", "end"),
        marks: &["filepath", "scientific_name"],
        file: File::OneOf(&["filepath"]),
        labels: &["scientific_name", "common_name"],
        scores: &["confidence"],
        ..NONE
    },
    Layout {
        programs: "birdnet for Python",
        bounds: Bounds::Times("start_time", "end_time"),
        marks: &[SPECIES_NAME],
        file: File::OneOf(&["input", "file"]),
        labels: &[SPECIES_NAME],
        scores: &["confidence"],
        ..NONE
    },
    Layout {
        programs: "crowsetta",
        bounds: Bounds::Times("onset_s", "offset_s"),
        file: File::OneOf(&["notated_path"]),
        labels: &["label"],
        ..NONE
    },
    Layout {
        programs: "opensoundscape",
        bounds: Bounds::Times("start_time", "end_time"),
        file: File::OneOf(&["file", "audio_file"]),
        labels: &["annotation", "label"],
        scores: &["score", "confidence"],
        frequencies: ("low_f", "high_f"),
        has_classes: true,
        ..NONE
    },
    Layout { programs: OURS, bounds: Bounds::Samples("start_sample", "end_sample"), ..OWN },
    Layout { programs: OURS, bounds: Bounds::Times("start", "end"), ..OWN },
];

/// A layout whose columns are found.
pub(super) struct Recognized<'a> {
    pub(super) layout: &'a Layout,
    /// The columns of the start and of the end or the length.
    pub(super) bounds: (usize, usize),
    pub(super) offset: Option<usize>,
    pub(super) recording: Vec<usize>,
    pub(super) name: Vec<usize>,
    /// The columns of each part of the path.
    pub(super) file: Vec<Vec<usize>>,
    pub(super) labels: Vec<usize>,
    pub(super) scores: Vec<usize>,
    pub(super) frequencies: (Vec<usize>, Vec<usize>),
    pub(super) channel: Vec<usize>,
    pub(super) first_channel: u64,
    /// Columns of classes, and their names.
    pub(super) classes: Vec<(usize, String)>,
    /// The number of a selection and the view that lists it.
    pub(super) views: Option<(usize, usize)>,
}

impl Recognized<'_> {
    /// Finds the layout of these columns.
    pub(super) fn find(columns: &[String]) -> Option<Self> {
        let keys: Vec<String> = columns.iter().map(|name| key(name)).collect();
        LAYOUTS.iter().find_map(|layout| Self::of(layout, columns, &keys))
    }

    fn of(layout: &'static Layout, columns: &[String], keys: &[String]) -> Option<Self> {
        let all = |names: &[&str]| columns_of(keys, names);
        let one = |name: &str| keys.iter().position(|found| *found == key(name));
        let (start, end) = layout.bounds.columns();
        let bounds = (one(start)?, one(end)?);
        if !layout.marks.iter().all(|mark| one(mark).is_some()) {
            return None;
        }
        let is_ours = layout.programs == OURS;
        let (offset, views) = match layout.bounds {
            Bounds::Sequence { offset, .. } => (one(offset), one("Selection").zip(one("View"))),
            _ => (None, None),
        };
        let (low, high) = layout.frequencies;
        let mut found = Self {
            layout,
            bounds,
            offset,
            recording: all(&["recording"]),
            name: if is_ours { all(&["name"]) } else { vec![] },
            file: match layout.file {
                File::OneOf(names) => vec![all(names)],
                File::Parts(parts) => parts.iter().map(|part| all(&[part])).collect(),
            },
            labels: all(layout.labels),
            scores: all(layout.scores),
            frequencies: (all(&[low]), all(&[high])),
            channel: layout.channel.map(|(name, _)| all(&[name])).unwrap_or_default(),
            first_channel: layout.channel.map_or(0, |(_, first)| first),
            classes: vec![],
            views,
        };
        if layout.has_classes && found.labels.is_empty() {
            found.classes = found.classes_among(columns, keys);
        }
        Some(found)
    }

    fn classes_among(&self, columns: &[String], keys: &[String]) -> Vec<(usize, String)> {
        let (low, high) = &self.frequencies;
        let others = columns_of(keys, &NO_CLASSES);
        let taken = [&self.recording, &self.scores, low, high, &others];
        let is_free = |column: &usize| {
            let (start, end) = self.bounds;
            ![start, end].contains(column)
                && !taken.iter().any(|taken| taken.contains(column))
                && !self.file.iter().any(|taken| taken.contains(column))
        };
        let named =
            columns.iter().enumerate().filter(|(column, name)| !name.is_empty() && is_free(column));
        // However long a name is, every row may repeat it.
        named.map(|(column, name)| (column, name.chars().take(CLASS_NAME).collect())).collect()
    }

    /// Whether labels are those of the BirdNET models: `Turdus merula_Eurasian Blackbird`.
    pub(super) fn has_double_names(&self) -> bool {
        self.layout.labels == [SPECIES_NAME]
    }
}

impl Bounds {
    fn columns(self) -> (&'static str, &'static str) {
        match self {
            Self::Times(start, end) | Self::Samples(start, end) => (start, end),
            Self::Length(start, length) => (start, length),
            Self::Sequence { start, end, .. } => (start, end),
        }
    }
}

/// The program, and the columns that it must have.
impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = self.bounds.columns();
        write!(f, "{} ({start}, {end}", self.programs)?;
        self.marks.iter().try_for_each(|mark| write!(f, ", {mark}"))?;
        f.write_str(")")
    }
}

/// Returns all columns of these names, in the order of the names.
fn columns_of(keys: &[String], names: &[&str]) -> Vec<usize> {
    let of = |name: &&str| {
        let name = key(name);
        let found = keys.iter().enumerate().filter(move |(_, found)| **found == name);
        found.map(|(column, _)| column)
    };
    names.iter().filter(|name| !name.is_empty()).flat_map(of).collect()
}

/// What remains of a column's name if programs that cannot store spaces and brackets rename it.
fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

const NONE: Layout = Layout {
    programs: "",
    bounds: Bounds::Times("", ""),
    marks: &[],
    file: File::OneOf(&[]),
    labels: &[],
    scores: &[],
    frequencies: ("", ""),
    channel: None,
    has_classes: false,
};

const OWN: Layout = Layout {
    file: File::OneOf(&["file", "path", "filename", "filepath"]),
    labels: &["label"],
    scores: &["score"],
    channel: Some(("channel", 1)),
    ..NONE
};

const OURS: &str = "opus-zarr";
const SPECIES_NAME: &str = "species_name";

/// Columns of opensoundscape that are no classes.
const NO_CLASSES: [&str; 6] =
    ["annotation_file", "annotation_id", "sequence_id", "channel", "duration", "index"];

/// How much of the name of a class becomes a label, in characters.
const CLASS_NAME: usize = 100;
