use std::{fmt, str::FromStr, time::Instant};

use opus_zarr::{
    ArrayKind, Component, Entry, Fault, RecordingName, Verification, VerifyLevel, VerifyOptions,
    unwatched, verify,
};
use serde::Serialize;

use crate::{
    failure::{Exit, Failure, TRY_AGAIN, with_causes},
    interrupt,
    nearest::or_nearest,
    output::{Line, Output},
    path::PathField,
    place::{Found, InStore, RecordingPlace, StorePlace},
    several::{Named, each_of, for_each, unless_foreign, while_waiting},
    text::count,
    threads::Threads,
};

/// Verify that recordings are intact
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Recordings, or stores whose recordings are all verified
    #[arg(required = true, value_name = "STORE[/NAME]")]
    places: Vec<StorePlace>,
    /// How thoroughly to verify; each level includes those before it
    #[arg(long, value_enum, default_value_t = Level::Packets)]
    level: Level,
    /// Share of the audio to verify, such as 5% or 0.05; always the same part
    #[arg(long, value_name = "SHARE", default_value = "100%")]
    sample: Share,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let recordings = args.places.iter().flat_map(|place| each_of(recordings_at(place)));
    let recordings = Named::once(recordings.collect());
    let (mut sum, mut is_lost) = (Checked::default(), false);
    let mut mends = Vec::new();
    let checked = for_each(&recordings, output, |recording, output| {
        let recording = recording.as_ref().map_err(|failure| {
            is_lost |= failure.exit == Exit::Damaged;
            failure.clone()
        })?;
        let verified = check(recording, args, &mut mends, output);
        let reported = verified.and_then(|verified| {
            sum.add(&verified);
            output.data(&verified)
        });
        if recordings.len() == 1 { reported } else { unless_foreign(reported, output) }
    });
    if recordings.len() != 1 {
        output.data(&sum)?;
    }
    match checked {
        Err(failure) if !matches!(failure.exit, Exit::SomeFailed | Exit::Unreadable) => {
            Err(failure)
        }
        _ if sum.faults > 0 => Err(damaged(&sum, &mends)),
        Err(failure) if is_lost => Err(Failure { exit: Exit::Damaged, ..failure }),
        Err(failure) if failure.exit == Exit::SomeFailed => Err(failure),
        _ if sum.unreadable > 0 => Err(unreadable(&sum)),
        checked => checked,
    }
}

fn damaged(sum: &Checked, mends: &[String]) -> Failure {
    let Checked { recordings, damaged, .. } = sum;
    let mut hint = mends.iter().take(MENDS).cloned().collect::<Vec<_>>().join("\n  ");
    if mends.len() > MENDS {
        hint += "\n  ...";
    }
    let mut message = format!("damage found in {damaged} of {recordings} recordings checked");
    if sum.unreadable > 0 {
        message += &format!("; could not read {} completely", sum.unreadable);
    }
    Failure::new(Exit::Damaged, message).with_hint(hint)
}

fn unreadable(sum: &Checked) -> Failure {
    let Checked { recordings, unreadable, .. } = sum;
    let message = format!(
        "found no damage, but could not read {unreadable} of {recordings} recordings completely"
    );
    Failure::new(Exit::Unreadable, message).with_hint(TRY_AGAIN)
}

/// Finds the recordings at a place. In a store, includes recordings that have lost their document.
fn recordings_at(place: &StorePlace) -> Result<Vec<InStore>, Failure> {
    let store = match place.find()? {
        Found::Recording(one) => return Ok(vec![one]),
        Found::Store(store) => store,
    };
    let mut recordings = place.recordings_of(&store)?;
    let documents = VerifyOptions::default().level(VerifyLevel::Metadata);
    let listed = |source| {
        let failure = Failure::io("list", store.storage().to_string(), &source);
        Failure { exit: Exit::Unreadable, ..failure }.with_hint(TRY_AGAIN)
    };
    for entry in store.storage().entries().map_err(listed)? {
        if let Entry::Other(name) = entry.map_err(listed)?
            && let Ok(name) = name.parse::<RecordingName>()
            && verify(&store, name.as_str(), &documents, unwatched).is_ok()
        {
            recordings.push(place.with(&store, name));
        }
    }
    Ok(recordings)
}

/// Verifies a recording and reports its faults.
fn check(
    recording: &InStore,
    args: &Args,
    mends: &mut Vec<String>,
    output: &mut Output,
) -> Result<Verified, Failure> {
    let (place, began) = (&recording.place, Instant::now());
    let mut options = VerifyOptions::default().level(args.level.into()).sample(args.sample.0);
    options.threads = args.threads.number;
    let found = while_waiting(output.messages(), format!("verifying {place}"), || {
        verify(&recording.store, place.name.as_str(), &options, |_| interrupt::flow())
    });
    let found = or_nearest(found, &recording.store, &place.name)?;
    for fault in found.faults.listed() {
        output.data(&Damage::new(place.field("recording"), fault))?;
        let mend = mend(place, fault);
        if mends.len() <= MENDS && !mends.contains(&mend) {
            mends.push(mend);
        }
    }
    for fault in found.unreadable.listed() {
        let (object, message) = (fault.place.object.clone(), fault.kind.to_string());
        output.data(&Unread { recording: place.field("recording"), object, message })?;
    }
    if let Some(reason) = &found.not_decoded {
        output.messages().warn(format!("{place}: could not decode: {}", with_causes(reason)));
    }
    Ok(Verified::new(place.field("recording"), args, &found, began.elapsed().as_secs_f64()))
}

/// Returns what to do about a fault.
fn mend(place: &RecordingPlace, fault: &Fault) -> String {
    match fault.place.component {
        Component::Metadata(ArrayKind::Sync) | Component::Data(ArrayKind::Sync) => {
            format!("rebuild the sync map with `opus-zarr sync --force {place}`")
        }
        Component::Metadata(_) | Component::Data(ArrayKind::Index) => {
            format!("rebuild the index with `opus-zarr reindex {place}`")
        }
        Component::Store => format!(
            "{} was changed; docs/format.md describes what the document of a store holds",
            place.store
        ),
        _ => format!(
            "remove it with `opus-zarr rm {place}` and import it again; undamaged parts remain readable"
        ),
    }
}

/// A share of the audio, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Share(f64);

impl FromStr for Share {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, whole) = match text.strip_suffix('%') {
            Some(percent) => (percent, 100.0),
            None => (text, 1.0),
        };
        let share = number.parse::<f64>().map(|number| number / whole);
        match share {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(Self(share)),
            _ => Err("expected a share from 0 to 1, such as 5% or 0.05"),
        }
    }
}

#[derive(Clone, Copy, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    /// The documents of store, recording and arrays; reads no audio
    Metadata,
    /// Every byte of every chunk, and the SHA-256 of the audio
    Checksums,
    /// The index, and the durations of the packets it points to
    Index,
    /// The Ogg Opus stream, packet by packet, against index and attributes
    Packets,
    /// Decodes every packet, and measures the sync map again
    Decode,
}

impl From<Level> for VerifyLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Metadata => Self::Metadata,
            Level::Checksums => Self::Checksums,
            Level::Index => Self::Index,
            Level::Packets => Self::Packets,
            Level::Decode => Self::Decode,
        }
    }
}

/// The line about a fault.
#[derive(Serialize)]
struct Damage {
    #[serde(flatten)]
    recording: PathField,
    object: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_byte: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_byte: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packet: Option<u64>,
    message: String,
    #[serde(skip)]
    text: String,
}

impl Damage {
    fn new(recording: PathField, fault: &Fault) -> Self {
        let (place, bytes) = (&fault.place, fault.place.bytes.as_ref());
        Self {
            recording,
            object: place.object.clone(),
            start_byte: bytes.map(|bytes| bytes.start),
            end_byte: bytes.map(|bytes| bytes.end),
            packet: place.packet,
            message: fault.kind.to_string(),
            text: fault.to_string(),
        }
    }
}

impl Line for Damage {
    const TYPE: &'static str = "fault";
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

/// The line about an object that cannot be read right now.
#[derive(Serialize)]
struct Unread {
    #[serde(flatten)]
    recording: PathField,
    object: String,
    message: String,
}

impl Line for Unread {
    const TYPE: &'static str = "unreadable";
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.object, self.message)
    }
}

/// The line about a recording.
#[derive(Serialize)]
struct Verified {
    #[serde(flatten)]
    recording: PathField,
    level: Level,
    sample: f64,
    /// All faults, including those beyond the listed ones.
    faults: u64,
    /// Objects that cannot be read right now.
    unreadable: u64,
    chunks: u64,
    packets: u64,
    decoded_packets: u64,
    elapsed_seconds: f64,
}

impl Verified {
    fn new(recording: PathField, args: &Args, found: &Verification, elapsed_seconds: f64) -> Self {
        Self {
            recording,
            level: args.level,
            sample: args.sample.0,
            faults: found.faults.total(),
            unreadable: found.unreadable.total(),
            chunks: found.chunks,
            packets: found.packets,
            decoded_packets: found.decoded,
            elapsed_seconds,
        }
    }
}

impl Line for Verified {
    const TYPE: &'static str = "verified";
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recording, chunks, packets, decoded_packets, elapsed_seconds, .. } = self;
        match (self.faults, self.unreadable) {
            (0, 0) => write!(f, "{recording}: intact")?,
            (0, _) => write!(f, "{recording}: not read completely")?,
            (faults, 0) => write!(f, "{recording}: {}", count(faults, "fault"))?,
            (faults, _) => {
                write!(f, "{recording}: {}, not read completely", count(faults, "fault"))?;
            }
        }
        write!(
            f,
            " ({chunks} chunks, {packets} packets, {decoded_packets} decoded, {elapsed_seconds:.1} s)"
        )
    }
}

/// The totals.
#[derive(Default, Serialize)]
struct Checked {
    recordings: u64,
    damaged: u64,
    faults: u64,
    /// Recordings that could not be read completely.
    unreadable: u64,
    elapsed_seconds: f64,
}

impl Checked {
    fn add(&mut self, one: &Verified) {
        self.recordings += 1;
        self.damaged += u64::from(one.faults > 0);
        self.faults += one.faults;
        self.unreadable += u64::from(one.unreadable > 0);
        self.elapsed_seconds += one.elapsed_seconds;
    }
}

impl Line for Checked {
    const TYPE: &'static str = "verification";
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recordings, damaged, faults, unreadable, elapsed_seconds } = self;
        let (recordings, faults) = (count(*recordings, "recording"), count(*faults, "fault"));
        write!(f, "{recordings} checked, {damaged} damaged, {faults}, ")?;
        if *unreadable > 0 {
            write!(f, "{unreadable} not read completely, ")?;
        }
        write!(f, "{elapsed_seconds:.1} s")
    }
}

/// How many remedies the hint lists.
const MENDS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_numbers_or_percent() {
        for (text, share) in [("5%", 0.05), ("0.05", 0.05), ("100%", 1.0), ("1", 1.0), ("0", 0.0)] {
            assert_eq!(text.parse(), Ok(Share(share)), "{text}");
        }
        for text in ["", "%", "5", "101%", "-1%", "NaN", "inf", "5 %", "a"] {
            assert!(text.parse::<Share>().is_err(), "{text:?}");
        }
    }
}
