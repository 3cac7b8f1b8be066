/// Decodes text as recorders write it, up to the first NUL: UTF-8 if valid, else Windows-1252 (of
/// which recorders use the Latin-1 part).
///
/// Never fails: the five bytes that Windows-1252 leaves undefined become the control characters
/// of the same number, as in browsers.
///
/// ```
/// assert_eq!(recorder_metadata::decode_text(b"Flederm\xe4use\0\0"), "Fledermäuse");
/// ```
pub fn decode_text(bytes: &[u8]) -> String {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    decode_all(text)
}

/// Decodes like [`decode_text`], but treats NULs as padding between fields and not as the end.
pub(crate) fn decode_all(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_owned(),
        Err(_) => bytes.iter().map(|&byte| windows_1252(byte)).collect(),
    }
}

/// Returns whether a character pads a field: white space, a control character such as NUL, or a
/// byte order mark.
pub(crate) fn is_padding(character: char) -> bool {
    character.is_whitespace() || character.is_control() || character == '\u{feff}'
}

fn windows_1252(byte: u8) -> char {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    let of_table = byte.checked_sub(0x80).and_then(|at| FROM_80.get(usize::from(at)));
    of_table.copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf_8_or_else_windows_1252() {
        assert_eq!(decode_text("Fledermäuse".as_bytes()), "Fledermäuse");
        assert_eq!(decode_text(b"Flederm\xe4use \x96 \x80 5 \x81"), "Fledermäuse – € 5 \u{81}");
        assert_eq!(decode_text(b"\xef\xbb\xbfmarked"), "marked");
        assert_eq!(decode_text(b"one\0two"), "one");
        assert_eq!(decode_text(b""), "");
    }
}
