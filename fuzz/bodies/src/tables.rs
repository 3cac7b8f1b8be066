//! Tables of regions.

use opus_zarr::RegionTable;

/// Parses any bytes as a table. Rows come in order, a region is a part of the text, and everything
/// that is reported takes one line.
pub fn tables(bytes: &[u8]) {
    let table = match RegionTable::parse(bytes) {
        Ok(table) => table,
        Err(error) => return assert_eq!(error.to_string().lines().count(), 1),
    };
    assert!(table.layout.is_some() || (table.rows.is_empty() && table.repeats == 0));
    // A byte of Windows-1252 becomes up to three in UTF-8, and a decoded text has at most as many lines
    // as bytes.
    let limit = 3 * bytes.len();
    let mut last = 0;
    for row in &table.rows {
        let line = match row {
            Ok(region) => region.line,
            Err(bad) => bad.line,
        };
        assert!(line >= last && line > 0 && line <= 1 + bytes.len() as u64, "line {line}");
        last = line;
        let Ok(region) = row else { continue };
        // Up to eight names of classes, of up to 100 characters each.
        assert!(region.label.as_ref().is_none_or(|label| label.len() <= limit.max(8 * 401)));
        assert!(region.score.is_none_or(f64::is_finite));
        assert!(region.selection.to_string().len() <= limit + 64);
        assert_ne!(region.channel, Some(0));
    }
    assert!(table.rows.len() as u64 + table.repeats <= 1 + bytes.len() as u64);
}
