//! When and how a source was recorded.

mod found;

use std::num::NonZeroU32;

use opus_transcode::{AudioFormat, MetadataChunk};
use opus_zarr_store::{Certainty as StoredCertainty, MetadataContent, SourceMetadata, Start};
use recorder_metadata::{Certainty, Finding, Source, StartTime, Zone};

use crate::ImportOptions;
use found::Found;

/// The metadata of a source.
pub(crate) struct Origin {
    pub(crate) start: Option<Start>,
    /// The factor by which the source plays slower than the sound was.
    pub(crate) time_expansion: NonZeroU32,
    /// The tags in chunks, as Vorbis comments.
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) metadata: Vec<SourceMetadata>,
    pub(crate) findings: Vec<String>,
    /// Whether AudioMoth kept only sound that met a condition.
    pub(crate) is_triggered: bool,
}

impl Origin {
    /// Reads the chunks, tags and name of a file with such samples. The name does not date a stream
    /// that begins after the file does.
    pub(crate) fn of<'a>(
        chunks: &[MetadataChunk],
        tags: impl Iterator<Item = (&'a str, &'a str)>,
        file_name: &str,
        begins_with_file: bool,
        samples: Samples,
        options: &ImportOptions,
    ) -> Self {
        let mut found = Found { samples, ..Found::default() };
        chunks.iter().for_each(|chunk| found.read_chunk(chunk));
        tags.for_each(|(name, value)| found.read_tag(name, value));
        found.read_name(file_name, options);
        if !begins_with_file {
            found.drop_name_time();
        }
        found
            .times
            .retain(|(source, _)| options.start_from.is_none_or(|only| is_of(*source, only)));
        let (start, findings) = StartTime::choose(&found.times, options.zone.as_ref()).unzip();
        let findings = findings.into_iter().flatten();
        let by_name = start.filter(|start| start.source == Source::FileName);
        let ambiguous = by_name
            .zip(found.other_name_time)
            .map(|(start, other)| Finding::Ambiguous { clock: start.clock, other: other.clock });
        let of_start: Vec<_> = findings.chain(ambiguous).map(|it| it.to_string()).collect();
        found.findings.extend(of_start.iter().cloned());
        let zone = options.zone.as_ref();
        Self {
            start: start.map(|start| stored_start(start, zone).findings(of_start)),
            time_expansion: found.time_expansion.unwrap_or(NonZeroU32::MIN),
            tags: found.tags,
            metadata: chunks.iter().map(stored_chunk).collect(),
            findings: found.findings,
            is_triggered: found.is_triggered,
        }
    }
}

/// Whether a source counts as the requested one. A file name counts in either form.
fn is_of(source: Source, only: Source) -> bool {
    source == only || (source, only) == (Source::HexFileName, Source::FileName)
}

/// What chunks about samples refer to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Samples {
    rate: u32,
    channels: u16,
    frame_bytes: Option<u32>,
}

impl Samples {
    pub(crate) fn of_rate(rate: u32) -> Self {
        Self { rate, ..Self::default() }
    }

    pub(crate) fn of(format: &AudioFormat) -> Self {
        let channels = u16::try_from(format.channels).unwrap_or(u16::MAX);
        Self { rate: format.rate, channels, frame_bytes: format.frame_bytes }
    }
}

fn stored_start(start: StartTime, zone: Option<&Zone>) -> Start {
    let (certainty, zone) = match start.certainty {
        Certainty::Certain { .. } => (StoredCertainty::Certain, None),
        Certainty::ZoneAssumed { .. } => (StoredCertainty::ZoneAssumed, zone),
        Certainty::LocalOnly => (StoredCertainty::LocalOnly, None),
    };
    Start::new(start.clock.to_string(), start.source.name(), certainty)
        .utc(start.instant().map(|instant| instant.to_string()))
        .zone(zone.map(ToString::to_string))
}

/// Returns the bytes of a chunk unless they are too many for the attributes, which every open
/// reads. Recorders write a few kilobytes; pictures are larger.
fn kept(chunk: &MetadataChunk) -> Option<&Vec<u8>> {
    chunk.bytes.as_ref().filter(|bytes| bytes.len() <= MAX_KEPT)
}

/// Converts a chunk: to text if possible, or else to hexadecimal.
fn stored_chunk(chunk: &MetadataChunk) -> SourceMetadata {
    let content = match kept(chunk) {
        None => MetadataContent::Omitted(chunk.len),
        Some(bytes) => match str::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => MetadataContent::Text(text.to_owned()),
            _ => MetadataContent::Hex(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        },
    };
    SourceMetadata::new(chunk.id.clone(), chunk.offset, content)
}

/// The largest chunk kept, in bytes.
const MAX_KEPT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tag: &str, value: &str, name: &str) -> Origin {
        let options = ImportOptions::default();
        Origin::of(&[], [(tag, value)].into_iter(), name, true, Samples::default(), &options)
    }

    fn findings(tag: &str, value: &str) -> Vec<String> {
        of(tag, value, "a.flac").findings
    }

    #[test]
    fn another_source_says_which_time_a_name_means() {
        for (name, date, clock, is_ambiguous) in [
            ("site_110613_094500.opus", "2011-06-13T09:45:00", "2011-06-13T09:45:00", false),
            ("site_110613_094500.opus", "2013-06-11T09:45:00", "2013-06-11T09:45:00", false),
            ("site_110613_094500.opus", "2013-06-11T23:45:00", "2013-06-11T09:45:00", false),
            ("site_110613_094500.opus", "2013-06-12T09:45:01", "2011-06-13T09:45:00", true),
            ("site_110613_094500.opus", "2013-06-11", "2011-06-13T09:45:00", true),
            ("05-06-2020_041500.opus", "2020-05-06T04:15:00", "2020-05-06T04:15:00", false),
            ("05-06-2020_041500.opus", "2020-06-05T04:15:00", "2020-06-05T04:15:00", false),
        ] {
            let origin = of("DATE", date, name);
            let start = origin.start.unwrap();
            assert_eq!((&*start.local, &*start.source), (clock, "file name"), "{name}, {date}");
            let text = origin.findings.concat();
            assert_eq!(text.contains("may mean"), is_ambiguous, "{name}, {date}: {text}");
        }
    }

    #[test]
    fn the_name_does_not_date_a_stream_that_begins_later() {
        let options = ImportOptions::default();
        for name in ["20200512_041500.opus", "5B6A9C40.opus", "a.opus"] {
            for (date, source) in [("2021-05-12T04:15:00Z", Some("tag")), ("2021", None)] {
                let tags = [("DATE", date)].into_iter();
                let origin = Origin::of(&[], tags, name, false, Samples::default(), &options);
                assert_eq!(origin.start.map(|start| start.source).as_deref(), source, "{name}");
                let text = origin.findings.concat();
                assert_eq!(text.contains("was not used, because"), name != "a.opus", "{text}");
            }
        }
    }

    #[test]
    fn a_clock_that_was_not_set_states_no_start() {
        for (name, tag, value) in [
            ("19700101_000005T.WAV", "TITLE", ""),
            ("19040101_120000.WAV", "TITLE", ""),
            ("700101_000005.WAV", "DATE", "1970-01-01T00:00:00Z"),
            ("a", "COMMENT", "Recorded at 19:00:05 31/12/1969 (UTC-5) by AudioMoth 24"),
        ] {
            let origin = of(tag, value, name);
            assert_eq!(origin.start, None, "{name}, {value}");
            let text = origin.findings.concat();
            assert!(text.contains(" is not a time that can be used"), "{name}, {value}: {text}");
        }
        let origin = of("DATE", "2020-05-12T04:15:00Z", "19700101_000005T.WAV");
        assert_eq!(origin.start.unwrap().source, "tag");
    }

    #[test]
    fn dates_without_a_time_of_day_are_no_findings() {
        for date in [
            "",
            "2019",
            "2019-05",
            "2019-05-12",
            "2019/05/12",
            "2019:05:12",
            "12.05.2019",
            "20190512",
            "May 12, 2019",
            "1969, remastered 2019",
            "2019-05-12T04", // to the hour, as ID3 allows
            "0000-00-00 00:00:00",
            "Live: 2019",
            "THE 2019 TOUR",
            "2019-05-12T04:15:00Z",
        ] {
            assert_eq!(findings("DATE", date), Vec::<String>::new(), "{date}");
        }
    }

    #[test]
    fn dates_with_a_time_of_day_that_cannot_be_read_are_findings() {
        for date in [
            "2019-02-30T04:15:00",
            "2019-05-12 25:15",
            "2019-05-12T04:15:00 local",
            "12/05/2019 4:15 PM",
            "Sun May 12 04:15:00 2019",
            "04:15:00",
            "20190230T041500",
        ] {
            let expected = format!("the time {date:?} in tag is not a time that can be used");
            assert_eq!(findings("DATE", date), [expected]);
        }
    }

    #[test]
    fn audiomoth_comments_whose_time_cannot_be_read_are_findings() {
        let good = "Recorded at 19:30:00 12/11/2021 (UTC) by AudioMoth 248D9B045EC9EE79";
        for (at, with) in
            [("12/11", "31/11"), ("12/11", "11/13"), ("19:30", "24:30"), ("/2021", "")]
        {
            for tag in ["COMMENT", "DESCRIPTION"] {
                let found = findings(tag, &good.replace(at, with));
                let start = "the time \"Recorded at ";
                assert!(found.len() == 1 && found[0].starts_with(start), "{with}: {found:?}");
                assert!(found[0].len() < 150, "{found:?}");
            }
        }
        for other in [good, "", "Recorded at 5 am by Ann", "Recorded at dawn", "12:30 in the woods"]
        {
            assert_eq!(findings("COMMENT", other), Vec::<String>::new(), "{other}");
        }
    }
}
