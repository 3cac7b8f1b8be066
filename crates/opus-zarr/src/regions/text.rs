//! From bytes to the cells of a table.

use std::{borrow::Cow, iter};

use csv::{Position, ReaderBuilder, StringRecord, Trim};
use recorder_metadata::decode_text;

/// A text cut into columns by a delimiter.
pub(super) struct Table<'a> {
    text: &'a str,
    pub(super) delimiter: u8,
    /// The cells of the first line that is not empty.
    pub(super) columns: Vec<String>,
}

/// A row below the names of the columns.
pub(super) struct Row {
    /// Counted from 1.
    pub(super) line: u64,
    cells: StringRecord,
    delimiter: u8,
    /// Whether a quote opens in the row and nothing closes it.
    pub(super) is_open: bool,
}

impl<'a> Table<'a> {
    pub(super) fn new(text: &'a str, delimiter: u8) -> Self {
        let mut reader = reader(text, delimiter);
        let mut first = StringRecord::new();
        // Text in memory cannot fail, since rows may have any length.
        let _ = reader.read_record(&mut first);
        let columns = first.iter().map(|cell| unquoted(cell, delimiter).into_owned()).collect();
        Self { text, delimiter, columns }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        let mut lines = Lines { text: self.text.as_bytes(), place: 0, line: 1 };
        let records = reader(self.text, self.delimiter).into_records();
        let mut records = records.skip(1).filter_map(Result::ok).peekable();
        iter::from_fn(move || {
            let cells = records.next()?;
            let line = lines.of(cells.position());
            let is_open = records.peek().is_none() && lines.is_open(&cells);
            Some(Row { line, cells, delimiter: self.delimiter, is_open })
        })
    }
}

impl Row {
    /// Returns a cell that is not empty.
    pub(super) fn cell(&self, column: usize) -> Option<Cow<'_, str>> {
        let cell = unquoted(self.cells.get(column)?, self.delimiter);
        (!cell.is_empty()).then_some(cell)
    }

    /// Returns the first of these cells that is not empty.
    pub(super) fn first(&self, columns: &[usize]) -> Option<Cow<'_, str>> {
        columns.iter().find_map(|column| self.cell(*column))
    }

    /// Returns a cell with a decimal point, unless commas separate the cells.
    pub(super) fn number(&self, column: usize) -> Option<Cow<'_, str>> {
        let cell = self.cell(column)?;
        Some(if self.delimiter == b',' { cell } else { with_point(cell) })
    }

    /// Returns the first finite number in these cells.
    pub(super) fn float(&self, columns: &[usize]) -> Option<f64> {
        let number = |column: &usize| float(&self.number(*column)?);
        columns.iter().find_map(number)
    }
}

/// Decodes UTF-16 with a byte order mark, and otherwise every line as UTF-8 or Windows-1252, which
/// spreadsheets write.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes).into(),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes).into(),
        _ => match str::from_utf8(bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).into(),
            Err(_) => each(bytes, b'\n', |line| each(line, 0, decode_text)).into(),
        },
    }
}

/// Replaces a decimal comma.
pub(super) fn with_point(cell: Cow<'_, str>) -> Cow<'_, str> {
    let is_decimal = cell.matches(',').count() == 1 && !cell.contains('.');
    if is_decimal { cell.replace(',', ".").into() } else { cell }
}

/// Parses a number that is neither infinite nor absent.
pub(super) fn float(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(unit));
    let chars = char::decode_utf16(units);
    chars.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Decodes each part between separators, which stay.
fn each(bytes: &[u8], separator: u8, decode: impl Fn(&[u8]) -> String) -> String {
    let parts: Vec<String> = bytes.split(|byte| *byte == separator).map(decode).collect();
    parts.join(&char::from(separator).to_string())
}

fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        // Raven and Audacity do not quote: a label may begin with a quote, and costs no other row.
        .quoting(delimiter != b'\t')
        .trim(Trim::All)
        .flexible(true)
        .has_headers(false)
        .from_reader(text.as_bytes())
}

/// Removes the quotes of a spreadsheet from a cell between tabs.
fn unquoted(cell: &str, delimiter: u8) -> Cow<'_, str> {
    let inner = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"'));
    match inner {
        Some(inner) if delimiter == b'\t' => inner.replace("\"\"", "\"").into(),
        _ => cell.into(),
    }
}

/// Counts the lines of a text as an editor does. `csv` counts a line late after `\r\n`, and counts
/// empty lines to the row that follows.
struct Lines<'a> {
    text: &'a [u8],
    place: usize,
    line: u64,
}

impl Lines<'_> {
    /// Returns the line on which a row begins. Rows must be passed in order.
    fn of(&mut self, position: Option<&Position>) -> u64 {
        let start = position.and_then(|position| usize::try_from(position.byte()).ok());
        let start = start.unwrap_or(self.place).max(self.place);
        let rest = self.text.get(start..).unwrap_or_default();
        let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let start = start + rest.iter().take_while(is_end).count();
        let passed = self.text.get(self.place..start).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').map(|_| 1).sum::<u64>();
        self.place = start;
        self.line
    }

    /// Whether the last row, which was passed before, has swallowed rows that follow it.
    fn is_open(&self, cells: &StringRecord) -> bool {
        let rest = self.text.get(self.place..).unwrap_or_default();
        let quotes = rest.iter().filter(|byte| **byte == b'"').count();
        quotes % 2 == 1 && cells.iter().any(|cell| cell.contains('\n'))
    }
}
