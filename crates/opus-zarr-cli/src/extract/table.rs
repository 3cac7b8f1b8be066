use std::{fs, path::Path};

use csv::{Position, ReaderBuilder, StringRecord, Trim};

use crate::{
    failure::{Exit, Failure},
    time::Part,
};

/// A row: what is to be cut.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Where it stands in the table.
    pub(super) line: u64,
    /// If it names one.
    pub(super) recording: Option<String>,
    pub(super) part: Part,
    /// Of the file to be written.
    pub(super) name: Option<String>,
}

/// What cannot be cut, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadRow {
    pub(super) line: u64,
    pub(super) reason: String,
}

/// The rows of a table, in its order.
pub(super) fn read(path: &Path) -> Result<Vec<Result<Row, BadRow>>, Failure> {
    let text = fs::read(path).map_err(|error| Failure::io("read", path, &error))?;
    parse(&text).map_err(|reason| Failure::new(Exit::Error, format!("{path:?}: {reason}")))
}

fn parse(text: &[u8]) -> Result<Vec<Result<Row, BadRow>>, String> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = if header.contains(&b'\t') { b'\t' } else { b',' };
    let mut table =
        ReaderBuilder::new().delimiter(delimiter).trim(Trim::All).flexible(true).from_reader(text);
    let columns = Columns::find(table.headers().map_err(|error| error.to_string())?)?;
    let mut lines = Lines { text, place: 0, line: 1 };
    let row = |record: Result<StringRecord, csv::Error>| match record {
        Ok(record) => {
            let line = lines.of(record.position());
            columns.row(line, &record).map_err(|reason| BadRow { line, reason })
        }
        // Nothing else is wrong with text that is at hand, and rows may be of any length.
        Err(error) => {
            Err(BadRow { line: lines.of(error.position()), reason: "it is not UTF-8".to_owned() })
        }
    };
    Ok(table.into_records().map(row).collect())
}

/// The lines of a text, as an editor counts them. `csv` counts a line late after `\r\n`, and takes
/// empty lines to belong to what follows.
struct Lines<'a> {
    text: &'a [u8],
    place: usize,
    line: u64,
}

impl Lines<'_> {
    /// Where a row begins; rows are asked for in their order.
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
}

/// Where in a row what stands.
struct Columns {
    start: usize,
    end: usize,
    are_samples: bool,
    recording: Option<usize>,
    name: Option<usize>,
}

impl Columns {
    fn find(headers: &StringRecord) -> Result<Self, String> {
        let column = |name: &str| headers.iter().position(|found| found.eq_ignore_ascii_case(name));
        let (start, end, are_samples) = BOUNDS
            .iter()
            .find_map(|(start, end, are_samples)| {
                Some((column(start)?, column(end)?, *are_samples))
            })
            .ok_or_else(|| {
                let found: Vec<&str> = headers.iter().collect();
                format!(
                    "expected columns start and end, or start_sample and end_sample, found {:?}",
                    found.join(", ")
                )
            })?;
        let (recording, name) = (column("recording"), column("name"));
        Ok(Self { start, end, are_samples, recording, name })
    }

    fn row(&self, line: u64, record: &StringRecord) -> Result<Row, String> {
        let text = |column: usize| record.get(column).filter(|text| !text.is_empty());
        let own = |column: Option<usize>| column.and_then(text).map(str::to_owned);
        let start = text(self.start).ok_or("it has no start")?;
        let end = text(self.end).ok_or("it has no end")?;
        let range = format!("{start}..{end}");
        let part = match self.are_samples {
            true => range.parse().map(Part::Samples)?,
            false => range.parse()?,
        };
        Ok(Row { line, recording: own(self.recording), part, name: own(self.name) })
    }
}

/// Names of the columns where a row starts and ends, and whether they count samples: ours, those
/// of Raven's selection tables, those of BirdNET.
const BOUNDS: [(&str, &str, bool); 4] = [
    ("start_sample", "end_sample", true),
    ("start", "end", false),
    ("begin time (s)", "end time (s)", false),
    ("start (s)", "end (s)", false),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, part: &str) -> Result<Row, BadRow> {
        Ok(Row { line, recording: None, part: part.parse().unwrap(), name: None })
    }

    #[test]
    fn tables_of_others_are_read() {
        let raven = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\r\n\
                     1\tSpectrogram 1\t1\t2.5\t4.25\t0\r\n";
        assert_eq!(parse(raven.as_bytes()).unwrap(), [row(2, "2.5..4.25")]);
        let birdnet = "\u{feff}Start (s),End (s),Scientific name,Common name,Confidence\n\
                       0.0,3.0,\"Erithacus, rubecula\",Robin,0.9\n3.0,6.0,x,y,0.8\n";
        assert_eq!(parse(birdnet.as_bytes()).unwrap(), [row(2, "0.0..3.0"), row(3, "3.0..6.0")]);
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        for table in
            ["start,end\r\n1,2\r\n\r\n3,4\r\n5,\"6\"\r\n", "start,end\n1,2\n\n3,4\n5,\"6\""]
        {
            assert_eq!(
                parse(table.as_bytes()).unwrap(),
                [row(2, "1..2"), row(4, "3..4"), row(5, "5..6")]
            );
        }
    }

    #[test]
    fn columns_may_be_in_any_order() {
        let table = "note,NAME, End_Sample ,Start_Sample,recording\nx,call,1_000,5,station 4\n";
        let expected = Row {
            line: 2,
            recording: Some("station 4".to_owned()),
            part: Part::Samples("5..1_000".parse().unwrap()),
            name: Some("call".to_owned()),
        };
        assert_eq!(parse(table.as_bytes()).unwrap(), [Ok(expected)]);
        let times = "start,end\n1:00,+5s\n2026-05-12T20:15:00Z,+500ms\n";
        assert_eq!(
            parse(times.as_bytes()).unwrap(),
            [row(2, "1:00..+5s"), row(3, "2026-05-12T20:15:00Z..+500ms")]
        );
    }

    #[test]
    fn a_bad_row_is_one() {
        let table = b"start,end\n1,2\n,2\n1\nx,2\n-1,2\n\xff,2\n5,6\n";
        let rows = parse(table).unwrap();
        assert_eq!((rows.len(), &rows[0], &rows[6]), (7, &row(2, "1..2"), &row(8, "5..6")));
        let reasons: Vec<_> = rows[1..6].iter().map(|row| row.as_ref().unwrap_err()).collect();
        for (bad, (line, part)) in reasons.iter().zip([
            (3, "no start"),
            (4, "no end"),
            (5, "\"x\" is no time"),
            (6, "negative"),
            (7, "UTF-8"),
        ]) {
            assert_eq!((bad.line, bad.reason.contains(part)), (line, true), "{bad:?}");
        }
    }

    #[test]
    fn a_table_without_bounds_says_what_it_has() {
        let message = parse(b"from,to\n1,2\n").unwrap_err();
        assert!(message.contains("found \"from, to\""), "{message}");
        assert!(parse(b"").is_err());
    }
}
