/// Text as recorders write it: UTF-8 if it is that, else Windows-1252 (of which Latin-1
/// is the part that recorders use). Ends at the first NUL.
///
/// The five bytes that Windows-1252 leaves undefined become the control characters of
/// the same number, as browsers do: no text is refused.
pub fn decode_text(bytes: &[u8]) -> String {
    let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    decode_all(text)
}

/// [`decode_text`] of texts in which NULs are padding between fields, not the end.
pub(crate) fn decode_all(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_owned(),
        Err(_) => bytes.iter().map(|&byte| windows_1252(byte)).collect(),
    }
}

/// White space of fixed-size and padded fields, NULs and byte order marks among it.
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
    fn utf_8_else_windows_1252() {
        assert_eq!(decode_text("Fledermäuse".as_bytes()), "Fledermäuse");
        assert_eq!(decode_text(b"Flederm\xe4use \x96 \x80 5 \x81"), "Fledermäuse – € 5 \u{81}");
        assert_eq!(decode_text(b"\xef\xbb\xbfmarked"), "marked");
        assert_eq!(decode_text(b"one\0two"), "one");
        assert_eq!(decode_text(b""), "");
    }
}
