//! Untrusted JSON, bounded and unambiguous.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// Parses a document. Rejects documents with more values than any recording has, because they
/// take much more memory than bytes. Rejects repeated names, because readers differ in which
/// value counts.
pub(crate) fn parse_json(bytes: &[u8]) -> Result<Value, String> {
    let values = bytes.iter().filter(|&byte| b",[{:".contains(byte)).count();
    if values > MAX_VALUES {
        return Err(format!("more than {MAX_VALUES} values"));
    }
    serde_json::from_slice(bytes).map(|Unique(value)| value).map_err(json_error)
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
/// A recording with a billion packets has 500,000.
const MAX_VALUES: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
