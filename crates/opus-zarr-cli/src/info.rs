use std::fmt;

use indicatif::HumanBytes;
use opus_zarr::{
    ClockChange, ExtensionIds, RecorderMetadata, Recording, SAMPLE_RATE, StoredAs, other_libopus,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    failure::Failure,
    output::{Line, Output},
    path::PathField,
    place::RecordingPlace,
    reads::{ExactBy, Reads},
    recorder::{Field as RecorderField, Recorder},
    several::{each_once, for_each},
    text::{Began, Clock, Drift, bits_per_second, one_line, seconds, why_not_exact},
};

/// Describe recordings: length, packets, source, start, recorder, tags, gaps
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(value_name = "STORE/NAME", required = true)]
    recordings: Vec<RecordingPlace>,
    /// Print a single field, named as in --json: `play_samples`, `source.sha256`
    #[arg(long, conflicts_with = "packets")]
    field: Option<String>,
    /// List the index instead, one line per packet
    #[arg(long)]
    packets: bool,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let recordings = each_once(&args.recordings);
    if args.packets && recordings.len() > 1 {
        return Err(Failure::usage("--packets lists the index of a single recording"));
    }
    let mut is_first = true;
    for_each(&recordings, output, |place, output| {
        let recording = place.open()?;
        if args.packets {
            return packets(place, output);
        }
        let info = Info::of(place, &recording)?;
        match &args.field {
            None if output.is_json() || std::mem::take(&mut is_first) => output.data(&info),
            None => output.plain("").and_then(|()| output.data(&info)),
            Some(field) => self::field(&info, field, output),
        }
    })
}

/// A recording in full.
#[derive(Serialize)]
struct Info<'a> {
    #[serde(flatten)]
    store: PathField,
    name: &'a str,
    /// Real seconds.
    seconds: f64,
    play_samples: u64,
    coded_samples: u64,
    pre_skip: u16,
    /// Samples per second of real time.
    real_rate: u32,
    channels: u8,
    mapping_family: u8,
    packets: u64,
    blob_bytes: u64,
    blob_sha256: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bits_per_second: Option<u64>,
    reads: Reads,
    /// What makes them exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    exact_by: Option<ExactBy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_approximate: Option<String>,
    /// The version of the libopus that the program links, if it is not the expected one.
    #[serde(skip_serializing_if = "Option::is_none")]
    other_libopus: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<&'a opus_zarr::Start>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<&'a opus_zarr::ClockCorrection>,
    source: &'a opus_zarr::Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorder: Option<Recorder>,
    tags: &'a opus_zarr::Tags,
    gaps: &'a [opus_zarr::Gap],
    /// Numbers of the extensions in the packets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extensions: Vec<u8>,
    user: &'a serde_json::Map<String, Value>,
}

impl<'a> Info<'a> {
    fn of(place: &RecordingPlace, recording: &'a Recording) -> Result<Self, Failure> {
        let info = recording.info();
        let length = recording.time_of(info.play_length);
        Ok(Self {
            store: place.store.field("store"),
            name: recording.name(),
            seconds: seconds(length),
            play_samples: info.play_length,
            coded_samples: info.coded_length,
            pre_skip: info.pre_skip,
            real_rate: info.real_rate.get(),
            channels: info.channels,
            mapping_family: info.mapping_family,
            packets: info.packet_count,
            blob_bytes: info.blob_bytes,
            blob_sha256: &info.blob_sha256,
            index_bytes: recording.index_info()?.map(|index| index.bytes),
            bits_per_second: bits_per_second(info.blob_bytes, length),
            reads: Reads::of(recording),
            exact_by: ExactBy::of(recording),
            why_approximate: recording.exactness().err().map(|reason| why_not_exact(&reason)),
            other_libopus: other_libopus().map(|other| other.linked()),
            start: info.start.as_ref(),
            clock: info.clock.as_ref(),
            source: &info.source,
            recorder: Recorder::of(RecorderMetadata::of_recording(info)),
            tags: &info.tags,
            gaps: &info.gaps,
            extensions: info.extensions.iter().collect(),
            user: &info.user,
        })
    }
}

impl Line for Info<'_> {
    const TYPE: &'static str = "info";
}

impl fmt::Display for Info<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = std::time::Duration::try_from_secs_f64(self.seconds).unwrap_or_default();
        writeln!(f, "name      {}", self.name)?;
        write!(f, "length    {}, {} samples", Clock(length), self.play_samples)?;
        match self.real_rate {
            SAMPLE_RATE => writeln!(f, " at 48 kHz")?,
            rate => writeln!(f, "\nrate      {rate} samples per second of real time")?,
        }
        self.write_size(f)?;
        self.write_reads(f)?;
        if let Some(other) = other_libopus() {
            writeln!(f, "decoder   {other}")?;
        }
        self.write_start(f)?;
        self.write_source(f)?;
        self.write_recorder(f)?;
        for comment in &self.tags.comments {
            writeln!(f, "tag       {}", one_line(comment))?;
        }
        for id in &self.extensions {
            let layer = Layer(*id);
            writeln!(f, "contains  {layer}, kept but not decoded by libopus 1.3")?;
        }
        for gap in self.gaps {
            writeln!(f, "lost      {} samples at coded sample {}", gap.samples, gap.position)?;
        }
        for finding in &self.source.findings {
            writeln!(f, "finding   {}", one_line(finding))?;
        }
        for (key, value) in self.user {
            writeln!(f, "user      {} = {value}", one_line(key))?;
        }
        write!(f, "sha256    {} (Ogg Opus stream)", self.blob_sha256)
    }
}

impl Info<'_> {
    fn write_reads(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sync = format!("`opus-zarr sync {}/{}`", self.store, self.name);
        if let Some(reason) = &self.why_approximate {
            return writeln!(f, "reads     {}: {reason}; build a map with {sync}", self.reads);
        }
        match self.exact_by {
            Some(ExactBy::SettledMap) => writeln!(
                f,
                "reads     exact, but slower: sync map of another decoder; build one with {sync}"
            ),
            Some(ExactBy::Construction) => writeln!(f, "reads     exact, by construction"),
            Some(ExactBy::Map) | None => writeln!(f, "reads     exact, by the sync map"),
        }
    }

    fn write_size(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kilobits = self.bits_per_second.unwrap_or_default() / 1000;
        let (channels, packets) = (self.channels, self.packets);
        let index = match self.index_bytes {
            Some(bytes) => format!("index {}", HumanBytes(bytes)),
            None => "index missing; rebuild it with `opus-zarr reindex`".to_owned(),
        };
        let channels = match channels {
            1 => "mono".to_owned(),
            2 => "stereo".to_owned(),
            more => format!("{more} channels, mapping family {}", self.mapping_family),
        };
        writeln!(
            f,
            "audio     {channels}, {packets} packets, {} ({kilobits} kb/s), {index}",
            HumanBytes(self.blob_bytes)
        )
    }

    fn write_start(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.start {
            None => writeln!(f, "start     unknown")?,
            Some(start) => writeln!(f, "start     {}", Began(start))?,
        }
        let recorded = self.clock.and_then(|clock| clock.recorded.as_ref());
        if let Some(clock) = self.clock {
            match recorded {
                recorded if recorded == self.start => {}
                None => writeln!(f, "recorded  unknown")?,
                Some(start) => writeln!(f, "recorded  {}", Began(start))?,
            }
            if clock.drift_ppt != 0 {
                writeln!(f, "drift     {}", Drift(clock.drift_ppt))?;
            }
            for ClockChange { change, author, time, .. } in &clock.changes {
                let [change, author, time] = [change, author, time].map(|text| one_line(text));
                writeln!(f, "clock     {change}, by {author}, {time}")?;
            }
        }
        let of_start = self.start.into_iter().chain(recorded).flat_map(|start| &start.findings);
        let mut told = Vec::new();
        for finding in of_start {
            if !told.contains(&finding) {
                writeln!(f, "finding   {}", one_line(finding))?;
                told.push(finding);
            }
        }
        Ok(())
    }

    fn write_recorder(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(recorder) = &self.recorder else { return Ok(()) };
        for (what, text) in recorder.known() {
            writeln!(f, "{what:<8}  {text}")?;
        }
        for RecorderField { part, name, value } in &recorder.fields {
            writeln!(f, "{part:<9} {} = {}", one_line(name), one_line(value))?;
        }
        Ok(())
    }

    fn write_source(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = self.source;
        let stored = match source.stored {
            StoredAs::Verbatim => "stored unchanged",
            StoredAs::Remuxed => "packets stored unchanged in new pages",
            _ => "encoded",
        };
        writeln!(
            f,
            "source    {}, {}, {} in {}, {stored}",
            one_line(&source.name),
            HumanBytes(source.bytes),
            one_line(&source.codec),
            one_line(&source.container)
        )?;
        let Some(transcoding) = &source.transcoding else { return Ok(()) };
        let settings = &transcoding.settings;
        writeln!(
            f,
            "encoded   from {} Hz at {} kb/s {}, {} ms packets, by {}",
            transcoding.rate,
            settings.bitrate / 1000,
            one_line(&settings.rate_control),
            f64::from(settings.frame_duration) / 48.0,
            one_line(&transcoding.encoder)
        )
    }
}

/// An extension of the packets, with an article.
struct Layer(u8);

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(id) = *self;
        match id {
            ExtensionIds::OPUS_HD => write!(f, "an Opus HD layer (extension {id})"),
            ExtensionIds::DRED => write!(f, "a DRED layer (extension {id})"),
            _ => write!(f, "an unknown layer (extension {id})"),
        }
    }
}

/// Writes a field: text unquoted, everything else as JSON.
fn field(info: &Info<'_>, path: &str, output: &mut Output) -> Result<(), Failure> {
    let all = serde_json::to_value(info)
        .map_err(|error| Failure::usage(format!("cannot serialize the fields: {error}")))?;
    let mut value = &all;
    for (depth, part) in path.split('.').enumerate() {
        let found = match value {
            Value::Array(values) => part.parse().ok().and_then(|number: usize| values.get(number)),
            value => value.get(part),
        };
        value = found.ok_or_else(|| no_such_field(value, path, depth))?;
    }
    output.data(&Field { field: path, value })
}

fn no_such_field(value: &Value, path: &str, depth: usize) -> Failure {
    let parent = path.split('.').take(depth).collect::<Vec<_>>().join(".");
    let failure = Failure::usage(match depth {
        0 => format!("no field {path:?}"),
        _ => format!("no field {path:?}: not found in {parent:?}"),
    });
    match value.as_object() {
        Some(fields) => {
            let names: Vec<&str> = fields.keys().map(String::as_str).collect();
            failure.with_hint(format!("available fields: {}", names.join(", ")))
        }
        None => failure,
    }
}

#[derive(Serialize)]
struct Field<'a> {
    field: &'a str,
    value: &'a Value,
}

impl Line for Field<'_> {
    const TYPE: &'static str = "field";
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Value::String(text) => f.write_str(&one_line(text)),
            value => value.fmt(f),
        }
    }
}

/// Writes the rows of the index.
fn packets(place: &RecordingPlace, output: &mut Output) -> Result<(), Failure> {
    let reader = place.open_reader()?;
    if !output.is_json() {
        output.bytes(b"    packet        byte   bytes  samples  first coded sample\n")?;
    }
    for span in reader.index_chunks()? {
        let span = span?;
        for (packet, row) in span.packets().zip(span.rows()) {
            let (byte, bytes, samples) = (row.offset, row.length, row.duration);
            output.data(&IndexedPacket {
                packet,
                byte,
                bytes,
                samples,
                coded_sample: row.first,
            })?;
        }
    }
    Ok(())
}

/// A row of the index.
#[derive(Serialize)]
struct IndexedPacket {
    packet: u64,
    byte: u64,
    bytes: u64,
    samples: u64,
    coded_sample: u64,
}

impl Line for IndexedPacket {
    const TYPE: &'static str = "indexed_packet";
}

impl fmt::Display for IndexedPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { packet, byte, bytes, samples, coded_sample } = self;
        write!(f, "{packet:>10}  {byte:>10}  {bytes:>6}  {samples:>7}  {coded_sample:>18}")
    }
}
