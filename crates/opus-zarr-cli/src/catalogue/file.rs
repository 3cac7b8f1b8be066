//! Catalogues as files.

use std::{fs, path::Path};

use opus_zarr::{Catalogue, CatalogueRow};
use serde_json::{Map, Value};

use super::{
    columns::{COLUMNS, Cell, Kind},
    parquet,
};
use crate::failure::{Exit, Failure};

/// The form of a catalogue, which the extension of its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Parquet,
    Csv,
    JsonLines,
}

/// Reads a catalogue from a file.
pub(crate) fn read_catalogue(path: &Path) -> Result<Catalogue, Failure> {
    let form = Form::of(path)?;
    let bytes = fs::read(path).map_err(|error| Failure::io("read", path, &error))?;
    let rows = form.read(bytes);
    let rows = rows.map_err(|reason| {
        Failure::new(Exit::Error, format!("{path:?} is not a catalogue: {reason}"))
            .with_hint("write one with `opus-zarr catalogue STORE -o FILE`")
    })?;
    Ok(Catalogue::from_rows(rows))
}

impl Form {
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("parquet") => Ok(Self::Parquet),
            Some("csv") => Ok(Self::Csv),
            Some("jsonl" | "ndjson") => Ok(Self::JsonLines),
            _ => Err(Failure::usage(format!(
                "expected a .parquet, .csv or .jsonl file, found {path:?}"
            ))),
        }
    }

    pub(super) fn write(self, catalogue: &Catalogue) -> Result<Vec<u8>, Failure> {
        let rows = catalogue.rows();
        let written = match self {
            Self::Parquet => parquet::write(rows),
            Self::Csv => write_csv(rows),
            Self::JsonLines => rows.iter().try_fold(Vec::new(), |mut lines, row| {
                serde_json::to_writer(&mut lines, row).map_err(|error| error.to_string())?;
                lines.push(b'\n');
                Ok(lines)
            }),
        };
        written.map_err(|reason| {
            Failure::new(Exit::Error, format!("the catalogue cannot be written: {reason}"))
        })
    }

    /// Whether such a file can hold the times of a row. One that cannot is written without them.
    pub(super) fn holds_times(self, row: &CatalogueRow) -> bool {
        self != Self::Parquet || parquet::holds_times(row)
    }

    fn read(self, bytes: Vec<u8>) -> Result<Vec<CatalogueRow>, String> {
        match self {
            Self::Parquet => parquet::read(bytes),
            Self::Csv => read_csv(&bytes),
            Self::JsonLines => {
                let lines = bytes.split(|byte| *byte == b'\n').enumerate();
                let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
                lines
                    .map(|(number, line)| {
                        serde_json::from_slice(line)
                            .map_err(|error| format!("line {}: {error}", number + 1))
                    })
                    .collect()
            }
        }
    }
}

fn write_csv(rows: &[CatalogueRow]) -> Result<Vec<u8>, String> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let fault = |error: csv::Error| error.to_string();
    table.write_record(COLUMNS.map(|(name, _)| name)).map_err(fault)?;
    for row in rows {
        let fields = fields_of(row)?;
        let cells = COLUMNS.map(|(name, kind)| Cell::of(&fields, name, kind));
        for cell in cells {
            table.write_field(cell?.to_text()).map_err(fault)?;
        }
        table.write_record(None::<&[u8]>).map_err(fault)?;
    }
    table.into_inner().map_err(|error| error.to_string())
}

fn read_csv(bytes: &[u8]) -> Result<Vec<CatalogueRow>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut table = csv::Reader::from_reader(bytes);
    let headers = table.headers().map_err(|error| error.to_string())?.clone();
    table
        .records()
        .map(|record| {
            let record = record.map_err(|error| error.to_string())?;
            let line = record.position().map_or(0, csv::Position::line);
            let cells = headers.iter().zip(record.iter());
            let cells = cells.filter_map(|(name, text)| Some((name, kind_of(name)?, text)));
            let mut fields = Map::new();
            for (name, kind, text) in cells {
                let cell = Cell::parse(kind, text).ok_or_else(|| {
                    format!("line {line}: expected {name} to be {kind}, found {text:?}")
                })?;
                cell.add_to(&mut fields, name, kind)?;
            }
            row_of(fields).map_err(|reason| format!("line {line}: {reason}"))
        })
        .collect()
}

fn kind_of(name: &str) -> Option<Kind> {
    COLUMNS.iter().find(|(column, _)| *column == name).map(|(_, kind)| *kind)
}

/// The fields of a row, by the names of the columns.
pub(super) fn fields_of(row: &CatalogueRow) -> Result<Map<String, Value>, String> {
    match serde_json::to_value(row).map_err(|error| error.to_string())? {
        Value::Object(fields) => Ok(fields),
        other => Err(format!("a row is {other}")),
    }
}

pub(super) fn row_of(fields: Map<String, Value>) -> Result<CatalogueRow, String> {
    serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_map, option, prelude::*};
    use serde_json::json;

    use super::*;

    /// A row as other values of its columns would make it. Empty text is missing in CSV, and no column
    /// of ours is ever empty.
    fn row() -> impl Strategy<Value = CatalogueRow> {
        let text = || "[a-zé,;\"\n\u{202e}\t']{1,8}";
        let time = || option::of(-9_000_000_000_000_000_000_i64..9_000_000_000_000_000_000);
        let times = (time(), time(), option::of(text()));
        let counts = (any::<i64>(), 1..=u32::MAX, any::<u8>(), any::<bool>(), any::<u32>());
        let places = (option::of(-90.0..90.0_f64), option::of(-180.0..180.0_f64), 0.0..1e9_f64);
        let texts = (text(), text(), option::of(text()), option::of(text()));
        let notes = btree_map(text(), text(), 0..3);
        (times, counts, places, texts, notes).prop_map(|(times, counts, places, texts, notes)| {
            let time = |nanos: Option<i64>| {
                nanos.map(|it| opus_zarr::Timestamp::from_nanosecond(i128::from(it)).unwrap())
            };
            let row = json!({
                "name": texts.0, "source": texts.1, "device": texts.2, "site": texts.3,
                "sha256": "ab", "source_sha256": "cd", "start": time(times.0), "end": time(times.1),
                "local_start": times.2, "certainty": times.2.map(|_| "zone-assumed"),
                "samples": counts.0.unsigned_abs() >> 1, "drift_ppt": counts.4 % 1000, "real_rate": counts.1, "channels": counts.2,
                "is_exact": counts.3, "generation": counts.4, "bytes": counts.4, "version": texts.2,
                "latitude": places.0, "longitude": places.1, "seconds": places.2, "notes": notes,
            });
            row_of(row.as_object().unwrap().clone()).unwrap()
        })
    }

    /// Any time, and often one around the first and the last that Parquet holds.
    fn far_time() -> impl Strategy<Value = opus_zarr::Timestamp> {
        let first = opus_zarr::Timestamp::MIN.as_nanosecond();
        let last = opus_zarr::Timestamp::MAX.as_nanosecond();
        let near = |limit: i64| i128::from(limit) - 2..=i128::from(limit) + 2;
        prop_oneof![first..=last, near(i64::MIN), near(i64::MAX)]
            .prop_map(|nanos| opus_zarr::Timestamp::from_nanosecond(nanos).unwrap())
    }

    proptest! {
        #[test]
        fn rows_are_read_as_they_were_written(rows in prop::collection::vec(row(), 0..5)) {
            let catalogue = Catalogue::from_rows(rows);
            for form in [Form::Parquet, Form::Csv, Form::JsonLines] {
                let written = form.write(&catalogue).unwrap();
                let read = form.read(written).unwrap();
                prop_assert_eq!(&*read, catalogue.rows(), "{:?}", form);
            }
        }

        /// Parquet holds fewer times than we do. None may become another.
        #[test]
        fn no_time_is_written_as_another(
            row in row(), start in option::of(far_time()), end in option::of(far_time()),
        ) {
            let mut written = row;
            (written.start, written.end) = (start, end);
            let catalogue = Catalogue::from_rows([written.clone()]);
            for form in [Form::Parquet, Form::Csv, Form::JsonLines] {
                let read = form.read(form.write(&catalogue).unwrap()).unwrap().remove(0);
                let mut expected = written.clone();
                if !form.holds_times(&written) {
                    (expected.start, expected.end, expected.version) = (None, None, None);
                }
                prop_assert_eq!(read, expected, "{:?}", form);
            }
        }

        #[test]
        fn damaged_files_are_refused_or_read(
            rows in prop::collection::vec(row(), 1..3), place: prop::sample::Index, byte: u8,
        ) {
            let catalogue = Catalogue::from_rows(rows);
            for form in [Form::Parquet, Form::Csv, Form::JsonLines] {
                let mut written = form.write(&catalogue).unwrap();
                let place = place.index(written.len());
                written[place] = byte;
                let _ = form.read(written);
            }
        }
    }
}
