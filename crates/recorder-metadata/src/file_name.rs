mod forms;

use jiff::Timestamp;

use crate::{ClockReading, Source};

/// Finds the date with a time of day in a file name, ignoring folders and extension, and returns it
/// with the kind of name.
///
/// - `20200512_041500`, `20230101T010203Z`, `2010-08-12_21-03-12`, `20200512041500`: a date and a
///   time of six digits, anywhere in the name but not next to other digits. Decimals may follow
///   the seconds (`.123`, or three more digits), then a zone: `Z`, `UTC`, `GMT`, `+02`, `+0200`,
///   `-03:30`, with `_` or a space before it or not. A bare `-07` may be a running number and is
///   not a zone. Years range from 1900 to 2099. Dates and times that do not exist and times of
///   four digits do not match.
/// - `200512_041500`, `5783.190101120000`: two digits for a year from 2000 to 2049, if no date has
///   four.
/// - `12-05-2020_041500`: the day, or else the month, first.
/// - `5B6A9C40`: a whole name of eight hexadecimal digits is a Unix time in seconds, as AudioMoth
///   firmware before 1.2 writes it, if it lies in the years 2016 to 2035.
///
/// If several times fit, this is the most likely one; [`other_time_in_file_name`] returns the next.
///
/// ```
/// use recorder_metadata::{Source, time_in_file_name};
///
/// let (source, start) = time_in_file_name("card/S4A01234_20200512_041500.wav").expect("matches");
/// assert_eq!(source, Source::FileName);
/// assert_eq!(start.clock.to_string(), "2020-05-12T04:15:00");
/// assert_eq!(start.offset, None);
/// ```
pub fn time_in_file_name(name: &str) -> Option<(Source, ClockReading)> {
    let stem = stem(name);
    if let Some(instant) = hexadecimal(stem) {
        return Some((Source::HexFileName, ClockReading::at(instant)));
    }
    Some((Source::FileName, readings(stem).next()?))
}

/// Returns another time that a file name can mean, besides that of [`time_in_file_name`]: its days
/// and months or its year may be in another order, or it may contain two times. The end of a
/// recording, with an `E` before it, does not count.
///
/// ```
/// use recorder_metadata::other_time_in_file_name;
///
/// let other = other_time_in_file_name("05-06-2020_041500.wav").expect("the month may come first");
/// assert_eq!(other.clock.to_string(), "2020-05-06T04:15:00");
/// assert_eq!(other_time_in_file_name("20200512_041500.wav"), None);
/// ```
pub fn other_time_in_file_name(name: &str) -> Option<ClockReading> {
    let stem = stem(name);
    if hexadecimal(stem).is_some() {
        return None;
    }
    let mut readings = readings(stem);
    let first = readings.next()?;
    readings.find(|other| other.clock != first.clock)
}

/// Returns the times in a name in the first form that matches, the most likely first.
fn readings(stem: &str) -> impl Iterator<Item = ClockReading> {
    let mut forms =
        [forms::full_year, forms::year_last, forms::of_12_digits, forms::short_year].into_iter();
    let found = forms.find_map(|form| {
        let found: Vec<_> = starts(stem).flat_map(|at| form(stem, at)).collect();
        (!found.is_empty()).then_some(found)
    });
    found.into_iter().flatten()
}

/// Returns where digits begin.
fn starts(stem: &str) -> impl Iterator<Item = usize> + '_ {
    let mut before = '_';
    stem.char_indices().filter_map(move |(at, found)| {
        let is_start = !before.is_ascii_digit() && found.is_ascii_digit();
        before = found;
        is_start.then_some(at)
    })
}

/// Removes folders and extension.
pub(crate) fn stem(name: &str) -> &str {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    name.rsplit_once('.').filter(|(_, end)| is_extension(end)).map_or(name, |(stem, _)| stem)
}

/// Returns whether this is an extension like `wav` and `3gp`, not decimals as in `.250` and
/// `.250Z`.
fn is_extension(end: &str) -> bool {
    let has_letter = end.trim_end_matches(['Z', 'z']).contains(char::is_alphabetic);
    end.is_empty() || end.starts_with(char::is_alphabetic) || (end.len() <= 4 && has_letter)
}

fn hexadecimal(stem: &str) -> Option<Timestamp> {
    const PLAUSIBLE: std::ops::Range<i64> = 1_451_606_400..2_082_758_400; // 2016 to 2035
    let is_hexadecimal = stem.len() == 8 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
    let seconds = i64::from_str_radix(stem, 16).ok().filter(|_| is_hexadecimal)?;
    Timestamp::from_second(seconds).ok().filter(|_| PLAUSIBLE.contains(&seconds))
}
