use std::{fmt, ops::ControlFlow, time::Instant};

use indicatif::{ProgressBar, ProgressStyle};
use opus_zarr::{Error, Exactness, NotExact, Progress, Recording};
use serde::Serialize;

use crate::{
    failure::{Exit, Failure},
    interrupt,
    output::{Line, Messages, Output},
    path::PathField,
    place::{RecordingPlace, StorePlace},
    several::{each_once, for_each},
    threads::Threads,
};

/// Build the sync map that makes reads exact
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(required_unless_present = "stale", value_name = "STORE/NAME")]
    recordings: Vec<RecordingPlace>,
    /// Rebuild every sync map of a store that was built by an older rule
    #[arg(long, value_name = "STORE", conflicts_with_all = ["recordings", "check", "force"])]
    stale: Option<StorePlace>,
    /// Check existing sync maps against this decoder without changing anything
    #[arg(long, conflicts_with = "force")]
    check: bool,
    /// Rebuild the sync map even if reads are exact already
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    threads: Threads,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    // An interruption between map and attributes would leave a recording with a damaged map.
    interrupt::defer();
    let mut wrong = 0;
    let recordings = match &args.stale {
        Some(store) => stale_in(store)?,
        None => each_once(&args.recordings),
    };
    if let (Some(store), []) = (&args.stale, &*recordings) {
        output.messages().note(format!("{store}: no sync map was built by an older rule"));
    }
    let done = for_each(&recordings, output, |place, output| {
        if args.check {
            let checked = check(place, &args.threads, output.messages())?;
            wrong += u64::from(checked.first_wrong_entry.is_some());
            output.data(&checked)
        } else {
            let synced = build(place, args, output.messages())?;
            output.data(&synced)
        }
    });
    if wrong > 0 && done.as_ref().map_or_else(|failure| failure.exit == Exit::SomeFailed, |()| true)
    {
        let message = format!(
            "damage found: {wrong} of {} sync maps differ from this decoder",
            recordings.len()
        );
        return Err(Failure::new(Exit::Damaged, message)
            .with_hint("rebuild them with `opus-zarr sync --force`"));
    }
    done
}

/// Finds the recordings of a store whose sync map was built by another rule.
fn stale_in(store: &StorePlace) -> Result<Vec<RecordingPlace>, Failure> {
    let mut stale = Vec::new();
    for found in store.recordings_of(&store.open()?)? {
        // `verify` reports recordings that cannot be opened.
        let Ok(recording) = Recording::open(&found.store, found.place.name.as_str()) else {
            continue;
        };
        if matches!(recording.exactness(), Err(NotExact::OtherRule { .. })) {
            stale.push(found.place);
        }
    }
    Ok(stale)
}

fn build(place: &RecordingPlace, args: &Args, messages: &Messages) -> Result<Synced, Failure> {
    let (mut recording, before) = open(place, &args.threads)?;
    let began = Instant::now();
    let is_measured = args.force || before != State::Exact;
    if is_measured {
        watched(place, messages, |watch| recording.build_sync(watch))?;
    }
    let sync = recording.info().sync.as_ref();
    Ok(Synced {
        recording: place.field("recording"),
        before,
        after: State::of(&recording, true),
        is_measured,
        entries: sync.map_or(0, |sync| sync.entries),
        decoder: sync.map_or_else(String::new, |sync| sync.decoder.clone()),
        elapsed_seconds: began.elapsed().as_secs_f64(),
    })
}

fn check(
    place: &RecordingPlace,
    threads: &Threads,
    messages: &Messages,
) -> Result<SyncChecked, Failure> {
    let (recording, before) = open(place, threads)?;
    let began = Instant::now();
    let first_wrong_entry = match before {
        State::Exact => watched(place, messages, |watch| recording.check_sync(watch))?,
        before => {
            let exit = if before == State::DamagedMap { Exit::Damaged } else { Exit::Error };
            return Err(Failure::new(exit, format!("{place} has no sync map to check: {before}"))
                .with_hint(format!("build its sync map with `opus-zarr sync {place}`")));
        }
    };
    Ok(SyncChecked {
        recording: place.field("recording"),
        entries: recording.info().sync.as_ref().map_or(0, |sync| sync.entries),
        first_wrong_entry,
        elapsed_seconds: began.elapsed().as_secs_f64(),
    })
}

fn open(place: &RecordingPlace, threads: &Threads) -> Result<(Recording, State), Failure> {
    let reader = place.open_reader()?;
    let is_readable = reader.sync_entries().is_ok();
    let mut recording = Recording::new(reader);
    threads.apply(&mut recording);
    let state = State::of(&recording, is_readable);
    Ok((recording, state))
}

/// Shows progress while a sync map is measured.
fn watched<T>(
    place: &RecordingPlace,
    messages: &Messages,
    measure: impl FnOnce(&mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Result<T, Error>,
) -> Result<T, Failure> {
    let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::hidden().with_style(style).with_message(place.to_string());
    let bar = messages.bars().add(bar);
    let measured = measure(&mut |progress| {
        bar.set_length(progress.total_bytes);
        bar.set_position(progress.bytes);
        interrupt::flow()
    });
    bar.finish_and_clear();
    Ok(measured?)
}

/// Whether a recording can be read exactly, or why not.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Exact,
    NoMap,
    OtherDecoder,
    OtherRule,
    DamagedMap,
}

impl State {
    fn of(recording: &Recording, is_readable: bool) -> Self {
        match recording.exactness() {
            Ok(_) if !is_readable => Self::DamagedMap,
            Ok(Exactness::Map | Exactness::Construction) => Self::Exact,
            Ok(_) | Err(NotExact::OtherDecoder { .. }) => Self::OtherDecoder,
            Err(NotExact::OtherRule { .. }) => Self::OtherRule,
            Err(_) => Self::NoMap,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::NoMap => "no sync map",
            Self::OtherDecoder => "sync map of another decoder",
            Self::OtherRule => "sync map built by another rule",
            Self::DamagedMap => "damaged sync map",
        })
    }
}

#[derive(Serialize)]
struct Synced {
    #[serde(flatten)]
    recording: PathField,
    before: State,
    after: State,
    /// False if reads were exact already.
    is_measured: bool,
    entries: u64,
    decoder: String,
    elapsed_seconds: f64,
}

impl Line for Synced {
    const TYPE: &'static str = "synced";
}

impl fmt::Display for Synced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recording, before, after, entries, elapsed_seconds, .. } = self;
        match (self.is_measured, before) {
            (false, _) => write!(f, "{recording}: already {after} ({entries} entries)"),
            (true, State::Exact) => {
                write!(f, "{recording}: still {after} ({entries} entries, {elapsed_seconds:.1} s)")
            }
            (true, before) => write!(
                f,
                "{recording}: now {after}, before: {before} ({entries} entries, {elapsed_seconds:.1} s)"
            ),
        }
    }
}

#[derive(Serialize)]
struct SyncChecked {
    #[serde(flatten)]
    recording: PathField,
    entries: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_wrong_entry: Option<usize>,
    elapsed_seconds: f64,
}

impl Line for SyncChecked {
    const TYPE: &'static str = "sync_checked";
}

impl fmt::Display for SyncChecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recording, entries, first_wrong_entry, elapsed_seconds } = self;
        match first_wrong_entry {
            None => write!(f, "{recording}: sync map is correct")?,
            Some(first) => write!(
                f,
                "{recording}: sync map differs from this decoder, first at entry {first}"
            )?,
        }
        write!(f, " ({entries} entries, {elapsed_seconds:.1} s)")
    }
}

const BAR: &str = "measuring {msg} [{bar:30}] {percent}% {eta}";
