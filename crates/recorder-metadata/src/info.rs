use std::fmt;

use crate::{ClockReading, Error, decode_text, error::Reason};

/// The texts of a RIFF `LIST` chunk of type `INFO`, in order.
///
/// ```
/// use recorder_metadata::Info;
///
/// let info = Info::parse(b"INFOIART\x06\0\0\0Reeds\0")?;
/// assert_eq!(info.get(b"IART"), Some("Reeds"));
/// # Ok::<(), recorder_metadata::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    texts: Vec<InfoText>,
}

/// One text of an `INFO` list.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InfoText {
    /// The kind of text: `ICMT` for a comment, `INAM` for a title and so on.
    pub id: [u8; 4],
    /// The text, up to its first NUL.
    pub text: String,
}

/// Shows the id as text.
impl fmt::Debug for InfoText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.id.escape_ascii(), self.text)
    }
}

impl Info {
    /// Parses the contents of a `LIST` chunk, which begin with `INFO`. Keeps the part of a last
    /// text that is cut off. Tolerates writers that do not pad texts of odd length. Sizes are
    /// little-endian, or big-endian as in RIFX if only that fits.
    pub fn parse(list: &[u8]) -> Result<Self, Error> {
        let mut rest = list
            .strip_prefix(b"INFO")
            .ok_or_else(|| Reason::NotInfo { found: list.get(..4).unwrap_or(list).to_vec() })?;
        let (mut texts, size_of) = (Vec::new(), byte_order(rest));
        while let Some((text, after)) = first_text(rest, size_of) {
            texts.push(text);
            rest = after;
        }
        Ok(Self { texts })
    }

    /// Returns all texts, in order.
    pub fn texts(&self) -> &[InfoText] {
        &self.texts
    }

    /// Returns the first non-empty text with this id.
    pub fn get(&self, id: &[u8; 4]) -> Option<&str> {
        self.texts
            .iter()
            .find(|found| found.id == *id && !found.text.is_empty())
            .map(|found| found.text.as_str())
    }

    /// Returns `ICRD`, the time of creation, if it has a time of day.
    pub fn created(&self) -> Option<ClockReading> {
        ClockReading::parse(self.get(b"ICRD")?)
    }
}

/// Returns how to read the sizes in a list, whose first one decides.
fn byte_order(list: &[u8]) -> fn([u8; 4]) -> u32 {
    let Some(size) = list.get(4..).and_then(|rest| rest.first_chunk()) else {
        return u32::from_le_bytes;
    };
    let fits = |size: u32| usize::try_from(size).is_ok_and(|size| size <= list.len() - 8);
    let is_big = !fits(u32::from_le_bytes(*size)) && fits(u32::from_be_bytes(*size));
    if is_big { u32::from_be_bytes } else { u32::from_le_bytes }
}

fn first_text(list: &[u8], size_of: fn([u8; 4]) -> u32) -> Option<(InfoText, &[u8])> {
    let (&id, rest) = list.split_first_chunk::<4>()?;
    let (&size, rest) = rest.split_first_chunk::<4>()?;
    let size = usize::try_from(size_of(size)).unwrap_or(usize::MAX);
    let (text, rest) = rest.split_at_checked(size).unwrap_or((rest, &[]));
    let padding = usize::from(size % 2 == 1 && rest.first() == Some(&0));
    let rest = rest.get(padding..).unwrap_or_default();
    Some((InfoText { id, text: decode_text(text) }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts of `opensoundscape`'s `metadata.wav` and of music-metadata's
    /// `riff_adobe_audition.wav`.
    const AUDIOMOTH: &[u8] = b"INFOIART\x1c\0\0\0AudioMoth 24526B065D325963\0\0ICMTt\0\0\0Recorded at 10:25:00 04/04/2020 (UTC) by AudioMoth 24526B065D325963 at gain setting 2 while battery state was 4.7V.\0";

    #[test]
    fn texts_come_out_in_order() {
        let info = Info::parse(AUDIOMOTH).unwrap();
        let ids: Vec<&[u8; 4]> = info.texts().iter().map(|text| &text.id).collect();
        assert_eq!(ids, [b"IART", b"ICMT"]);
        assert_eq!(info.get(b"IART"), Some("AudioMoth 24526B065D325963"));
        assert!(info.get(b"ICMT").unwrap().ends_with("state was 4.7V."));
        assert_eq!(info.get(b"INAM"), None);
        assert_eq!(info.created(), None);
    }

    #[test]
    fn texts_of_odd_length_may_lack_padding() {
        for padding in ["\0", ""] {
            let list = format!(
                "INFOICMS\x03\0\0\0odd{padding}ICRD\x1a\0\0\x002018-04-26T13:26:19-05:00\0"
            );
            let info = Info::parse(list.as_bytes()).unwrap();
            assert_eq!(info.get(b"ICMS"), Some("odd"));
            assert_eq!(
                info.created().unwrap().instant().unwrap().to_string(),
                "2018-04-26T18:26:19Z"
            );
        }
    }

    #[test]
    fn sizes_in_rifx_are_big_endian() {
        let info = Info::parse(b"INFOIART\0\0\0\x03fen\0ICMT\0\0\0\x05reeds\0").unwrap();
        let texts: Vec<_> = info.texts().iter().map(|text| text.text.as_str()).collect();
        assert_eq!(texts, ["fen", "reeds"]);
    }

    #[test]
    fn a_text_that_is_cut_off_is_kept() {
        let info = Info::parse(&AUDIOMOTH[..59]).unwrap();
        assert_eq!(info.texts().len(), 2);
        assert_eq!(info.get(b"ICMT"), Some("Recorded at"));
        assert_eq!(Info::parse(b"INFOICMT\xff\xff\xff\xffx\xe4").unwrap().get(b"ICMT"), Some("xä"));
        assert_eq!(Info::parse(b"INFOICM").unwrap().texts(), []);
    }

    #[test]
    fn other_lists_are_errors() {
        let error = Info::parse(b"adtlnote").unwrap_err();
        assert_eq!(error.to_string(), "expected a \"LIST\" chunk of type \"INFO\", found \"adtl\"");
        assert_eq!(Info::parse(b"").unwrap_err(), Reason::NotInfo { found: vec![] }.into());
    }
}
