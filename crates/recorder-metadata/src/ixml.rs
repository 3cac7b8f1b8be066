use crate::{
    ClockReading, bext,
    text::{decode_all, is_padding},
};

/// An `iXML` chunk, kept unchanged. Only the start of the recording is parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ixml {
    /// The document, without the padding after it.
    pub text: String,
}

impl Ixml {
    /// Parses the contents of a chunk.
    pub fn parse(chunk: &[u8]) -> Self {
        Self { text: decode_all(chunk).trim_end_matches(is_padding).to_owned() }
    }

    /// Returns `BWF_ORIGINATION_DATE` and `BWF_ORIGINATION_TIME`, if both are in the plain form that
    /// recorders write, without attributes.
    pub fn start(&self) -> Option<ClockReading> {
        let (date, time) = self.date_and_time()?;
        // One recorder writes the time after the date as well.
        let date = bext::parse_date(date.strip_suffix(time).unwrap_or(date));
        let date = date.filter(|date| bext::is_set(*date))?;
        Some(ClockReading { clock: date.to_datetime(bext::parse_time(time)?), offset: None })
    }

    /// Returns the elements that hold nothing but text, in order: name and text, as written.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        // A start tag and its text are followed by an end tag.
        let pieces = self.text.split('<');
        pieces.clone().zip(pieces.skip(1)).filter_map(|(piece, next)| {
            let (name, text) = piece.split_once('>')?;
            let (end, _) = next.strip_prefix('/')?.split_once('>')?;
            let text = text.trim_matches(is_padding);
            (name == end && !text.is_empty()).then_some((name, text))
        })
    }

    /// Returns the date and time that the document states, as written, even if they cannot be read.
    pub fn stated_start(&self) -> Option<String> {
        self.date_and_time().map(|(date, time)| format!("{date} {time}"))
    }

    fn date_and_time(&self) -> Option<(&str, &str)> {
        let text = |name| self.element(name).map(|found| found.trim_matches(is_padding));
        let filled = |name| text(name).filter(|found| !found.is_empty());
        Some((filled("BWF_ORIGINATION_DATE")?, filled("BWF_ORIGINATION_TIME")?))
    }

    fn element(&self, name: &str) -> Option<&str> {
        let (_, contents) = self.text.split_once(&format!("<{name}>"))?;
        contents.split_once(&format!("</{name}>")).map(|(contents, _)| contents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(text: &str) -> Option<String> {
        Ixml::parse(text.as_bytes()).start().map(|start| start.clock.to_string())
    }

    #[test]
    fn the_start_is_read_from_a_recorders_document() {
        // From the example in the iXML specification.
        let bext = "<BWFXML><BEXT>\n\t<BWF_ORIGINATOR>METACORDER</BWF_ORIGINATOR>\n\t<BWF_ORIGINATION_DATE>2003-10-30</BWF_ORIGINATION_DATE>\n\t<BWF_ORIGINATION_TIME>03:27:17</BWF_ORIGINATION_TIME>\n</BEXT></BWFXML>";
        assert_eq!(start(bext).as_deref(), Some("2003-10-30T03:27:17"));
        // One recorder repeats the time.
        let both = "<BWF_ORIGINATION_DATE>2087-05-1119:09:10</BWF_ORIGINATION_DATE><BWF_ORIGINATION_TIME>19:09:10</BWF_ORIGINATION_TIME>";
        assert_eq!(start(both).as_deref(), Some("2087-05-11T19:09:10"));
    }

    #[test]
    fn elements_with_text_are_fields() {
        let fields = |text: &str| {
            let ixml = Ixml::parse(text.as_bytes());
            let owned = |(name, text): (&str, &str)| format!("{name}={text}");
            ixml.fields().map(owned).collect::<Vec<_>>()
        };
        let text = "<?xml version=\"1.0\"?><A><B> x </B>\n<C/><D></D><E f=\"1\">y</E><F>z</F></A>";
        assert_eq!(fields(text), ["B=x", "F=z"]);
        for text in ["", "x", "<A>", "<A>x", "<A>x</B>", "</A>x<A>", "<<A>x</A", "<A>x</A"] {
            assert_eq!(fields(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn other_documents_have_no_start() {
        for text in [
            "<BWFXML><NOTE>Comments here!</NOTE></BWFXML>",
            "<BWF_ORIGINATION_DATE>1904-01-01</BWF_ORIGINATION_DATE><BWF_ORIGINATION_TIME>03:27:17</BWF_ORIGINATION_TIME>",
            "<BWF_ORIGINATION_DATE/><BWF_ORIGINATION_TIME/>",
            "<BWF_ORIGINATION_DATE>2003-10-30</BWF_ORIGINATION_DATE>",
            "<BWF_ORIGINATION_DATE>2087-05-1119:09:10</BWF_ORIGINATION_DATE><BWF_ORIGINATION_TIME>19:09:11</BWF_ORIGINATION_TIME>",
            "<BWF_ORIGINATION_DATE>2003-10-32</BWF_ORIGINATION_DATE><BWF_ORIGINATION_TIME>03:27:17</BWF_ORIGINATION_TIME>",
        ] {
            assert_eq!(start(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_that_cannot_be_read_is_stated_still() {
        let stated = |date: &str, time: &str| {
            let text = format!(
                "<BWF_ORIGINATION_DATE>{date}</BWF_ORIGINATION_DATE><BWF_ORIGINATION_TIME>{time}</BWF_ORIGINATION_TIME>"
            );
            Ixml::parse(text.as_bytes()).stated_start()
        };
        assert_eq!(stated("2003-10-32", " 03:27:17\n").as_deref(), Some("2003-10-32 03:27:17"));
        assert_eq!(stated("late", "noon").as_deref(), Some("late noon"));
        assert_eq!(stated("2003-10-30", " "), None);
        assert_eq!(stated("", "03:27:17"), None);
        assert_eq!(Ixml::parse(b"<BWF_ORIGINATION_DATE/>").stated_start(), None);
    }

    #[test]
    fn the_document_is_kept_without_its_padding() {
        let ixml = Ixml::parse(b"<?xml version=\"1.0\"?>\n<BWFXML/>  \0\0");
        assert_eq!(ixml.text, "<?xml version=\"1.0\"?>\n<BWFXML/>");
    }
}
