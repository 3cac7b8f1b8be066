use std::{num::NonZeroU32, time::Duration};

use opus_packet::{
    ChannelMapping, ExtensionIds, InvalidHead, OpusHead, OpusTags, SAMPLE_RATE, Timeline,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    ClockCorrection, Source, Start, StoredBlob, StoredIndex,
    hasher::to_hex,
    layout::{ArrayKind, BLOB_CHUNK, LAYOUT, SYNC_RULE, blob_array, index_array, sync_array},
    writer::Description,
};

/// The attributes of a recording's group under `opus_zarr`. Lengths in samples are per channel
/// at 48 kHz.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordingInfo {
    pub(crate) layout: u64,
    /// How often the attributes have changed since the import.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generation: u64,
    /// Channels of the decoded audio.
    pub channels: u8,
    /// Channel mapping family (RFC 7845 section 5.1.1).
    pub mapping_family: u8,
    /// The channel mapping table that follows the family in OpusHead, in hexadecimal; `None` for
    /// family 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_mapping: Option<String>,
    /// Samples at the start that do not play.
    pub pre_skip: u16,
    /// Gain in dB as signed Q7.8, which the decoder applies.
    pub output_gain: i16,
    /// Sample rate of the audio before encoding in Hz; 0 if unknown.
    pub input_sample_rate: u32,
    /// Samples that play, in which ranges are counted.
    pub play_length: u64,
    /// Samples in all packets.
    pub coded_length: u64,
    /// Number of Opus packets.
    pub packet_count: u64,
    /// Length of the blob, an Ogg Opus stream, in bytes.
    pub blob_bytes: u64,
    /// SHA-256 of the blob, in hexadecimal.
    pub blob_sha256: String,
    #[serde(with = "hex")]
    pub(crate) blob_checksums: Vec<u32>,
    pub(crate) index_checkpoints: Vec<u64>,
    pub(crate) index_ranges: Vec<(u64, u64)>,
    #[serde(with = "hex")]
    pub(crate) index_checksums: Vec<u32>,
    /// The sync map, if the recording has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<SyncInfo>,
    /// Where audio was lost in the source. Its packets ask the decoder to conceal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// Extensions in the packets, such as an Opus HD layer, as far as the import found out. The
    /// packets hold them unchanged, but libopus 1.3 does not decode them.
    #[serde(default, skip_serializing_if = "ExtensionIds::is_empty", with = "extensions")]
    pub extensions: ExtensionIds,
    /// Play samples per second of real time. 48,000, except for time-expanded recordings and for
    /// ultrasound stored as if it had been sampled at 48 kHz.
    #[serde(default = "opus_rate", skip_serializing_if = "is_opus_rate")]
    pub real_rate: NonZeroU32,
    /// When the recording began, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// How the recorder's clock was corrected, if it was. [`start`](Self::start) is what holds now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockCorrection>,
    /// The file the recording was imported from.
    pub source: Source,
    /// A readable copy of the comment header. The blob holds the original.
    pub tags: Tags,
    /// User metadata, which this crate does not interpret.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub user: Map<String, Value>,
    /// Attributes unknown to this version, preserved unchanged.
    #[serde(flatten)]
    pub(crate) other: Map<String, Value>,
}

/// The attributes of a sync map, which tells where to begin decoding so that samples are exact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SyncInfo {
    /// The decoder with which it was measured, or [`SyncInfo::ANY_DECODER`].
    pub decoder: String,
    /// Number of starts, one every 0.4 seconds.
    pub entries: u64,
    /// The rule by which a start counts as exact. Maps measured by another rule than
    /// [`SyncInfo::RULE`] are not used.
    #[serde(default = "first_rule", skip_serializing_if = "is_first_rule")]
    pub rule: u64,
    #[serde(with = "hex")]
    pub(crate) checksums: Vec<u32>,
}

/// Lost audio, concealed so that later audio keeps its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Gap {
    /// Coded position of the first lost sample.
    pub position: u64,
    /// Number of lost samples, per channel at 48 kHz.
    pub samples: u64,
    /// Whether the length is inferred because the source does not state it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_inferred: bool,
}

impl SyncInfo {
    /// The rule by which this version measures sync maps. It is derived from what a decoder
    /// remembers, where rule 1 only looked at its output.
    pub const RULE: u64 = SYNC_RULE;

    /// Stands for the decoder of a map that follows from the packets alone.
    pub const ANY_DECODER: &str = "any";

    /// Whether the map was measured by the rule of this version.
    pub fn is_current(&self) -> bool {
        self.rule == Self::RULE
    }
}

/// Documents of the first rule do not state it.
fn first_rule() -> u64 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde requires it")]
fn is_first_rule(rule: &u64) -> bool {
    *rule == first_rule()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde requires it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn opus_rate() -> NonZeroU32 {
    const { NonZeroU32::new(SAMPLE_RATE).expect("48,000 is not 0") }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde requires it")]
fn is_opus_rate(rate: &NonZeroU32) -> bool {
    rate.get() == SAMPLE_RATE
}

impl Gap {
    /// Creates a gap of `samples` lost samples at coded sample `position`.
    pub fn new(position: u64, samples: u64) -> Self {
        Self { position, samples, is_inferred: false }
    }

    /// Sets whether the length is inferred.
    #[must_use]
    pub fn inferred(self, is_inferred: bool) -> Self {
        Self { is_inferred, ..self }
    }
}

/// A readable copy of the comment header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tags {
    /// The library that encoded the audio.
    pub vendor: String,
    /// Comments in the form `NAME=value`.
    pub comments: Vec<String>,
    /// Number of comments too long to be copied here, such as pictures.
    pub omitted: u64,
}

impl Tags {
    /// Copies a comment header.
    pub fn of(tags: &OpusTags) -> Self {
        let (short, long): (Vec<_>, Vec<_>) =
            tags.comments().partition(|comment| comment.len() <= MAX_COMMENT);
        Self {
            vendor: tags.vendor().into_owned(),
            comments: short.into_iter().map(std::borrow::Cow::into_owned).collect(),
            omitted: u64::try_from(long.len()).unwrap_or(u64::MAX),
        }
    }
}

impl RecordingInfo {
    pub(crate) fn new(
        description: Description,
        blob: &StoredBlob,
        index: &StoredIndex,
        sync: Option<&SyncInfo>,
    ) -> Self {
        let Description { head, tags, timeline, gaps, extensions, real_rate, start, source, user } =
            description;
        let mut info = Self {
            layout: LAYOUT,
            generation: 0,
            channels: head.channels(),
            mapping_family: head.mapping().family(),
            channel_mapping: (head.mapping().family() != 0)
                .then(|| to_hex(&head.mapping().to_bytes())),
            pre_skip: head.pre_skip(),
            output_gain: head.output_gain(),
            input_sample_rate: head.input_sample_rate(),
            play_length: timeline.play_length(),
            coded_length: timeline.coded_length(),
            packet_count: 0,
            blob_bytes: 0,
            blob_sha256: String::new(),
            blob_checksums: Vec::new(),
            index_checkpoints: Vec::new(),
            index_ranges: Vec::new(),
            index_checksums: Vec::new(),
            sync: None,
            gaps,
            extensions,
            real_rate: real_rate.unwrap_or_else(opus_rate),
            start,
            clock: None,
            source,
            tags: Tags::of(&tags),
            user,
            other: Map::new(),
        };
        info.set_parts(blob, index, sync);
        info
    }

    /// Sets the attributes of the arrays.
    pub(crate) fn set_parts(
        &mut self,
        blob: &StoredBlob,
        index: &StoredIndex,
        sync: Option<&SyncInfo>,
    ) {
        self.sync = sync.cloned();
        self.blob_bytes = blob.len();
        self.blob_sha256.clone_from(&blob.sha256);
        self.blob_checksums = blob.blob.checksums().to_vec();
        self.set_index(index);
    }

    /// Sets the attributes of the index.
    pub(crate) fn set_index(&mut self, index: &StoredIndex) {
        self.packet_count = index.packets;
        self.index_checkpoints.clone_from(&index.checkpoints);
        self.index_ranges.clone_from(&index.ranges);
        self.index_checksums.clone_from(&index.checksums);
    }

    /// Takes over the corrected clock of the recording that this one replaces, if both began alike: a
    /// correction of another start would be wrong.
    pub(crate) fn take_clock_of(&mut self, other: &Self) {
        let is_same = match (&self.start, other.recorded_start()) {
            (Some(start), Some(recorded)) => start.is_same(recorded),
            (start, recorded) => start.is_none() && recorded.is_none(),
        };
        if let Some(clock) = other.clock.clone()
            && (is_same || self.source.sha256 == other.source.sha256)
        {
            let start = self.start.take();
            self.start =
                if other.is_clock_corrected() { other.start.clone() } else { start.clone() };
            self.clock = Some(ClockCorrection { recorded: start, ..clock });
        }
    }

    /// The arrays of the recording and their documents.
    pub(crate) fn arrays(&self) -> Vec<(ArrayKind, Value)> {
        let blob = (ArrayKind::Blob, blob_array(self.blob_bytes));
        let index = (ArrayKind::Index, index_array(self.packet_count));
        let sync = self.sync.as_ref().and_then(|sync| sync_array(sync.entries, sync.rule));
        let sync = sync.map(|document| (ArrayKind::Sync, document));
        [blob, index].into_iter().chain(sync).collect()
    }

    /// The play length as a duration of played audio.
    pub fn duration(&self) -> Duration {
        let rate = u64::from(SAMPLE_RATE);
        let nanos = self.play_length % rate * 1_000_000_000 / rate;
        Duration::from_secs(self.play_length / rate) + Duration::from_nanos(nanos)
    }

    /// The start that the import found, whatever was corrected since.
    pub fn recorded_start(&self) -> Option<&Start> {
        match &self.clock {
            Some(clock) => clock.recorded.as_ref(),
            None => self.start.as_ref(),
        }
    }

    /// By how much the recording took longer than [`real_rate`](Self::real_rate) says, in parts per
    /// trillion.
    pub fn drift_ppt(&self) -> i64 {
        self.clock.as_ref().map_or(0, |clock| clock.drift_ppt)
    }

    /// Whether the clock is corrected now. It is not if all corrections were undone.
    pub fn is_clock_corrected(&self) -> bool {
        self.drift_ppt() != 0 || self.recorded_start() != self.start.as_ref()
    }

    /// The checksums of the blob's chunks.
    pub(crate) fn checksums(&self) -> Result<Vec<u32>, String> {
        let (found, expected) = (self.blob_checksums.len(), self.blob_bytes.div_ceil(BLOB_CHUNK));
        if u64::try_from(found) != Ok(expected) {
            return Err(format!("blob_checksums of {found} chunks, expected {expected}"));
        }
        Ok(self.blob_checksums.clone())
    }

    /// The head of the stream.
    pub(crate) fn head(&self) -> Result<OpusHead, String> {
        let message = |error: InvalidHead| error.to_string();
        let bytes = from_hex(self.channel_mapping.as_deref().unwrap_or_default())
            .ok_or("channel_mapping is not hexadecimal")?;
        let mapping =
            ChannelMapping::parse(self.mapping_family, self.channels, &bytes).map_err(message)?;
        if mapping.table_len() != bytes.len() {
            return Err(format!(
                "channel_mapping of {} bytes, expected {}",
                bytes.len(),
                mapping.table_len()
            ));
        }
        let head = OpusHead::new(1, self.pre_skip, self.input_sample_rate).map_err(message)?;
        Ok(head.with_mapping(mapping).with_output_gain(self.output_gain))
    }

    /// The timeline, which tells which samples play.
    pub(crate) fn timeline(&self) -> Result<Timeline, String> {
        let end_trim = self
            .coded_length
            .checked_sub(self.play_length)
            .and_then(|rest| rest.checked_sub(u64::from(self.pre_skip)))
            .ok_or("play_length and pre_skip exceed coded_length")?;
        Timeline::new(self.pre_skip, self.coded_length, end_trim).map_err(|error| error.to_string())
    }
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let parse = |two: &[u8]| {
        let two = str::from_utf8(two).ok().filter(|two| two.len() == 2)?;
        u8::from_str_radix(two, 16).ok()
    };
    digits.as_bytes().chunks(2).map(parse).collect()
}

/// Checksums as one string, eight hexadecimal digits each.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(sums: &[u32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&sums.iter().map(|sum| format!("{sum:08x}")).collect::<String>())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u32>, D::Error> {
        let digits = String::deserialize(from)?;
        let parse = |eight: &[u8]| {
            let sum = str::from_utf8(eight).ok().filter(|eight| eight.len() == 8);
            sum.and_then(|eight| u32::from_str_radix(eight, 16).ok())
        };
        let sums: Option<Vec<u32>> = digits.as_bytes().chunks(8).map(parse).collect();
        sums.ok_or_else(|| D::Error::custom("expected eight hexadecimal digits per chunk"))
    }
}

/// Extensions as a list of their numbers.
mod extensions {
    use opus_packet::ExtensionIds;
    use serde::{Deserialize, Deserializer, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde requires it")]
    pub(super) fn serialize<S: Serializer>(ids: &ExtensionIds, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(ids.iter())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<ExtensionIds, D::Error> {
        Vec::<u8>::deserialize(from).map(ExtensionIds::from_iter)
    }
}

/// The most bytes of a copied comment, to keep opening fast.
const MAX_COMMENT: usize = 4096;
