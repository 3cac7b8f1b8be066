use csv::{Position, ReaderBuilder, StringRecord, Trim};

use crate::Selection;

/// A region of a recording that a table lists: an annotation, a call, a detection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Region {
    /// Line of the table, counted from 1.
    pub line: u64,
    /// Name of the recording, if the table has a column for it.
    pub recording: Option<String>,
    /// Where the region lies in its recording.
    pub selection: Selection,
    /// Name of the region, if the table has a column for it.
    pub name: Option<String>,
}

/// Why a row of a table is not a [`Region`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
#[non_exhaustive]
pub struct InvalidRegion {
    /// Line of the table, counted from 1.
    pub line: u64,
    /// What the row lacks.
    pub reason: String,
}

/// Why a text is not a table of regions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidTable(String);

impl Region {
    /// Reads the regions of a table, in its order. A bad row does not affect the others.
    ///
    /// The first line names the columns, which commas or tabs separate: `start` and `end` (any
    /// form of time that [`Selection`] knows), or `start_sample` and `end_sample`; optionally
    /// `recording` and `name`. Selection tables of Raven and results of BirdNET are read as they
    /// are.
    ///
    /// ```
    /// use opus_zarr::Region;
    ///
    /// # fn main() -> Result<(), opus_zarr::InvalidTable> {
    /// let table = "recording,start,end,name\nstation-4,1:02.5,+750ms,wren\n";
    /// let regions = Region::parse_table(table.as_bytes())?;
    /// let region = regions[0].as_ref().unwrap();
    /// assert_eq!(region.selection.to_string(), "1:02.5..+750ms");
    /// assert_eq!(region.name.as_deref(), Some("wren"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn parse_table(text: &[u8]) -> Result<Vec<Result<Self, InvalidRegion>>, InvalidTable> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let delimiter = if header.contains(&b'\t') { b'\t' } else { b',' };
        let mut table = ReaderBuilder::new()
            .delimiter(delimiter)
            .trim(Trim::All)
            .flexible(true)
            .from_reader(text);
        let headers = table.headers();
        let headers =
            headers.map_err(|_| InvalidTable("the first line is not UTF-8".to_owned()))?;
        let columns = Columns::find(headers)?;
        let mut lines = Lines { text, place: 0, line: 1 };
        let region = |record: Result<StringRecord, csv::Error>| match record {
            Ok(record) => {
                let line = lines.of(record.position());
                columns.region(line, &record).map_err(|reason| InvalidRegion { line, reason })
            }
            // Text in memory cannot fail in any other way, since rows may have any length.
            Err(error) => Err(InvalidRegion {
                line: lines.of(error.position()),
                reason: "expected UTF-8".to_owned(),
            }),
        };
        Ok(table.into_records().map(region).collect())
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
}

/// The column of each part of a region.
struct Columns {
    start: usize,
    end: usize,
    are_samples: bool,
    recording: Option<usize>,
    name: Option<usize>,
}

impl Columns {
    fn find(headers: &StringRecord) -> Result<Self, InvalidTable> {
        let column = |name: &str| headers.iter().position(|found| found.eq_ignore_ascii_case(name));
        let (start, end, are_samples) = BOUNDS
            .iter()
            .find_map(|(start, end, are_samples)| {
                Some((column(start)?, column(end)?, *are_samples))
            })
            .ok_or_else(|| {
                let found: Vec<&str> = headers.iter().collect();
                InvalidTable(format!(
                    "expected columns start and end, or start_sample and end_sample, found {:?}",
                    found.join(", ")
                ))
            })?;
        let (recording, name) = (column("recording"), column("name"));
        Ok(Self { start, end, are_samples, recording, name })
    }

    fn region(&self, line: u64, record: &StringRecord) -> Result<Region, String> {
        let text = |column: usize| record.get(column).filter(|text| !text.is_empty());
        let own = |column: Option<usize>| column.and_then(text).map(str::to_owned);
        let start = text(self.start).ok_or("start is missing")?;
        let end = text(self.end).ok_or("end is missing")?;
        let range = format!("{start}..{end}");
        let selection =
            if self.are_samples { Selection::parse_samples(&range) } else { range.parse() };
        let selection = selection.map_err(|error| error.to_string())?;
        Ok(Region { line, recording: own(self.recording), selection, name: own(self.name) })
    }
}

/// Names of the start and end columns, and whether they count samples: ours, those of Raven's
/// selection tables, those of BirdNET.
const BOUNDS: [(&str, &str, bool); 4] = [
    ("start_sample", "end_sample", true),
    ("start", "end", false),
    ("begin time (s)", "end time (s)", false),
    ("start (s)", "end (s)", false),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Vec<Result<Region, InvalidRegion>>, InvalidTable> {
        Region::parse_table(text)
    }

    fn row(line: u64, part: &str) -> Result<Region, InvalidRegion> {
        Ok(Region { line, recording: None, selection: part.parse().unwrap(), name: None })
    }

    #[test]
    fn tables_of_raven_and_birdnet_are_read() {
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
        let expected = Region {
            line: 2,
            recording: Some("station 4".to_owned()),
            selection: Selection::parse_samples("5..1_000").unwrap(),
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
    fn a_bad_row_spoils_no_other() {
        let table = b"start,end\n1,2\n,2\n1\nx,2\n-1,2\n\xff,2\n5,6\n";
        let rows = parse(table).unwrap();
        assert_eq!((rows.len(), &rows[0], &rows[6]), (7, &row(2, "1..2"), &row(8, "5..6")));
        let reasons: Vec<_> = rows[1..6].iter().map(|row| row.as_ref().unwrap_err()).collect();
        for (bad, (line, part)) in reasons.iter().zip([
            (3, "start is missing"),
            (4, "end is missing"),
            (5, "invalid time \"x\""),
            (6, "negative"),
            (7, "UTF-8"),
        ]) {
            assert_eq!((bad.line, bad.reason.contains(part)), (line, true), "{bad:?}");
        }
    }

    #[test]
    fn a_table_without_bounds_is_refused() {
        let message = parse(b"from,to\n1,2\n").unwrap_err().to_string();
        assert!(message.contains("found \"from, to\""), "{message}");
        assert!(parse(b"").is_err());
    }
}
