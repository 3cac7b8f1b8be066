//! Percent-encoding and the parameters of a query.

use std::fmt::Display;

use crate::Problem;

/// Decodes percent-encoding, once.
pub(crate) fn decode(text: &str) -> Result<String, Problem> {
    let invalid = || Problem::bad("invalid percent-encoding in the URL");
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let [high, low, after @ ..] = rest else { return Err(invalid()) };
        let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
        let (high, low) = digit(high).zip(digit(low)).ok_or_else(invalid)?;
        bytes.push(high << 4 | low);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| Problem::bad("the URL is not UTF-8"))
}

/// Encodes everything but unreserved characters, for a segment of a path.
pub(crate) fn encode(text: &str) -> String {
    let is_kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| match is_kept(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// The parameters of a query, taken one by one. A parameter that nobody takes is an error, so that a
/// typing error does not select something else.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let mut found: Vec<(String, String)> = Vec::new();
        for pair in pairs {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            // Forms write spaces as "+".
            let (key, value) = (decode(key)?, decode(&value.replace('+', "%2B"))?);
            if found.iter().any(|(other, _)| *other == key) {
                return Err(Problem::bad(format!("parameter {key:?} is given twice")));
            }
            found.push((key, value));
        }
        Ok(Self(found))
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<String> {
        let at = self.0.iter().position(|(found, _)| found == key)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Takes a parameter and parses it.
    pub(crate) fn parsed<T, E: Display>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.take(key) else { return Ok(None) };
        let invalid = |error: E| Problem::bad(format!("invalid {key} {text:?}: {error}"));
        parse(&text).map(Some).map_err(invalid)
    }

    /// Takes a finite number.
    pub(crate) fn number(&mut self, key: &str) -> Result<Option<f64>, Problem> {
        self.parsed(key, |text| {
            text.parse().ok().filter(|it: &f64| it.is_finite()).ok_or("expected a number")
        })
    }

    pub(crate) fn finish(self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(Problem::bad(format!("unknown parameter {key:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_decoded_once() {
        assert_eq!(decode("a%20b%252e").unwrap(), "a b%2e");
        assert_eq!(decode("%C3%a9").unwrap(), "é");
        for text in ["%", "%2", "%zz", "%+1", "%ff", "%C0%AE"] {
            assert!(decode(text).is_err(), "{text}");
        }
        let name = "2026-05-06 é/ü&?%";
        assert_eq!(decode(&encode(name)).unwrap(), name);
    }

    #[test]
    fn parameters_are_known_and_unique() {
        let mut query = Query::parse("a=1&b=x%26y&c&d=1+2").unwrap();
        assert_eq!(query.number("a").unwrap(), Some(1.0));
        assert_eq!(query.take("b").as_deref(), Some("x&y"));
        assert_eq!(query.take("d").as_deref(), Some("1+2"));
        assert_eq!(query.finish().unwrap_err().to_string(), "unknown parameter \"c\"");
        assert!(Query::parse("a=1&a=1").is_err());
        assert!(Query::parse("a=nan").unwrap().number("a").is_err());
        assert!(Query::parse("").unwrap().finish().is_ok());
    }
}
