//! When and how a source was recorded.

use std::num::NonZeroU32;

use opus_transcode::{AudioFormat, MetadataChunk};
use opus_zarr_store::{Certainty as StoredCertainty, MetadataContent, SourceMetadata, Start};
use recorder_metadata::{
    AudioMothComment, Bext, Certainty, ClockReading, Finding, Guano, Harp, Info, Ixml, Source,
    StartTime, Wamd, other_time_in_file_name, time_in_file_name,
};

use crate::ImportOptions;

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
    /// Reads the chunks, tags and name of a file with such samples.
    pub(crate) fn of<'a>(
        chunks: &[MetadataChunk],
        tags: impl Iterator<Item = (&'a str, &'a str)>,
        file_name: &str,
        samples: Samples,
        options: &ImportOptions,
    ) -> Self {
        let mut found = Found { samples, ..Found::default() };
        chunks.iter().for_each(|chunk| found.read_chunk(chunk));
        tags.for_each(|(name, value)| found.read_tag(name, value));
        found.read_name(file_name, options);
        found
            .times
            .retain(|(source, _)| options.start_from.is_none_or(|only| is_of(*source, only)));
        let (start, findings) = StartTime::choose(&found.times, options.zone.as_ref()).unzip();
        let ambiguous = start.and_then(|start| ambiguous(&start, file_name, options));
        let findings = findings.into_iter().flatten().chain(ambiguous);
        found.findings.extend(findings.map(|finding| finding.to_string()));
        Self {
            start: start.map(stored_start),
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

/// Returns a finding if the start comes from a name that can mean another time.
fn ambiguous(start: &StartTime, file_name: &str, options: &ImportOptions) -> Option<Finding> {
    if options.name_time.is_some() {
        return None;
    }
    let other = other_time_in_file_name(file_name).filter(|_| start.source == Source::FileName)?;
    Some(Finding::Ambiguous { clock: start.clock, other: other.clock })
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

#[derive(Default)]
struct Found {
    samples: Samples,
    times: Vec<(Source, ClockReading)>,
    time_expansion: Option<NonZeroU32>,
    tags: Vec<(String, String)>,
    findings: Vec<String>,
    is_triggered: bool,
}

impl Found {
    fn read_chunk(&mut self, chunk: &MetadataChunk) {
        if kept(chunk).is_none() {
            let (id, len) = (&chunk.id, chunk.len);
            self.findings.push(format!("chunk \"{id}\" is too large to keep ({len} bytes)"));
        }
        let Some(bytes) = &chunk.bytes else { return };
        match chunk.id.as_str() {
            "guan" => {
                let guano = Guano::parse(bytes);
                self.expand(guano.time_expansion());
                self.add_time(Source::Guano, guano.get("Timestamp"), guano.timestamp());
            }
            "wamd" => {
                let wamd = Wamd::parse(bytes);
                self.expand(wamd.time_expansion());
                self.add_time(Source::Wamd, wamd.text(0x05).as_deref(), wamd.timestamp());
            }
            "bext" => match Bext::parse(bytes) {
                Ok(bext) => {
                    let stated = format!("{} {}", bext.date, bext.time);
                    self.add_time(Source::Bext, Some(&stated), bext.start(self.samples.rate));
                }
                Err(error) => self.findings.push(format!("chunk \"bext\": {error}")),
            },
            "harp" => self.read_harp(bytes),
            "iXML" => {
                let ixml = Ixml::parse(bytes);
                self.add_time(Source::Ixml, ixml.stated_start().as_deref(), ixml.start());
            }
            "LIST" if bytes.starts_with(b"INFO") => self.read_info(bytes),
            _ => {}
        }
    }

    /// Reports what the samples do not show: gaps between the raw files, and their true rate.
    fn read_harp(&mut self, bytes: &[u8]) {
        let Samples { rate, channels, frame_bytes } = self.samples;
        let Some(harp) = Harp::parse(bytes, channels) else {
            return self
                .findings
                .push("chunk \"harp\": the table of raw files is invalid".to_owned());
        };
        let stated = harp.stated_start().map(|start| start.clock.to_string());
        self.add_time(Source::Harp, stated.as_deref(), harp.start());
        let found = harp.rate();
        if found != rate {
            self.findings.push(format!(
                "chunk \"harp\": the raw files were sampled at {found} Hz, but the file states {rate} Hz; used the latter"
            ));
        }
        let gaps = frame_bytes.map(|bytes| harp.gaps(bytes)).unwrap_or_default();
        if let Some(first) = gaps.first() {
            let seconds = |milliseconds: i64| {
                format!("{}.{:03}", milliseconds / 1000, milliseconds.abs() % 1000)
            };
            let total = seconds(gaps.iter().map(|gap| gap.milliseconds).sum());
            self.findings.push(format!(
                "chunk \"harp\": the recording is not continuous: {} gaps of {total} s in all between {} raw files, which positions do not count; the first, of {} s, is before sample {}",
                gaps.len(), harp.raw_files(), seconds(first.milliseconds), first.frame
            ));
        }
    }

    /// Adds the time of a source, or reports that it states one that cannot be used. Zeros state none.
    fn add_time(&mut self, source: Source, stated: Option<&str>, time: Option<ClockReading>) {
        if let Some(time) = time {
            return self.times.push((source, time));
        }
        let says_more = |found: char| found.is_alphanumeric() && found != '0';
        if let Some(stated) = stated.filter(|stated| stated.contains(says_more)) {
            let start: String = stated.chars().take(MAX_SHOWN).collect();
            let name = source.name();
            let finding = format!("the time {start:?} in {name} is not a time that can be used");
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }

    fn read_name(&mut self, name: &str, options: &ImportOptions) {
        let Some(pattern) = &options.name_time else {
            return self.times.extend(time_in_file_name(name));
        };
        match pattern.find(name) {
            Some(time) => self.times.push((Source::FileName, time)),
            None => self.findings.push(format!("the file name contains no time like {pattern}")),
        }
    }

    /// Keeps the larger factor, since a recorder that does not know it writes 1.
    fn expand(&mut self, factor: NonZeroU32) {
        self.time_expansion = self.time_expansion.max(Some(factor));
    }

    fn read_info(&mut self, bytes: &[u8]) {
        let info = match Info::parse(bytes) {
            Ok(info) => info,
            Err(error) => return self.findings.push(format!("chunk \"LIST\": {error}")),
        };
        for text in info.texts().iter().filter(|text| !text.text.is_empty()) {
            let name = vorbis_name(text.id);
            self.read_tag(&name, &text.text);
            self.tags.push((name, text.text.clone()));
        }
    }

    fn read_tag(&mut self, name: &str, value: &str) {
        match name {
            "COMMENT" | "DESCRIPTION" => {
                let comment = AudioMothComment::parse(value);
                self.is_triggered |= comment.as_ref().is_some_and(|it| it.trigger.is_some());
                let stated = Some(value).filter(|value| AudioMothComment::is_like(value));
                self.add_time(Source::AudioMothComment, stated, comment.map(|it| it.start));
            }
            // Music has dates without a time of day.
            "DATE" => {
                let stated = Some(value).filter(|value| has_time_of_day(value));
                self.add_time(Source::Tag, stated, ClockReading::parse(value));
            }
            _ => {}
        }
    }
}

/// Whether a text contains a time of day like `4:15` or, after a date, `T0415`, whatever the rest is.
fn has_time_of_day(text: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut words = text.split(|found: char| !found.is_ascii_digit() && found != ':');
    let has_colon = words.any(|word| {
        let hour = digits(word);
        let minute = word.get(hour..).and_then(|rest| rest.strip_prefix(':')).map_or(0, digits);
        (1..=2).contains(&hour) && minute > 0
    });
    let compact = text.split_once('T');
    let is_compact = |(date, time): (&str, &str)| {
        date.ends_with(|found: char| found.is_ascii_digit()) && digits(time) >= 4
    };
    has_colon || compact.is_some_and(is_compact)
}

/// Returns the name of the Vorbis comment for a text of a RIFF INFO chunk.
fn vorbis_name(id: [u8; 4]) -> String {
    match &id {
        b"IART" => "ARTIST".to_owned(),
        b"ICMT" => "COMMENT".to_owned(),
        b"ICOP" => "COPYRIGHT".to_owned(),
        b"ICRD" => "DATE".to_owned(),
        b"IGNR" => "GENRE".to_owned(),
        b"INAM" => "TITLE".to_owned(),
        b"IPRD" => "ALBUM".to_owned(),
        b"IPRT" | b"ITRK" => "TRACKNUMBER".to_owned(),
        b"ISBJ" => "DESCRIPTION".to_owned(),
        b"ISFT" => "SOFTWARE".to_owned(),
        b"ISRC" => "SOURCE".to_owned(),
        b"ITCH" => "ENCODED-BY".to_owned(),
        // The name of a comment holds ASCII without "=" (RFC 7845 section 5.2).
        other => other
            .iter()
            .map(|byte| match byte {
                b' '..=b'}' if *byte != b'=' => char::from(*byte),
                _ => '_',
            })
            .collect(),
    }
}

fn stored_start(start: StartTime) -> Start {
    let certainty = match start.certainty {
        Certainty::Certain { .. } => StoredCertainty::Certain,
        Certainty::ZoneAssumed { .. } => StoredCertainty::ZoneAssumed,
        Certainty::LocalOnly => StoredCertainty::LocalOnly,
    };
    Start::new(start.clock.to_string(), start.source.name(), certainty)
        .utc(start.instant().map(|instant| instant.to_string()))
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
/// How much of a time that cannot be read a finding shows, in characters.
const MAX_SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(tag: &str, value: &str) -> Vec<String> {
        Origin::of(
            &[],
            [(tag, value)].into_iter(),
            "a.flac",
            Samples::default(),
            &ImportOptions::default(),
        )
        .findings
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
