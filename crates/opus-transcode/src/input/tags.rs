//! Tags of a file in the form of Vorbis comments.

use symphonia::core::meta::{
    MetadataRevision, RawValue, StandardTag, Tag as RawTag, well_known::*,
};

/// A name and a value, in the form of a Vorbis comment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tag {
    /// The name: in capitals if Vorbis comments have one, else unchanged from the file.
    pub name: String,
    /// The value.
    pub value: String,
}

/// All text tags of a file, and its number of pictures.
#[derive(Default)]
pub(crate) struct Tags {
    pub(crate) tags: Vec<Tag>,
    pub(crate) pictures: usize,
}

impl Tags {
    /// Adds the tags in a revision about the file and one of its tracks.
    pub(crate) fn add(&mut self, revision: &MetadataRevision, track: u64) {
        let of_track = revision.per_track.iter().filter(|one| one.track_id == track);
        let is_vorbis =
            matches!(revision.info.metadata, METADATA_ID_VORBIS_COMMENT | METADATA_ID_FLAC);
        for container in [&revision.media].into_iter().chain(of_track.map(|one| &one.metadata)) {
            self.pictures += container.visuals.len();
            for tag in container.tags.iter().filter_map(|tag| comment(tag, is_vorbis)) {
                // A file may repeat its tags, as in ID3v1 and ID3v2.
                if self.tags.len() < MAX_TAGS && !self.tags.contains(&tag) {
                    self.tags.push(tag);
                }
            }
        }
    }
}

/// Bounds the search for repeated tags.
const MAX_TAGS: usize = 4096;

/// Returns a tag as a comment; `None` if it is not text.
fn comment(tag: &RawTag, is_vorbis: bool) -> Option<Tag> {
    if matches!(tag.raw.value, RawValue::Binary(_)) {
        return None;
    }
    let raw = || tag.raw.value.to_string();
    if is_vorbis {
        return Some(Tag { name: tag.raw.key.to_uppercase(), value: raw() });
    }
    let number = |name: &str, number: &u64| Tag { name: name.into(), value: number.to_string() };
    Some(match &tag.std {
        Some(StandardTag::TrackNumber(n)) => number("TRACKNUMBER", n),
        Some(StandardTag::TrackTotal(n)) => number("TRACKTOTAL", n),
        Some(StandardTag::DiscNumber(n)) => number("DISCNUMBER", n),
        Some(StandardTag::DiscTotal(n)) => number("DISCTOTAL", n),
        Some(std) => Tag {
            name: vorbis_name(std).map_or_else(|| tag.raw.key.clone(), Into::into),
            value: raw(),
        },
        None => Tag { name: tag.raw.key.clone(), value: raw() },
    })
}

/// Returns the name that Xiph recommends, or the one that players agree on.
fn vorbis_name(tag: &StandardTag) -> Option<&'static str> {
    Some(match tag {
        StandardTag::Album(_) => "ALBUM",
        StandardTag::AlbumArtist(_) => "ALBUMARTIST",
        StandardTag::Artist(_) => "ARTIST",
        StandardTag::Bpm(_) => "BPM",
        StandardTag::Comment(_) => "COMMENT",
        StandardTag::CompilationFlag(_) => "COMPILATION",
        StandardTag::Composer(_) => "COMPOSER",
        StandardTag::Conductor(_) => "CONDUCTOR",
        StandardTag::Copyright(_) => "COPYRIGHT",
        StandardTag::Description(_) => "DESCRIPTION",
        StandardTag::EncodedBy(_) => "ENCODED-BY",
        StandardTag::Encoder(_) => "ENCODER",
        StandardTag::Genre(_) => "GENRE",
        StandardTag::Grouping(_) => "GROUPING",
        StandardTag::IdentIsrc(_) => "ISRC",
        StandardTag::Label(_) => "ORGANIZATION",
        StandardTag::Language(_) => "LANGUAGE",
        StandardTag::License(_) => "LICENSE",
        StandardTag::Lyricist(_) => "LYRICIST",
        StandardTag::Lyrics(_) => "LYRICS",
        StandardTag::Performer(_) => "PERFORMER",
        StandardTag::RecordingDate(_)
        | StandardTag::RecordingYear(_)
        | StandardTag::ReleaseDate(_)
        | StandardTag::ReleaseYear(_) => "DATE",
        StandardTag::RecordingLocation(_) => "LOCATION",
        StandardTag::TrackTitle(_) => "TITLE",
        StandardTag::TrackSubtitle(_) => "SUBTITLE",
        StandardTag::Url(_) => "CONTACT",
        StandardTag::Version(_) => "VERSION",
        _ => return None,
    })
}
