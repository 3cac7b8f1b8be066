//! "Did you mean" for names of recordings.

use opus_zarr::{RecordingName, Store};

use crate::{
    failure::{Exit, Failure},
    place::names_in,
};

/// Adds the nearest names of a store to the failure of a recording that does not exist.
pub(crate) fn or_nearest<T, E: Into<Failure>>(
    opened: Result<T, E>,
    store: &Store,
    name: &RecordingName,
) -> Result<T, Failure> {
    opened.map_err(|error| with_nearest(error.into(), store, name.as_str()))
}

/// Adds the names of a store that are nearest to a name or a pattern that does not exist.
pub(crate) fn with_nearest(failure: Failure, store: &Store, asked: &str) -> Failure {
    if failure.exit != Exit::Missing || failure.hint.is_some() {
        return failure;
    }
    // A store that cannot be listed has no names to offer.
    let names = names_in(store).unwrap_or_default();
    match hint(asked, names.iter().map(RecordingName::as_str)) {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

fn hint<'a>(asked: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    // Of a pattern, only the text before the first wildcard is compared.
    let (head, is_pattern) = match asked.split_once(['*', '?']) {
        Some((head, _)) => (head, true),
        None => (asked, false),
    };
    let head: Vec<char> = head.to_lowercase().chars().collect();
    let most = if is_pattern { head.len() } else { usize::MAX };
    let mut near: Vec<_> =
        names.filter_map(|name| Some((distance(&head, name, most)?, name))).collect();
    near.sort();
    let names: Vec<_> = near.iter().take(SHOWN).map(|(_, name)| format!("\"{name}\"")).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("did you mean {one}?")),
        [others @ .., last] => Some(format!("did you mean {} or {last}?", others.join(", "))),
    }
}

/// The distance between what was asked for and the first `most` characters of a name. None if it is
/// too large.
fn distance(asked: &[char], name: &str, most: usize) -> Option<usize> {
    let name: Vec<char> = name.to_lowercase().chars().take(most).collect();
    let (short, long) = (asked.len().min(name.len()), asked.len().max(name.len()));
    let [asked, name]: [String; 2] = [asked.iter().collect(), name.iter().collect()];
    // A prefix or an extension may be missing, or one too many.
    let is_part = short > 0 && (short * 2 >= long || short >= PART);
    if is_part && (name.contains(&asked) || asked.contains(&name)) {
        return Some(1);
    }
    let most = long.div_ceil(3);
    let is_near = short > 0 && long - short <= most;
    is_near.then(|| strsim::osa_distance(&asked, &name)).filter(|found| *found <= most)
}

/// How many characters of a name are enough to find it.
const PART: usize = 3;

/// How many names a hint has at most.
const SHOWN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered() {
        let names = ["rhine_20260512_220000", "weiher_20260512_220000", "weiher_20260513_220000"];
        for (asked, expected) in [
            (
                "weiher_20260512_22000",
                Some(&["weiher_20260512_220000", "weiher_20260513_220000"][..]),
            ),
            ("wieher_20260513_220000", Some(&["weiher_20260513_220000", "weiher_20260512_220000"])),
            ("20260512_220000", Some(&["rhine_20260512_220000", "weiher_20260512_220000"])),
            ("Rhine_20260512_220000.wav", Some(&["rhine_20260512_220000"])),
            ("wieher_*_2200*", Some(&["weiher_20260512_220000", "weiher_20260513_220000"])),
            ("*_2200*", None),
            ("notes", None),
            ("", None),
        ] {
            let found = hint(asked, names.into_iter());
            match expected {
                None => assert_eq!(found, None, "{asked}"),
                Some(expected) => {
                    let found = found.unwrap();
                    let quoted = |name: &&str| format!("\"{name}\"");
                    let at: Vec<_> =
                        expected.iter().map(|name| found.find(&quoted(name))).collect();
                    assert!(at.iter().all(Option::is_some) && at.is_sorted(), "{asked}: {found}");
                }
            }
        }
        assert_eq!(hint("ab", ["a", "abc"].into_iter()).unwrap(), "did you mean \"a\" or \"abc\"?");
        assert_eq!(hint("zzz", ["a", "b"].into_iter()), None);
    }
}
