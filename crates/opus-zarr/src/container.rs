use opus_demux::raw::WHY_BARE_PACKETS_CANNOT_BE_SPLIT;

/// A file format that carries Opus and says so in its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// Ogg (RFC 7845).
    Ogg,
    /// WebM or Matroska.
    Matroska,
    /// MP4, also fragmented.
    Mp4,
    /// Core Audio Format.
    Caf,
}

impl Container {
    /// Tells the container by the first bytes of a file, [`DETECTION_LEN`] of them or all
    /// that there are. Names of files are not asked. The error says what the file is
    /// instead, or what was expected.
    pub fn detect(start: &[u8]) -> Result<Self, String> {
        if opus_demux::webm::is_webm(start) {
            Ok(Self::Matroska)
        } else if opus_demux::mp4::is_mp4(start) {
            Ok(Self::Mp4)
        } else if opus_demux::caf::is_caf(start) {
            Ok(Self::Caf)
        } else if ogg_opus_demux::is_ogg(start) {
            Ok(Self::Ogg)
        } else {
            Err(refusal(start))
        }
    }

    /// As it stands in the attributes of a recording.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ogg => "ogg",
            Self::Matroska => "matroska",
            Self::Mp4 => "mp4",
            Self::Caf => "caf",
        }
    }
}

fn refusal(start: &[u8]) -> String {
    const EXPECTED: &str = "expected Opus in Ogg, WebM, Matroska, MP4 or CAF, or audio that can be encoded (WAV, AIFF, FLAC, MP3, AAC, ALAC, Vorbis)";
    let known = OTHERS
        .iter()
        .find(|(at, magic, _)| start.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    match known {
        _ if start.is_empty() => format!("the file is empty, {EXPECTED}"),
        Some((_, _, name)) => format!("the file is {name}, {EXPECTED}"),
        None => {
            let found = start.get(..8).unwrap_or(start);
            let refusal = format!("the file begins with \"{}\", {EXPECTED}", found.escape_ascii());
            // What is not text may be packets.
            match found.is_ascii() {
                true => refusal,
                false => format!("{refusal} ({WHY_BARE_PACKETS_CANNOT_BE_SPLIT})"),
            }
        }
    }
}

const OTHERS: [(usize, &[u8], &str); 9] = [
    (8, b"WAVE", "WAV"),
    (8, b"AIFF", "AIFF"),
    (8, b"AIFC", "AIFF"),
    (0, b"fLaC", "FLAC"),
    (0, b"ID3", "MP3 or another format behind an ID3 tag"),
    (0, b"\xff\xfb", "MP3"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"OpusHead", "an OpusHead without a container"),
];

/// How many bytes [`Container::detect`] looks at, at most. An Ogg stream may begin
/// behind other things, such as an ID3 tag.
pub const DETECTION_LEN: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_container_of_ours_is_named() {
        let error = |start: &[u8]| Container::detect(start).unwrap_err();
        assert!(error(b"").contains("is empty"));
        assert!(error(b"RIFF\0\0\0\0WAVEfmt ").contains("is WAV"));
        assert!(error(b"\xf8\xff\xfe").contains("bare Opus packets cannot be split"));
        assert!(error(b"\xf8\n").lines().count() == 1);
    }

    #[test]
    fn by_content() {
        assert_eq!(
            Container::detect(b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01"),
            Ok(Container::Matroska)
        );
        assert_eq!(Container::detect(b"\0\0\0\x20ftypisom"), Ok(Container::Mp4));
        assert_eq!(Container::detect(b"caff\0\x01\0\0"), Ok(Container::Caf));
    }
}
