//! Comments in the form of OpusTags, from Info (RFC 9559 section 5.1.2) and Tags (section
//! 5.1.8).

use opus_packet::OpusTags;

use crate::webm::{
    ebml::{Element, text, unsigned},
    ids,
};

/// The comments before the first Cluster.
#[derive(Debug, Default)]
pub(crate) struct Comments {
    title: Option<String>,
    writing_app: Option<String>,
    muxing_app: Option<String>,
    /// Name, value and the UID of the described track.
    tags: Vec<(String, String, Option<u64>)>,
}

impl Comments {
    /// Reads an Info element.
    pub(crate) fn info(&mut self, info: Element<'_>) {
        for child in info.valid_children() {
            match child.id {
                ids::TITLE => self.title = Some(text(child.data)),
                ids::WRITING_APP => self.writing_app = Some(text(child.data)),
                ids::MUXING_APP => self.muxing_app = Some(text(child.data)),
                _ => {}
            }
        }
    }

    /// Reads a Tags element.
    pub(crate) fn tags(&mut self, tags: Element<'_>) {
        for tag in tags.valid_children().filter(|child| child.id == ids::TAG) {
            let targets = tag.valid_children().find(|child| child.id == ids::TARGETS);
            let uid = targets.and_then(|targets| {
                targets.valid_children().find(|child| child.id == ids::TAG_TRACK_UID)
            });
            // 0 means all tracks (section 5.1.8.1.1.3).
            let track = uid.and_then(|uid| unsigned(uid.data)).filter(|&uid| uid != 0);
            for simple in tag.valid_children().filter(|child| child.id == ids::SIMPLE_TAG) {
                self.simple_tag(simple, track);
            }
        }
    }

    fn simple_tag(&mut self, simple: Element<'_>, track: Option<u64>) {
        let field = |id| simple.valid_children().find(|child| child.id == id);
        let name = field(ids::TAG_NAME).map(|name| text(name.data)).unwrap_or_default();
        // RFC 7845 section 5.2: printable ASCII without '='.
        let is_name = name.bytes().all(|byte| matches!(byte, b' '..=b'}') && byte != b'=');
        if let (Some(value), true) = (field(ids::TAG_STRING), is_name && !name.is_empty()) {
            self.tags.push((name, text(value.data), track));
        }
    }

    /// The comments of the file and of one track.
    pub(crate) fn into_opus_tags(self, track: Option<u64>) -> OpusTags {
        let ours = |about: Option<u64>| about.is_none() || about == track;
        let mut comments: Vec<String> = self
            .tags
            .iter()
            .filter(|(_, _, about)| ours(*about))
            .map(|(name, value, _)| format!("{name}={value}"))
            .collect();
        let has_title = comments.iter().any(|comment| comment.starts_with("TITLE="));
        if let (Some(title), false) = (self.title, has_title) {
            comments.insert(0, format!("TITLE={title}"));
        }
        let vendor = self.writing_app.or(self.muxing_app).unwrap_or_default();
        OpusTags::new(&vendor, comments.iter().map(String::as_str))
    }
}
