use crate::{ClockReading, bext, text::decode_all};

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
        Self { text: decode_all(chunk).trim_end_matches(crate::text::is_padding).to_owned() }
    }

    /// Returns `BWF_ORIGINATION_DATE` and `BWF_ORIGINATION_TIME`, if both are in the plain form that
    /// recorders write, without attributes.
    pub fn start(&self) -> Option<ClockReading> {
        let date = bext::parse_date(self.element("BWF_ORIGINATION_DATE")?);
        let date = date.filter(|date| bext::is_set(*date))?;
        let time = bext::parse_time(self.element("BWF_ORIGINATION_TIME")?)?;
        Some(ClockReading { clock: date.to_datetime(time), offset: None })
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
    }

    #[test]
    fn other_documents_have_no_start() {
        for text in [
            "<BWFXML><NOTE>Comments here!</NOTE></BWFXML>",
            "<BWF_ORIGINATION_DATE>1904-01-01</BWF_ORIGINATION_DATE><BWF_ORIGINATION_TIME>03:27:17</BWF_ORIGINATION_TIME>",
            "<BWF_ORIGINATION_DATE/><BWF_ORIGINATION_TIME/>",
            "<BWF_ORIGINATION_DATE>2003-10-30</BWF_ORIGINATION_DATE>",
            // One recorder writes this.
            "<BWF_ORIGINATION_DATE>2087-05-1119:09:10</BWF_ORIGINATION_DATE><BWF_ORIGINATION_TIME>19:09:10</BWF_ORIGINATION_TIME>",
            "<BWF_ORIGINATION_DATE>2003-10-32</BWF_ORIGINATION_DATE><BWF_ORIGINATION_TIME>03:27:17</BWF_ORIGINATION_TIME>",
        ] {
            assert_eq!(start(text), None, "{text}");
        }
    }

    #[test]
    fn the_document_is_kept_without_its_padding() {
        let ixml = Ixml::parse(b"<?xml version=\"1.0\"?>\n<BWFXML/>  \0\0");
        assert_eq!(ixml.text, "<?xml version=\"1.0\"?>\n<BWFXML/>");
    }
}
