//! Catalogues in Parquet.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use ::parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical},
    data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        reader::{FileReader, SerializedFileReader},
        writer::{SerializedColumnWriter, SerializedFileWriter},
    },
    record::Field,
    schema::types::Type,
};
use opus_zarr::{CatalogueRow, Timestamp};
use serde_json::{Map, Value};

use super::{
    columns::{COLUMNS, Cell, Kind},
    file::{fields_of, row_of},
};

pub(super) fn write(rows: &[CatalogueRow]) -> Result<Vec<u8>, String> {
    let rows = rows.iter().map(writable).collect::<Result<Vec<_>, _>>()?;
    let fault = |error: ParquetError| error.to_string();
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file =
        SerializedFileWriter::new(Vec::new(), schema().map_err(fault)?, properties.into())
            .map_err(fault)?;
    let mut group = file.next_row_group().map_err(fault)?;
    for (name, kind) in COLUMNS {
        let cells: Result<Vec<_>, _> = rows.iter().map(|row| Cell::of(row, name, kind)).collect();
        let Some(mut column) = group.next_column().map_err(fault)? else { break };
        write_column(&mut column, kind, &cells?).and_then(|()| column.close()).map_err(fault)?;
    }
    group.close().map_err(fault)?;
    file.into_inner().map_err(fault)
}

/// Whether Parquet can hold the times of a row. Its nanoseconds go from 1677 to 2262.
pub(super) fn holds_times(row: &CatalogueRow) -> bool {
    [row.start, row.end].into_iter().flatten().all(|time| nanos(time).is_some())
}

fn nanos(time: Timestamp) -> Option<i64> {
    i64::try_from(time.as_nanosecond()).ok()
}

/// The fields of a row, without times that Parquet cannot hold. Such a row is never current, so every
/// update says again what it lacks.
fn writable(row: &CatalogueRow) -> Result<Map<String, Value>, String> {
    let mut fields = fields_of(row)?;
    if !holds_times(row) {
        fields.retain(|name, _| !matches!(name.as_str(), "start" | "end" | "version"));
    }
    Ok(fields)
}

fn write_column(
    column: &mut SerializedColumnWriter<'_>,
    kind: Kind,
    cells: &[Cell],
) -> Result<(), ParquetError> {
    match kind {
        Kind::Text | Kind::Json => {
            write_values::<ByteArrayType>(column, cells, |cell| match cell {
                Cell::Text(text) => Some(ByteArray::from(text.as_str())),
                _ => None,
            })
        }
        Kind::Integer | Kind::Time => write_values::<Int64Type>(column, cells, |cell| match cell {
            Cell::Integer(integer) => Some(*integer),
            Cell::Time(time) => nanos(*time),
            _ => None,
        }),
        Kind::Number => write_values::<DoubleType>(column, cells, |cell| match cell {
            Cell::Number(number) => Some(*number),
            _ => None,
        }),
        Kind::Flag => write_values::<BoolType>(column, cells, |cell| match cell {
            Cell::Flag(flag) => Some(*flag),
            _ => None,
        }),
    }
}

fn write_values<T: DataType>(
    column: &mut SerializedColumnWriter<'_>,
    cells: &[Cell],
    value: impl Fn(&Cell) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let present: Vec<i16> = cells.iter().map(|cell| i16::from(*cell != Cell::Missing)).collect();
    let values: Vec<T::T> = cells.iter().filter_map(value).collect();
    column.typed::<T>().write_batch(&values, Some(&*present), None)?;
    Ok(())
}

fn schema() -> Result<Arc<Type>, ParquetError> {
    let columns = COLUMNS.iter().map(|(name, kind)| {
        let (physical, logical) = match kind {
            // Of the type JSON, pandas and Polars show bytes.
            Kind::Text | Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Integer => (Physical::INT64, None),
            Kind::Number => (Physical::DOUBLE, None),
            Kind::Flag => (Physical::BOOLEAN, None),
            Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::NANOS))),
        };
        let column = Type::primitive_type_builder(name, physical).with_logical_type(logical);
        column.with_repetition(Repetition::OPTIONAL).build().map(Arc::new)
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("recording").with_fields(columns).build().map(Arc::new)
}

/// Reads rows. The crate may panic on a damaged file.
pub(super) fn read(bytes: Vec<u8>) -> Result<Vec<CatalogueRow>, String> {
    let rows = catch_unwind(AssertUnwindSafe(|| read_rows(bytes)));
    rows.unwrap_or_else(|_| Err("the file is damaged".to_owned()))
}

fn read_rows(bytes: Vec<u8>) -> Result<Vec<CatalogueRow>, String> {
    let fault = |error: ParquetError| error.to_string();
    let file = SerializedFileReader::new(bytes::Bytes::from(bytes)).map_err(fault)?;
    let rows = file.get_row_iter(None).map_err(fault)?;
    rows.map(|row| {
        let mut fields = Map::new();
        for (name, field) in row.map_err(fault)?.get_column_iter() {
            let known = COLUMNS.iter().find(|(column, _)| column == name);
            let Some((_, kind)) = known else { continue };
            cell_of(*kind, field)
                .ok_or_else(|| format!("expected {name} to be {kind}, found {field}"))?
                .add_to(&mut fields, name, *kind)?;
        }
        row_of(fields)
    })
    .collect()
}

/// Returns the value of a field in a column of this kind. Other programs may have written the file
/// again, with types of their own.
fn cell_of(kind: Kind, field: &Field) -> Option<Cell> {
    let integer = match field {
        Field::Byte(integer) => Some(i64::from(*integer)),
        Field::Short(integer) => Some(i64::from(*integer)),
        Field::Int(integer) => Some(i64::from(*integer)),
        Field::Long(integer) => Some(*integer),
        Field::UByte(integer) => Some(i64::from(*integer)),
        Field::UShort(integer) => Some(i64::from(*integer)),
        Field::UInt(integer) => Some(i64::from(*integer)),
        Field::ULong(integer) => i64::try_from(*integer).ok(),
        _ => None,
    };
    match (kind, field) {
        (_, Field::Null) => Some(Cell::Missing),
        (Kind::Text | Kind::Json, Field::Str(text)) => Some(Cell::Text(text.clone())),
        // As DuckDB writes the type JSON.
        (Kind::Json, Field::Bytes(text)) => text.as_utf8().ok().map(|text| Cell::Text(text.into())),
        (Kind::Number, Field::Double(number)) => Some(Cell::Number(*number)),
        (Kind::Number, Field::Float(number)) => Some(Cell::Number(f64::from(*number))),
        (Kind::Flag, Field::Bool(flag)) => Some(Cell::Flag(*flag)),
        (Kind::Time, Field::TimestampMillis(time)) => {
            Timestamp::from_millisecond(*time).ok().map(Cell::Time)
        }
        (Kind::Time, Field::TimestampMicros(time)) => {
            Timestamp::from_microsecond(*time).ok().map(Cell::Time)
        }
        (Kind::Time, _) => Timestamp::from_nanosecond(i128::from(integer?)).ok().map(Cell::Time),
        (Kind::Integer, _) => integer.map(Cell::Integer),
        _ => None,
    }
}
