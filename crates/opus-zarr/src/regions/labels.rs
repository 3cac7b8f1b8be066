//! Labels of Audacity, which have no names of columns.

use super::{
    InvalidRegion, Region, RegionSource, RegionTable,
    text::{float, with_point},
};
use crate::Selection;

/// Reads labels of Audacity: a start, an end and a label between tabs, as BirdNET writes them with a
/// confidence at the end. A line that begins with `\` holds the frequencies of the label before.
/// Returns none if the first line is not such a label.
pub(super) fn parse(text: &str) -> Option<RegionTable> {
    let mut table = RegionTable { layout: Some("Audacity"), ..RegionTable::default() };
    let lines = (1..).zip(text.lines());
    for (line, text) in lines.filter(|(_, text)| !text.trim().is_empty()) {
        let cells: Vec<&str> = text.split('\t').map(str::trim).collect();
        match (cells.as_slice(), table.rows.last_mut()) {
            (["\\", frequencies @ ..], Some(Ok(last))) => set_frequencies(last, frequencies),
            // The label itself is bad.
            (["\\", ..], Some(Err(_))) => {}
            ([start, end, rest @ ..], last) => {
                let (start, end) = (with_point((*start).into()), with_point((*end).into()));
                if last.is_none() && !(float(&start).is_some() && float(&end).is_some()) {
                    return None;
                }
                let selection = Selection::parse_time(&format!("{start}..{end}"));
                table.rows.push(match selection {
                    Ok(selection) => Ok(region(line, selection, rest)),
                    Err(error) => Err(InvalidRegion { line, reason: error.to_string() }),
                });
            }
            (_, None) => return None,
            (_, Some(_)) => {
                let reason = "expected a start, an end and a label between tabs".to_owned();
                table.rows.push(Err(InvalidRegion { line, reason }));
            }
        }
    }
    Some(table)
}

fn region(line: u64, selection: Selection, rest: &[&str]) -> Region {
    let filled = |cell: &&&str| !cell.is_empty();
    Region {
        line,
        source: RegionSource::Unnamed,
        selection,
        name: None,
        label: rest.first().filter(filled).map(|label| (*label).to_owned()),
        score: rest.get(1).and_then(|score| float(&with_point((*score).into()))),
        low_hz: None,
        high_hz: None,
        channel: None,
    }
}

/// Sets the frequencies of a label; Audacity writes -1 for one that is not defined.
fn set_frequencies(region: &mut Region, frequencies: &[&str]) {
    let frequency = |number: usize| {
        let frequency = float(&with_point((*frequencies.get(number)?).into()))?;
        (frequency >= 0.0).then_some(frequency)
    };
    (region.low_hz, region.high_hz) = (frequency(0), frequency(1));
}
