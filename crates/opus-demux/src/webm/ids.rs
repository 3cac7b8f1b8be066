//! Element ids, with their marker bits: RFC 8794 section 11.3 and RFC 9559 section 5.

pub(crate) const EBML: u32 = 0x1a45_dfa3;
pub(crate) const DOC_TYPE: u32 = 0x4282;
pub(crate) const VOID: u32 = 0xec;
pub(crate) const CRC_32: u32 = 0xbf;

pub(crate) const SEGMENT: u32 = 0x1853_8067;
pub(crate) const SEEK_HEAD: u32 = 0x114d_9b74;
pub(crate) const INFO: u32 = 0x1549_a966;
pub(crate) const TRACKS: u32 = 0x1654_ae6b;
pub(crate) const CLUSTER: u32 = 0x1f43_b675;
pub(crate) const CUES: u32 = 0x1c53_bb6b;
pub(crate) const ATTACHMENTS: u32 = 0x1941_a469;
pub(crate) const CHAPTERS: u32 = 0x1043_a770;
pub(crate) const TAGS: u32 = 0x1254_c367;

pub(crate) const TIMESTAMP_SCALE: u32 = 0x002a_d7b1;
pub(crate) const TITLE: u32 = 0x7ba9;
pub(crate) const MUXING_APP: u32 = 0x4d80;
pub(crate) const WRITING_APP: u32 = 0x5741;

pub(crate) const TRACK_ENTRY: u32 = 0xae;
pub(crate) const TRACK_NUMBER: u32 = 0xd7;
pub(crate) const TRACK_UID: u32 = 0x73c5;
pub(crate) const TRACK_TYPE: u32 = 0x83;
pub(crate) const CODEC_ID: u32 = 0x86;
pub(crate) const CODEC_PRIVATE: u32 = 0x63a2;
pub(crate) const CODEC_DELAY: u32 = 0x56aa;
pub(crate) const AUDIO: u32 = 0xe1;
pub(crate) const CHANNELS: u32 = 0x9f;
pub(crate) const CONTENT_ENCODINGS: u32 = 0x6d80;
pub(crate) const CONTENT_ENCODING: u32 = 0x6240;
pub(crate) const CONTENT_COMPRESSION: u32 = 0x5034;
pub(crate) const CONTENT_COMP_ALGO: u32 = 0x4254;
pub(crate) const CONTENT_ENCRYPTION: u32 = 0x5035;
pub(crate) const CONTENT_ENC_ALGO: u32 = 0x47e1;

pub(crate) const TAG: u32 = 0x7373;
pub(crate) const TARGETS: u32 = 0x63c0;
pub(crate) const TAG_TRACK_UID: u32 = 0x63c5;
pub(crate) const SIMPLE_TAG: u32 = 0x67c8;
pub(crate) const TAG_NAME: u32 = 0x45a3;
pub(crate) const TAG_STRING: u32 = 0x4487;

pub(crate) const TIMESTAMP: u32 = 0xe7;
pub(crate) const SIMPLE_BLOCK: u32 = 0xa3;
pub(crate) const BLOCK_GROUP: u32 = 0xa0;
pub(crate) const BLOCK: u32 = 0xa1;
pub(crate) const DISCARD_PADDING: u32 = 0x75a2;
pub(crate) const POSITION: u32 = 0xa7;
pub(crate) const PREV_SIZE: u32 = 0xab;
pub(crate) const SILENT_TRACKS: u32 = 0x5854;
pub(crate) const ENCRYPTED_BLOCK: u32 = 0xaf;

/// Returns whether an element with this id cannot lie in a Cluster: a child of the Segment, or
/// the start of another Segment.
pub(crate) fn is_above_cluster(id: u32) -> bool {
    matches!(id, EBML | SEGMENT) || is_child_of_segment(id)
}

pub(crate) fn is_child_of_segment(id: u32) -> bool {
    matches!(id, SEEK_HEAD | INFO | TRACKS | CLUSTER | CUES | ATTACHMENTS | CHAPTERS | TAGS)
}

/// Returns whether an EBML header may hold this (RFC 8794 section 11.2).
pub(crate) fn is_child_of_ebml(id: u32) -> bool {
    matches!(id, 0x4282 | 0x4285..=0x4287 | 0x42f2 | 0x42f3 | 0x42f7 | CRC_32 | VOID)
}

/// Returns whether a Cluster may hold this element. Others are skipped in a Cluster as well, but
/// do not suggest that one goes on.
pub(crate) fn is_child_of_cluster(id: u32) -> bool {
    matches!(
        id,
        TIMESTAMP
            | SIMPLE_BLOCK
            | BLOCK_GROUP
            | POSITION
            | PREV_SIZE
            | SILENT_TRACKS
            | ENCRYPTED_BLOCK
            | VOID
            | CRC_32
    )
}

/// The name of an element in messages.
pub(crate) fn name(id: u32) -> &'static str {
    match id {
        EBML => "EBML header",
        SEGMENT => "Segment",
        INFO => "Info",
        TRACKS => "Tracks",
        TAGS => "Tags",
        CLUSTER => "Cluster",
        BLOCK_GROUP => "BlockGroup",
        BLOCK => "Block",
        SIMPLE_BLOCK => "SimpleBlock",
        TIMESTAMP => "Timestamp",
        TIMESTAMP_SCALE => "TimestampScale",
        DISCARD_PADDING => "DiscardPadding",
        CODEC_DELAY => "CodecDelay",
        TRACK_NUMBER => "TrackNumber",
        _ => "element",
    }
}
