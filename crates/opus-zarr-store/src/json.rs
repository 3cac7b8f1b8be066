//! Untrusted JSON, bounded and unambiguous.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// Parses a document. Rejects repeated names, because readers differ in which value counts.
pub(crate) fn parse_json(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map(|Unique(value)| value).map_err(json_error)
}

/// Counts the values of a document by the memory that they take once parsed, which is much more than
/// their bytes: outside of strings, a comma and a colon count 1, a bracket 3, and a brace 8.
pub(crate) fn count_values(bytes: &[u8]) -> u64 {
    let (mut count, mut is_text, mut is_escaped) = (0, false, false);
    for &byte in bytes {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => {}
            b',' | b':' => count += 1,
            b'[' => count += 3,
            b'{' => count += 8,
            _ => {}
        }
    }
    count
}

pub(crate) fn json_error(error: serde_json::Error) -> String {
    shortened(error.to_string().escape_debug().to_string())
}

/// Shortens untrusted text so that a message stays readable.
pub(crate) fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_SHOWN) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// A value whose objects have no repeated names.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((name, Unique(value))) = fields.next_entry::<String, Unique>()? {
            if all.contains_key(&name) {
                return Err(A::Error::custom(format!("repeated name {name:?}")));
            }
            all.insert(name, value);
        }
        Ok(all.into())
    }
}

/// The most characters of untrusted text in a message.
const MAX_SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_counted_outside_of_strings() {
        for (text, count) in [
            ("0", 0),
            ("[0,0,0]", 5),
            (r#"{"a":[{}],"b":{}}"#, 8 + 3 + 8 + 8 + 2 + 1),
            (r#""[{,:""#, 0),
            (r#"["\"[,",",","\\",0]"#, 3 + 3),
        ] {
            assert_eq!(count_values(text.as_bytes()), count, "{text}");
        }
    }

    #[test]
    fn a_repeated_name_is_rejected() {
        let error = parse_json(br#"{"a":1,"b":[{"c":1,"c":1}]}"#).unwrap_err();
        assert!(error.contains("repeated name \\\"c\\\""), "{error}");
    }

    proptest! {
        /// Everything else parses like in serde_json.
        #[test]
        fn other_documents_parse_like_in_serde_json(text in r#"[\[\]{}:, 0-9eE.\-]{0,12}|[\[{]("a":)?(null|true|"[a-z\\"]*"|-?[0-9.]{1,25})[\]}]"#) {
            let expected = serde_json::from_str::<Value>(&text).ok();
            prop_assert_eq!(parse_json(text.as_bytes()).ok(), expected);
        }
    }
}
