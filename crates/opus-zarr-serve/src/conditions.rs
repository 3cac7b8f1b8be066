//! Conditional requests and ranges (RFC 9110 sections 13 and 14).

use std::ops::Range;

use hyper::{
    HeaderMap, Method,
    header::{self, HeaderName},
};

/// What a request wants of a representation that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Bytes(Range<u64>),
    /// 304.
    Unchanged,
    /// 412.
    Failed,
    /// 416.
    Unsatisfiable,
}

/// Evaluates the preconditions of a request for a representation with a strong entity tag. None of our
/// representations has a date of modification, so conditions with dates are not met or ignored, as the
/// RFC says.
pub(crate) fn part(method: &Method, headers: &HeaderMap, tag: &str, length: u64) -> Part {
    if let Some(tags) = all(headers, &header::IF_MATCH)
        && !matches(&tags, tag, false)
    {
        return Part::Failed;
    }
    if let Some(tags) = all(headers, &header::IF_NONE_MATCH)
        && matches(&tags, tag, true)
    {
        return Part::Unchanged;
    }
    let is_same =
        headers.get(header::IF_RANGE).is_none_or(|found| found.as_bytes() == tag.as_bytes());
    if *method != Method::GET || !is_same {
        return Part::Whole;
    }
    match all(headers, &header::RANGE) {
        Some(range) => range_of(&range, length),
        None => Part::Whole,
    }
}

/// All lines of a field, joined as one.
fn all(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<_> = headers.get_all(name).iter().map(|it| it.to_str().unwrap_or("")).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

/// Whether a list of entity tags has this one, by the weak or the strong comparison.
fn matches(list: &str, tag: &str, is_weak: bool) -> bool {
    let mut rest = list.trim();
    if rest == "*" {
        return true;
    }
    // Commas may occur in tags, quotes may not.
    while let Some(at) = rest.find('"') {
        let weak = rest.get(..at).is_some_and(|before| before.trim_end().ends_with("W/"));
        let Some(opened) = rest.get(at + 1..) else { return false };
        let Some((found, after)) = opened.split_once('"') else { return false };
        if (is_weak || !weak) && tag.trim_matches('"') == found {
            return true;
        }
        rest = after;
    }
    false
}

/// A single range of bytes. A server may ignore a Range field, so one that is invalid, or names another
/// unit or several ranges, gets everything.
fn range_of(text: &str, length: u64) -> Part {
    let Some((unit, range)) = text.split_once('=') else { return Part::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") || range.contains(',') {
        return Part::Whole;
    }
    let Some((first, last)) = range.trim().split_once('-') else { return Part::Whole };
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let range = match (number(first), number(last), first, last) {
        (Some(first), Some(last), ..) if first <= last => first..last.saturating_add(1).min(length),
        (Some(first), None, _, "") => first..length,
        (None, Some(count), "", _) => length.saturating_sub(count)..length,
        _ => return Part::Whole,
    };
    if range.start < range.end { Part::Bytes(range) } else { Part::Unsatisfiable }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, fields: &[(HeaderName, &str)]) -> Part {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value.parse().unwrap());
        }
        part(&method, &headers, "\"tag\"", 1000)
    }

    fn range(text: &str) -> Part {
        asked(Method::GET, &[(header::RANGE, text)])
    }

    #[test]
    fn ranges_are_those_of_the_rfc() {
        for (text, expected) in [
            ("bytes=0-499", 0..500),
            ("bytes=500-999", 500..1000),
            ("bytes=-500", 500..1000),
            ("bytes=9500-", 0..0),
            ("bytes=990-", 990..1000),
            ("bytes=0-0", 0..1),
            ("bytes=-1", 999..1000),
            ("bytes=0-99999999999999999999999", 0..1000),
            ("bytes=-99999999999999999999999", 0..1000),
            ("BYTES= 5-6 ", 5..7),
        ] {
            let expected =
                if expected.is_empty() { Part::Unsatisfiable } else { Part::Bytes(expected) };
            assert_eq!(range(text), expected, "{text}");
        }
        for text in ["bytes=1000-", "bytes=-0", "bytes=1000-1001", "bytes=99999999999999999999-"] {
            assert_eq!(range(text), Part::Unsatisfiable, "{text}");
        }
        for text in [
            "bytes=5-4",
            "bytes=",
            "bytes=-",
            "bytes",
            "samples=0-1",
            "bytes=a-b",
            "bytes=0x1-2",
            "bytes=+1-2",
            "bytes=1-2,5-6",
            "bytes=1--2",
            "bytes=1 - 2",
            "=1-2",
            "",
        ] {
            assert_eq!(range(text), Part::Whole, "{text}");
        }
        let twice = [(header::RANGE, "bytes=1-2"), (header::RANGE, "bytes=5-6")];
        assert_eq!(asked(Method::GET, &twice), Part::Whole);
        assert_eq!(asked(Method::HEAD, &twice[..1]), Part::Whole);
        assert_eq!(range_of("bytes=0-", 0), Part::Unsatisfiable);
    }

    #[test]
    fn preconditions_come_in_the_order_of_the_rfc() {
        let ranged = (header::RANGE, "bytes=0-1");
        let with = |name: HeaderName, value| asked(Method::GET, &[(name, value), ranged.clone()]);
        for value in ["\"tag\"", "W/\"tag\"", "*", "\"a,b\", \"tag\"", "W/\"x\",W/\"tag\""] {
            assert_eq!(with(header::IF_NONE_MATCH, value), Part::Unchanged, "{value}");
        }
        for value in ["\"other\"", "tag", "\"tag", "", "\"tagg\""] {
            assert_eq!(with(header::IF_NONE_MATCH, value), Part::Bytes(0..2), "{value}");
            assert_eq!(with(header::IF_MATCH, value), Part::Failed, "{value}");
        }
        assert_eq!(with(header::IF_MATCH, "W/\"tag\""), Part::Failed);
        assert_eq!(with(header::IF_MATCH, "\"tag\""), Part::Bytes(0..2));
        assert_eq!(with(header::IF_RANGE, "\"tag\""), Part::Bytes(0..2));
        for value in ["W/\"tag\"", "\"other\"", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(with(header::IF_RANGE, value), Part::Whole, "{value}");
        }
    }
}
