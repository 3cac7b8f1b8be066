//! Paths, which may be any bytes, as text.

use std::{borrow::Cow, ffi::OsStr, fmt::Write};

use crate::hasher::to_hex;

/// Returns a path as text. Bytes that are not UTF-8 appear as in `caf\xE9.wav`.
///
/// ```
/// use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
///
/// use opus_zarr_store::{hex_unless_utf8, path_text};
///
/// let name = OsStr::from_bytes(b"caf\xe9.wav");
/// assert_eq!(path_text(name), r"caf\xE9.wav");
/// assert_eq!(hex_unless_utf8(name).as_deref(), Some("636166e92e776176"));
/// // The same text, but of a name that is text.
/// let name = OsStr::new(r"caf\xE9.wav");
/// assert_eq!((path_text(name), hex_unless_utf8(name)), (r"caf\xE9.wav".into(), None));
/// ```
pub fn path_text(path: &OsStr) -> Cow<'_, str> {
    if let Some(text) = path.to_str() {
        return text.into();
    }
    let mut text = String::new();
    for chunk in path.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    text.into()
}

/// Returns all bytes of a path in hexadecimal if it is not UTF-8, so that [`path_text`] does not tell
/// them.
pub fn hex_unless_utf8(path: &OsStr) -> Option<String> {
    path.to_str().is_none().then(|| to_hex(path.as_encoded_bytes()))
}

/// Quotes the text of a path, for a message. Control characters are escaped, backslashes stay what
/// they are: [`path_text`] writes some.
///
/// ```
/// assert_eq!(opus_zarr_store::quoted("caf\\xE9\n"), r#""caf\xE9\n""#);
/// ```
pub fn quoted(text: &str) -> String {
    format!("{text:?}").replace(r"\\", r"\")
}
