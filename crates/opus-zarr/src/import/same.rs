//! Whether a recording is what an import would make.
//!
//! Every import asks here when the name of a recording is taken.

use std::{fmt, path::Path};

use opus_demux::Container;
use opus_zarr_store::{
    Certainty, EncoderSettings, RecordingInfo, RecordingName, Start, Store, Transcoding,
};

use super::{opus, transcode::Track};
use crate::{Error, ImportOptions, error::Reason};

/// A setting in which an import differs from an earlier one of the same file.
///
/// `Display` is a clause such as `bitrate 96000 b/s instead of 64000 b/s`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// Which setting.
    pub setting: Setting,
    /// What the recording holds.
    pub stored: String,
    /// What the import would store.
    pub requested: String,
}

/// What an import decides about a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Setting {
    /// Which stream of the file the recording holds.
    Stream,
    /// How a file without a container is read.
    RawFormat,
    /// When the recording began, and where that was found.
    Start,
    /// What decoded the file.
    Decoder,
    /// What happened to sample rates above 48 kHz.
    Ultrasound,
    /// Bits per second.
    Bitrate,
    /// How bits are spread over time.
    RateControl,
    /// Effort of the encoder.
    Complexity,
    /// What the encoder is tuned for.
    Application,
    /// Duration of a packet.
    FrameDuration,
    /// Distance of the points where decoding may start.
    SyncInterval,
    /// Samples that play for each second of real time.
    RealRate,
}

/// What a recording is to an import.
pub(crate) enum Held {
    /// What the import would make, from the same file.
    Same,
    /// What the import would make, except that it began at another time, which only the document says.
    OtherStart(Box<Start>),
    /// Made from the same file with other settings.
    OtherSettings(Vec<Difference>),
    /// Made from another file.
    OtherFile,
}

/// Compares a recording with what an import of a file would make of a stream; of any stream,
/// if none is given.
///
/// The versions of the programs that decoded and encoded a file do not count as settings, because
/// nobody requested them.
pub(crate) fn compare(
    path: &Path,
    sha256: &str,
    stream: Option<u64>,
    options: &ImportOptions,
    found: &RecordingInfo,
) -> Result<Held, Error> {
    if found.source.sha256 != sha256 {
        return Ok(Held::OtherFile);
    }
    let mut all = Differences::default();
    let (stored, requested) = (found.source.stream, stream.unwrap_or(found.source.stream));
    all.add(Setting::Stream, stored, requested);
    if all.list.is_empty() {
        match &found.source.transcoding {
            None => all.add_packets(path, options, found),
            Some(made) => {
                let track = Track::open(path, options, stored)?;
                all.add_encoding(&track, made, found);
                all.add_start(found, track.start(), options);
            }
        }
    }
    Ok(match all.start {
        Some(start) if all.list.is_empty() => Held::OtherStart(Box::new(start)),
        None if all.list.is_empty() => Held::Same,
        start => {
            all.list.extend(start.map(|start| of_start(found.recorded_start(), &start)));
            Held::OtherSettings(all.list)
        }
    })
}

impl Held {
    /// The start that the import would store instead.
    pub(crate) fn start(self) -> Option<Start> {
        match self {
            Self::OtherStart(start) => Some(*start),
            Self::Same | Self::OtherSettings(_) | Self::OtherFile => None,
        }
    }

    /// Returns the error of an import to a name that such a recording has; none if it holds the same audio.
    pub(crate) fn error(
        self,
        path: &Path,
        store: &Store,
        recording: &RecordingName,
    ) -> Option<Error> {
        let (path, recording) = (path.to_owned(), recording.clone());
        let store = store.storage().to_string();
        match self {
            Self::Same | Self::OtherStart(_) => None,
            Self::OtherSettings(differences) => {
                Some(Error::from(Reason::OtherSettings { path, recording, store, differences }))
            }
            Self::OtherFile => Some(Error::from(Reason::OtherFile { path, recording, store })),
        }
    }
}

#[derive(Default)]
struct Differences {
    list: Vec<Difference>,
    /// The start that the import would store instead.
    start: Option<Start>,
}

impl Differences {
    fn add<T: PartialEq + ToString>(&mut self, setting: Setting, stored: T, requested: T) {
        if stored != requested {
            let (stored, requested) = (stored.to_string(), requested.to_string());
            self.list.push(Difference { setting, stored, requested });
        }
    }

    fn add_packets(&mut self, path: &Path, options: &ImportOptions, found: &RecordingInfo) {
        if let Some(raw) = &options.raw {
            let requested = Container::Raw(raw.format).name();
            self.add(Setting::RawFormat, found.source.container.as_str(), requested);
        }
        let start = |is_first| opus::start(path, &found.tags.comments, is_first, options);
        // Whether another stream than the first begins with the file shows only in the file.
        let later = Some(start(false))
            .filter(|it| found.source.stream > 1 && is_same(it.as_ref(), found.recorded_start()));
        self.add_start(found, later.unwrap_or_else(|| start(true)).as_ref(), options);
    }

    fn add_encoding(&mut self, track: &Track, made: &Transcoding, found: &RecordingInfo) {
        let asked = track.transcoding();
        let is_ffmpeg = |transcoding: &Transcoding| transcoding.decoder.starts_with("ffmpeg");
        if is_ffmpeg(made) != is_ffmpeg(&asked) {
            self.add(Setting::Decoder, made.decoder.as_str(), asked.decoder.as_str());
        }
        let kept = |is_kept| if is_kept { "kept" } else { "downsampled" };
        self.add(Setting::Ultrasound, kept(made.is_kept), kept(asked.is_kept));
        self.add_settings(&made.settings, &asked.settings);
        if self.list.is_empty() {
            self.add(Setting::RealRate, found.real_rate, track.real_rate());
        }
    }

    fn add_settings(&mut self, made: &EncoderSettings, asked: &EncoderSettings) {
        let bits = |settings: &EncoderSettings| format!("{} b/s", settings.bitrate);
        let interval = |settings: &EncoderSettings| {
            settings.sync_interval.map_or("none".to_owned(), |samples| format!("{samples} samples"))
        };
        let frame = |settings: &EncoderSettings| format!("{} samples", settings.frame_duration);
        self.add(Setting::Bitrate, bits(made), bits(asked));
        self.add(Setting::RateControl, &made.rate_control, &asked.rate_control);
        self.add(Setting::Complexity, made.complexity, asked.complexity);
        self.add(Setting::Application, &made.application, &asked.application);
        self.add(Setting::FrameDuration, frame(made), frame(asked));
        self.add(Setting::SyncInterval, interval(made), interval(asked));
    }

    fn add_start(&mut self, found: &RecordingInfo, asked: Option<&Start>, options: &ImportOptions) {
        let stored = found.recorded_start();
        self.start = asked.filter(|asked| replaces(stored, asked, options)).cloned();
    }
}

/// Whether an import replaces the start that an earlier one found. It does not if nobody says how to
/// look for it, or if it would only lose the zone that was assumed.
fn replaces(stored: Option<&Start>, asked: &Start, options: &ImportOptions) -> bool {
    let is_less = |stored: &Start| {
        asked.certainty == Certainty::LocalOnly
            && (&asked.local, &asked.source) == (&stored.local, &stored.source)
    };
    options.says_how_to_start() && stored.is_none_or(|it| !it.is_same(asked) && !is_less(it))
}

fn of_start(stored: Option<&Start>, requested: &Start) -> Difference {
    let (stored, requested) = (ShownStart(stored), ShownStart(Some(requested)));
    let (stored, requested) = (stored.to_string(), requested.to_string());
    Difference { setting: Setting::Start, stored, requested }
}

fn is_same(one: Option<&Start>, other: Option<&Start>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_same(other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

/// A start in words: `2026-05-12T20:15:00Z (file name)`.
pub(super) struct ShownStart<'a>(pub(super) Option<&'a Start>);

impl fmt::Display for ShownStart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("unknown"),
            Some(Start { utc: Some(utc), source, .. }) => write!(f, "{utc} ({source})"),
            Some(Start { local, source, .. }) => {
                write!(f, "{local} without time zone ({source})")
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} instead of {}", self.setting, self.stored, self.requested)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stream => "stream",
            Self::RawFormat => "raw format",
            Self::Start => "start",
            Self::Decoder => "decoder",
            Self::Ultrasound => "ultrasound",
            Self::Bitrate => "bitrate",
            Self::RateControl => "rate control",
            Self::Complexity => "complexity",
            Self::Application => "application",
            Self::FrameDuration => "frame duration",
            Self::SyncInterval => "sync interval",
            Self::RealRate => "real rate",
        })
    }
}

/// Joins differences as in `bitrate 96000 b/s instead of 64000 b/s; start …`.
pub(crate) fn list(differences: &[Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
