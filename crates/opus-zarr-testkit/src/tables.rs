//! Writes the same calls as the tables of several programs.

/// A call in a file of 30 seconds.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The directory of the file.
    pub folder: &'static str,
    /// The name of the file.
    pub file: &'static str,
    /// Where it begins, in milliseconds.
    pub start_ms: u64,
    /// Where it ends, in milliseconds.
    pub end_ms: u64,
    /// The scientific name of who calls.
    pub scientific: &'static str,
    /// The common name, with characters that need quotes.
    pub common: &'static str,
    /// In hundredths.
    pub score: u64,
    /// The lowest frequency in Hz.
    pub low_hz: u64,
    /// The highest frequency in Hz.
    pub high_hz: u64,
}

/// Two stations with files of the same name, and two calls at once.
pub const CALLS: [Call; 5] = [
    call("weiher", 1250, 4250, "Turdus merula", "Eurasian Blackbird", 91),
    call("weiher", 1250, 4250, "Grus grus", "Kranich, „Grus“", 45),
    call("moor", 1250, 4250, "Turdus merula", "Eurasian Blackbird", 9),
    call("moor", 10_500, 12_000, "Anas crecca", "Krickente (♂)", 100),
    call("weiher", 27_000, 30_000, "Turdus merula", "Eurasian Blackbird", 70),
];

const fn call(
    folder: &'static str,
    start_ms: u64,
    end_ms: u64,
    scientific: &'static str,
    common: &'static str,
    score: u64,
) -> Call {
    let file = "20260512_033000.wav";
    Call { folder, file, start_ms, end_ms, scientific, common, score, low_hz: 150, high_hz: 12_000 }
}

/// A table of a program.
pub struct Written {
    /// The program.
    pub program: &'static str,
    /// The names of the columns, if there are any, and the rows.
    rows: Vec<Vec<Cell>>,
    /// Whether rows name their file.
    pub has_file: bool,
    /// Whether rows have a score.
    pub has_score: bool,
    /// Whether rows have frequencies.
    pub has_frequencies: bool,
}

#[derive(Clone)]
enum Cell {
    Text(String),
    Number(String),
}

/// How a table is written.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// What separates columns.
    pub delimiter: char,
    /// The decimal point.
    pub decimal: char,
    /// How characters become bytes.
    pub encoding: Encoding,
    /// What ends a line.
    pub line_end: &'static str,
}

/// How characters become bytes.
#[derive(Clone, Copy, Debug)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-8 after a byte order mark.
    Utf8WithMark,
    /// UTF-16, little-endian, after a byte order mark.
    Utf16Le,
    /// UTF-16, big-endian, after a byte order mark.
    Utf16Be,
}

impl Form {
    /// What most programs write.
    pub const PLAIN: Self =
        Self { delimiter: ',', decimal: '.', encoding: Encoding::Utf8, line_end: "\n" };

    /// Every combination that programs and spreadsheets write.
    pub fn all() -> Vec<Self> {
        let mut forms = vec![];
        for (delimiter, decimal) in [(',', '.'), (';', '.'), (';', ','), ('\t', '.'), ('\t', ',')] {
            use Encoding::{Utf8, Utf8WithMark, Utf16Be, Utf16Le};
            for encoding in [Utf8, Utf8WithMark, Utf16Le, Utf16Be] {
                for line_end in ["\n", "\r\n"] {
                    forms.push(Self { delimiter, decimal, encoding, line_end });
                }
            }
        }
        forms
    }
}

impl Written {
    /// Returns the file.
    pub fn bytes(&self, form: Form) -> Vec<u8> {
        let line = |row: &Vec<Cell>| {
            let cells: Vec<String> = row.iter().map(|cell| cell.text(form)).collect();
            cells.join(&form.delimiter.to_string()) + form.line_end
        };
        let text: String = self.rows.iter().map(line).collect();
        let mut marked = vec![0xfeff];
        marked.extend(text.encode_utf16());
        match form.encoding {
            Encoding::Utf8 => text.into_bytes(),
            Encoding::Utf8WithMark => format!("\u{feff}{text}").into_bytes(),
            Encoding::Utf16Le => marked.into_iter().flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Be => marked.into_iter().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

impl Cell {
    fn text(&self, form: Form) -> String {
        match self {
            Self::Number(number) => number.replace('.', &form.decimal.to_string()),
            Self::Text(text) if text.contains([form.delimiter, '"']) && form.delimiter != '\t' => {
                format!("\"{}\"", text.replace('"', "\"\""))
            }
            Self::Text(text) => text.clone(),
        }
    }
}

/// Writes calls in every layout. Those of Audacity, which names no files, are those of one file.
pub fn tables_of(calls: &[Call]) -> Vec<Written> {
    vec![
        raven(calls),
        birdnet_raven(calls),
        birdnet(calls),
        birdnet_r(calls),
        birdnet_python(calls),
        birdnet_kaleidoscope(calls),
        kaleidoscope(calls),
        crowsetta(calls),
        opensoundscape(calls),
        classes(calls),
        audacity(calls),
        ours(calls),
    ]
}

fn raven(calls: &[Call]) -> Written {
    let mut rows = vec![header(
        "Selection|View|Channel|Begin Time (s)|End Time (s)|Low Freq (Hz)|High Freq (Hz)|Begin Path|\
         File Offset (s)|Delta Time (s)|Species",
    )];
    for (number, (call, before)) in (1..).zip(in_sequence(calls)) {
        for view in ["Waveform 1", "Spectrogram 1"] {
            rows.push(vec![
                number_of(number),
                text(view),
                number_of(1),
                seconds(before + call.start_ms),
                seconds(before + call.end_ms),
                number_of(call.low_hz),
                number_of(call.high_hz),
                text(&format!("C:\\data\\{}\\{}", call.folder, call.file)),
                seconds(call.start_ms),
                seconds(call.end_ms - call.start_ms),
                text(call.scientific),
            ]);
        }
    }
    Written { has_score: false, ..written("Raven", rows) }
}

fn birdnet_raven(calls: &[Call]) -> Written {
    let mut rows = vec![header(
        "Selection|Begin Time (s)|End Time (s)|Common Name|Scientific Name|Species Code|Confidence|\
         View|Channel|File Offset (s)|Low Freq (Hz)|High Freq (Hz)|Begin Path",
    )];
    for (number, (call, before)) in (1..).zip(in_sequence(calls)) {
        rows.push(vec![
            number_of(number),
            seconds(before + call.start_ms),
            seconds(before + call.end_ms),
            text(call.common),
            text(call.scientific),
            text("code1"),
            score(call),
            text("Spectrogram 1"),
            number_of(1),
            seconds(call.start_ms),
            number_of(call.low_hz),
            number_of(call.high_hz),
            path(call),
        ]);
    }
    written("Raven", rows)
}

fn birdnet(calls: &[Call]) -> Written {
    let row = |call: &Call| {
        vec![
            start(call),
            end(call),
            text(call.scientific),
            text(call.common),
            score(call),
            path(call),
        ]
    };
    let names = "Start (s)|End (s)|Scientific name|Common name|Confidence|File";
    Written { has_frequencies: false, ..written("BirdNET", with_header(names, calls, row)) }
}

fn birdnet_r(calls: &[Call]) -> Written {
    let row = |call: &Call| {
        let mut row =
            vec![path(call), start(call), end(call), text(call.scientific), text(call.common)];
        row.extend([score(call), number_of(47), number_of(8), number_of(20)]);
        row
    };
    let names = "filepath|start|end|scientific_name|common_name|confidence|lat|lon|week";
    Written { has_frequencies: false, ..written("BirdNET for R", with_header(names, calls, row)) }
}

fn birdnet_python(calls: &[Call]) -> Written {
    let row = |call: &Call| {
        let species = text(&format!("{}_{}", call.scientific, call.common));
        vec![path(call), start(call), end(call), species, score(call)]
    };
    let names = "input|start_time|end_time|species_name|confidence";
    let rows = with_header(names, calls, row);
    Written { has_frequencies: false, ..written("birdnet for Python", rows) }
}

fn birdnet_kaleidoscope(calls: &[Call]) -> Written {
    let row = |call: &Call| {
        let place = ["/data", call.folder, call.file].map(text);
        let length = seconds(call.end_ms - call.start_ms);
        [&place[..], &[start(call), length, text(call.scientific), text(call.common), score(call)]]
            .concat()
    };
    let names = "INDIR|FOLDER|IN FILE|OFFSET|DURATION|scientific_name|common_name|confidence";
    Written { has_frequencies: false, ..written("Kaleidoscope", with_header(names, calls, row)) }
}

fn kaleidoscope(calls: &[Call]) -> Written {
    let row = |call: &Call| {
        let place = ["D:\\data", call.folder, call.file].map(text);
        let length = seconds(call.end_ms - call.start_ms);
        let found = [number_of(0), start(call), length, text("NoID"), text(call.scientific)];
        [&place[..], &found].concat()
    };
    let names = "INDIR|FOLDER|IN FILE|CHANNEL|OFFSET|DURATION|AUTO ID*|MANUAL ID*";
    let rows = with_header(names, calls, row);
    Written { has_score: false, has_frequencies: false, ..written("Kaleidoscope", rows) }
}

fn crowsetta(calls: &[Call]) -> Written {
    let row = |call: &Call| {
        vec![
            text(call.scientific),
            start(call),
            end(call),
            path(call),
            text("none"),
            number_of(0),
            number_of(0),
        ]
    };
    let names = "label|onset_s|offset_s|notated_path|annot_path|sequence|annotation";
    let rows = with_header(names, calls, row);
    Written { has_score: false, has_frequencies: false, ..written("crowsetta", rows) }
}

fn opensoundscape(calls: &[Call]) -> Written {
    let row = |call: &Call| {
        let mut row =
            vec![path(call), text("a.txt"), text(call.scientific), start(call), end(call)];
        row.extend([number_of(call.low_hz), number_of(call.high_hz)]);
        row
    };
    let names = "audio_file|annotation_file|annotation|start_time|end_time|low_f|high_f";
    let rows = with_header(names, calls, row);
    Written { has_score: false, ..written("opensoundscape", rows) }
}

fn classes(calls: &[Call]) -> Written {
    let mut names: Vec<&str> = calls.iter().map(|call| call.scientific).collect();
    names.sort_unstable();
    names.dedup();
    let row = |call: &Call| {
        let class = |name: &&str| if *name == call.scientific { score(call) } else { seconds(0) };
        let classes: Vec<Cell> = names.iter().map(class).collect();
        [vec![path(call), start(call), end(call)], classes].concat()
    };
    let rows = with_header(&format!("file|start_time|end_time|{}", names.join("|")), calls, row);
    Written { has_frequencies: false, ..written("opensoundscape", rows) }
}

fn audacity(calls: &[Call]) -> Written {
    let lines = |call: &Call| {
        let label = vec![start(call), end(call), text(call.scientific), score(call)];
        let frequencies = vec![text("\\"), number_of(call.low_hz), number_of(call.high_hz)];
        [label, frequencies]
    };
    let rows = calls.iter().flat_map(lines).collect();
    Written { has_file: false, ..written("Audacity", rows) }
}

fn ours(calls: &[Call]) -> Written {
    let row = |call: &Call| {
        vec![path(call), start(call), end(call), text(call.scientific), score(call), number_of(1)]
    };
    let rows = with_header("file|start|end|label|score|channel", calls, row);
    Written { has_frequencies: false, ..written("opus-zarr", rows) }
}

fn written(program: &'static str, rows: Vec<Vec<Cell>>) -> Written {
    Written { program, rows, has_file: true, has_score: true, has_frequencies: true }
}

/// The calls, and how many milliseconds of other files precede theirs if all are opened together.
fn in_sequence(calls: &[Call]) -> impl Iterator<Item = (&Call, u64)> {
    let mut folders: Vec<&str> = vec![];
    calls.iter().map(move |call| {
        let place = folders.iter().position(|folder| *folder == call.folder);
        let place = place.unwrap_or_else(|| {
            folders.push(call.folder);
            folders.len() - 1
        });
        (call, u64::try_from(place).unwrap() * 30_000)
    })
}

fn header(names: &str) -> Vec<Cell> {
    names.split('|').map(text).collect()
}

fn with_header(names: &str, calls: &[Call], row: impl Fn(&Call) -> Vec<Cell>) -> Vec<Vec<Cell>> {
    [vec![header(names)], calls.iter().map(row).collect()].concat()
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn number_of(number: u64) -> Cell {
    Cell::Number(number.to_string())
}

fn seconds(milliseconds: u64) -> Cell {
    Cell::Number(format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000))
}

fn start(call: &Call) -> Cell {
    seconds(call.start_ms)
}

fn end(call: &Call) -> Cell {
    seconds(call.end_ms)
}

fn score(call: &Call) -> Cell {
    Cell::Number(format!("{}.{:02}", call.score / 100, call.score % 100))
}

fn path(call: &Call) -> Cell {
    text(&format!("/data/{}/{}", call.folder, call.file))
}
