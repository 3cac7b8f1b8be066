use std::num::NonZeroU32;

use opus_transcode::MetadataChunk;
use recorder_metadata::{
    AudioMothComment, Bext, ClockReading, Guano, Harp, Info, Ixml, SignedDuration, Source, Wamd,
    other_time_in_file_name, time_in_file_name,
};

use super::{Samples, kept};
use crate::ImportOptions;

/// What the parts of a source state.
#[derive(Default)]
pub(super) struct Found {
    pub(super) samples: Samples,
    pub(super) times: Vec<(Source, ClockReading)>,
    /// What the file name can mean as well.
    pub(super) other_name_time: Option<ClockReading>,
    pub(super) time_expansion: Option<NonZeroU32>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) findings: Vec<String>,
    pub(super) is_triggered: bool,
}

impl Found {
    pub(super) fn read_chunk(&mut self, chunk: &MetadataChunk) {
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
        if let Some(time) = time.filter(ClockReading::is_set) {
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

    pub(super) fn read_name(&mut self, name: &str, options: &ImportOptions) {
        if let Some(pattern) = &options.name_time {
            let found = pattern.find(name);
            if found.is_none() {
                self.findings.push(format!("the file name contains no time like {pattern}"));
            }
            return self.add_name_time(Source::FileName, found);
        }
        let (source, first) = time_in_file_name(name).unzip();
        let source = source.unwrap_or(Source::FileName);
        let other = other_time_in_file_name(name);
        let [is_first, is_other] = [first, other].map(|time| self.is_confirmed(time));
        self.other_name_time = other.filter(|_| !is_first && !is_other);
        self.add_name_time(source, if is_other && !is_first { other } else { first });
    }

    /// Drops the time in the name, which is that of other streams.
    pub(super) fn drop_name_time(&mut self) {
        let count = self.times.len();
        self.times.retain(|(source, _)| !is_name(*source));
        if self.times.len() < count {
            let reason = "the stream begins after the file does";
            self.findings.push(format!("the time in the file name was not used, because {reason}"));
        }
    }

    fn add_name_time(&mut self, source: Source, time: Option<ClockReading>) {
        let stated = time.map(|time| time.clock.to_string());
        self.add_time(source, stated.as_deref(), time);
    }

    /// Whether another source says the same to within a day, more than clocks and zones differ.
    fn is_confirmed(&self, time: Option<ClockReading>) -> bool {
        let is_near = |(_, other): &(Source, ClockReading)| {
            time.is_some_and(|time| other.clock.duration_since(time.clock).abs() <= A_DAY)
        };
        self.times.iter().any(is_near)
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

    pub(super) fn read_tag(&mut self, name: &str, value: &str) {
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

fn is_name(source: Source) -> bool {
    matches!(source, Source::FileName | Source::HexFileName)
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

const A_DAY: SignedDuration = SignedDuration::from_hours(24);
/// How much of a time that cannot be read a finding shows, in characters.
const MAX_SHOWN: usize = 80;
