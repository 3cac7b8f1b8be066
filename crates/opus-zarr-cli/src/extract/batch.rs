//! Cuts the regions of tables.

mod manifest;
mod names;
mod tables;

use std::{
    mem,
    ops::{ControlFlow, Range},
    path::{Path, PathBuf},
    time::Instant,
};

use opus_zarr::{ReadLimits, Recording, RecordingName, Region, RegionMatcher, Store};
use opus_zarr_render::PcmSample;

use self::{
    manifest::Entry,
    names::Names,
    tables::{Place, Sorted, Tables},
};
use super::{Args, Extracted, How, Row, folder::Folder};
use crate::{
    catalogue::read_catalogue,
    failure::{Exit, Failure},
    interrupt,
    output::Output,
    path::PathField,
    place::{Found, InStore, RecordingPlace, StorePlace},
    sound::{Bits, Format, Proof, Sound, SoundWriter, write_range},
    target::{STDOUT, Target},
    text::count,
};

/// Cuts every region of tables. A row that fails does not stop the others.
pub(super) fn run(
    args: &Args,
    place: &StorePlace,
    tables: &[PathBuf],
    output: &mut Output,
) -> Result<(), Failure> {
    let directory = args.output.as_deref().filter(|path| *path != Path::new(STDOUT));
    let directory = directory.ok_or_else(|| {
        Failure::usage("--batch writes one file per row").with_hint("pass a directory with -o DIR")
    })?;
    if args.notes.is_any() {
        return Err(Failure::usage("--where is not for --batch: tables name their recordings"));
    }
    if directory.exists() && !directory.is_dir() {
        let message = format!("{directory:?} is a file, expected a directory");
        return Err(Failure::new(Exit::Error, message));
    }
    let tables = Tables::read(tables, output.messages())?;
    let (place, store, named) = open(place)?;
    let manifest = manifest::path_in(directory);
    if manifest.exists() && !args.force {
        return Err(Failure::new(Exit::Error, format!("{manifest:?} already exists"))
            .with_hint("pass another directory, or --force to overwrite its files"));
    }
    interrupt::defer();
    let named = named.map(|name| name.parse().map_err(opus_zarr::StoreError::from)).transpose()?;
    let catalogue = args.catalogue.as_deref().map(read_catalogue).transpose()?;
    let matcher = match &catalogue {
        Some(catalogue) => RegionMatcher::of_catalogue(&store, catalogue)?,
        None => RegionMatcher::new(&store)?,
    };
    let (matcher, sorted) = tables.sort(matcher, named, output.messages())?;
    if catalogue.is_some() && matcher.opened() > 0 {
        let opened = count(u64::try_from(matcher.opened()).unwrap_or(u64::MAX), "recording");
        output.messages().note(format!(
            "opened {opened} that the catalogue does not describe; `opus-zarr catalogue` updates it"
        ));
    }
    let format = args.how.format.unwrap_or(Format::Wav);
    let mut batch = Batch {
        tables: &tables,
        matcher,
        folder: Folder::new(directory),
        how: &args.how,
        format,
        is_forced: args.force,
        place,
        output,
        names: Names::new(format, sorted.names()),
        is_noted: false,
        entries: vec![],
        failed: 0,
        cuts: 0,
    };
    let done = batch.cut_tables(sorted);
    batch.folder.remove_if_empty();
    batch.end(done, &manifest)
}

/// Opens the store; returns the name of the recording if the command names one.
fn open(place: &StorePlace) -> Result<(StorePlace, Store, Option<String>), Failure> {
    Ok(match place.find()? {
        Found::Store(store) => (place.clone(), store, None),
        Found::Recording(InStore { store, place }) => {
            (place.store, store, Some(place.name.to_string()))
        }
    })
}

struct Batch<'a> {
    tables: &'a Tables,
    matcher: RegionMatcher,
    folder: Folder<'a>,
    how: &'a How,
    format: Format,
    is_forced: bool,
    place: StorePlace,
    output: &'a mut Output,
    names: Names,
    /// Whether it was noted that cuts of the recording are approximate.
    is_noted: bool,
    /// What became of the rows so far.
    entries: Vec<Entry>,
    failed: usize,
    cuts: u64,
}

/// A row of an open recording.
struct Cut {
    place: Place,
    region: Region,
    range: Range<u64>,
    file: String,
}

impl Cut {
    /// Samples of all channels.
    fn samples(&self, channels: u64) -> u64 {
        (self.range.end - self.range.start).saturating_mul(channels)
    }
}

impl Batch<'_> {
    fn cut_tables(&mut self, sorted: Sorted) -> Result<(), Failure> {
        for (place, reason) in sorted.invalid {
            self.fail(place, None, None, &reason);
        }
        self.fail_unmatched(sorted.unmatched);
        for (name, rows) in sorted.of_recordings {
            self.cut_recording(&name, rows)?;
        }
        Ok(())
    }

    /// Writes the manifest, and tells how many rows failed.
    fn end(mut self, done: Result<(), Failure>, manifest: &Path) -> Result<(), Failure> {
        done.map_err(|failure| self.stop(failure, manifest))?;
        self.list(manifest)?;
        let (failed, rows) = (self.failed, self.tables.rows);
        let (unread, tables) = (self.tables.unread, self.tables.paths.len());
        let mut messages = vec![];
        if failed > 0 {
            messages.push(format!("{failed} of {rows} rows could not be cut"));
        }
        if unread > 0 {
            messages.push(format!("{unread} of {tables} tables could not be read"));
        }
        match messages.is_empty() {
            true => Ok(()),
            false => Err(Failure::new(Exit::SomeFailed, messages.join("; "))),
        }
    }

    /// Writes the manifest after a failure that stops everything, so that it lists what was cut.
    fn stop(&mut self, failure: Failure, manifest: &Path) -> Failure {
        let again = failure.hint.as_deref().unwrap_or("run the same command again").to_owned();
        match self.list(manifest) {
            Ok(()) if self.cuts > 0 => {
                failure.with_hint(format!("{again} with --force, which replaces these cuts"))
            }
            _ => failure.with_hint(again),
        }
    }

    /// Writes the manifest, if there is a cut.
    fn list(&mut self, manifest: &Path) -> Result<(), Failure> {
        if self.cuts == 0 {
            return Ok(());
        }
        manifest::write(manifest, mem::take(&mut self.entries), self.is_forced)?;
        // What was cut stands before where it is listed.
        self.output.flush()?;
        let (cuts, manifest) = (count(self.cuts, "cut"), PathField::new("output", manifest));
        self.output.messages().note(format!("{cuts}, listed in {manifest}"));
        Ok(())
    }

    /// Reports a row that fails, and notes it for the manifest.
    fn fail(&mut self, place: Place, region: Option<&Region>, name: Option<&str>, reason: &str) {
        self.note_failure(place, region, name, reason);
        self.report(place, 0, reason);
    }

    fn note_failure(
        &mut self,
        place: Place,
        region: Option<&Region>,
        name: Option<&str>,
        reason: &str,
    ) {
        self.failed += 1;
        let mut entry = self.tables.entry(place, region);
        entry.recording = name.map(str::to_owned);
        entry.error = Some(reason.to_owned());
        self.entries.push(entry);
    }

    /// Reports rows without a recording: to programs each, to people the first of each kind.
    fn fail_unmatched(&mut self, unmatched: Vec<(String, Vec<(Place, Region)>)>) {
        let is_json = self.output.is_json();
        let more: usize = unmatched.iter().skip(LISTED).map(|(_, rows)| rows.len()).sum();
        for (number, (reason, rows)) in unmatched.into_iter().enumerate() {
            for (index, (place, region)) in rows.iter().enumerate() {
                self.note_failure(*place, Some(region), None, &reason);
                if is_json || (index == 0 && number < LISTED) {
                    let others = if is_json { 0 } else { rows.len() - 1 };
                    self.report(*place, others, &reason);
                }
            }
        }
        if more > 0 && !is_json {
            let message = format!("{more} more rows find no recording");
            let failure =
                Failure::new(Exit::SomeFailed, message).with_hint("list all of them with --json");
            self.output.messages().failure(&failure);
        }
    }

    /// Reports a row that fails, and how many others fail alike.
    fn report(&self, place: Place, others: usize, reason: &str) {
        let others = match others {
            0 => String::new(),
            1 => " and 1 other line".to_owned(),
            more => format!(" and {more} other lines"),
        };
        let message = format!("{}{others}: {reason}", self.line(place));
        self.output.messages().failure(&Failure::new(Exit::SomeFailed, message));
    }

    /// Names a row in a message.
    fn line(&self, place: Place) -> String {
        format!("{:?}, line {}", self.tables.path(place), place.line)
    }

    fn cut_recording(
        &mut self,
        name: &RecordingName,
        rows: Vec<(Place, Region)>,
    ) -> Result<(), Failure> {
        let recording = match self.open_recording(name) {
            Ok(recording) => recording,
            Err(failure) => {
                for (place, region) in &rows {
                    self.fail(*place, Some(region), Some(name.as_str()), &failure.message);
                }
                return Ok(());
            }
        };
        let mut cuts = self.cuts_of(rows, &recording);
        cuts.sort_by_key(|cut| cut.range.start);
        let channels = recording.info().channels.into();
        // Reads of many ranges choose the mode themselves.
        let is_other_mode = self.how.mode(&recording) != recording.read_mode()
            || self.how.rate.is_resampled(&recording);
        let (long, short): (Vec<Cut>, Vec<Cut>) =
            cuts.into_iter().partition(|cut| is_other_mode || cut.samples(channels) > LONG);
        self.is_noted = false;
        for cut in &long {
            let written = self.stream_cut(&recording, cut);
            self.tell(&recording, cut, written)?;
        }
        match self.how.bits {
            Bits::Int16 => self.cut_all::<i16>(&recording, &short),
            Bits::Int24 | Bits::Float32 => self.cut_all::<f32>(&recording, &short),
        }
    }

    fn open_recording(&self, name: &RecordingName) -> Result<Recording, Failure> {
        let mut recording = self.matcher.open(name)?;
        self.how.apply(&mut recording, self.format)?;
        Ok(recording)
    }

    /// Returns the cuts of rows, and reports rows that fail.
    fn cuts_of(&mut self, mut rows: Vec<(Place, Region)>, recording: &Recording) -> Vec<Cut> {
        rows.sort_by_key(|(place, _)| *place);
        let mut cuts = vec![];
        for (place, region) in rows {
            let range = recording.select(&region.selection).map_err(|error| error.to_string());
            let named = range.and_then(|range| {
                let file = match &region.name {
                    Some(name) => self.names.given(name)?,
                    None => self.names.made(recording, &region, &range),
                };
                Ok((range, file))
            });
            match named {
                Ok((range, file)) => cuts.push(Cut { place, region, range, file }),
                Err(reason) => self.fail(place, Some(&region), Some(recording.name()), &reason),
            }
        }
        cuts
    }

    fn cut_all<S: PcmSample>(
        &mut self,
        recording: &Recording,
        cuts: &[Cut],
    ) -> Result<(), Failure> {
        let ranges: Vec<_> = cuts.iter().map(|cut| cut.range.clone()).collect();
        let mut told = Ok(());
        let messages = self.output.messages().clone();
        let limits = ReadLimits::default().workers(recording.threads());
        recording.read_each::<S>(&ranges, limits, |number, samples| {
            let Some(cut) = cuts.get(number) else { return ControlFlow::Continue(()) };
            let written = samples.map_err(Failure::from).and_then(|samples| {
                let proof = self.how.proof(recording, &cut.range)?;
                self.write_cut(recording, cut, |sound, target| {
                    let mut writer = SoundWriter::new(sound, target)?;
                    writer.write(&samples)?;
                    Ok((writer.finish(&messages)?, proof))
                })
            });
            told = self.tell(recording, cut, written).and_then(|()| interrupt::check());
            told.as_ref().map_or(ControlFlow::Break(()), |()| ControlFlow::Continue(()))
        });
        told
    }

    /// Writes a cut that is too long to hold in memory.
    fn stream_cut(&mut self, recording: &Recording, cut: &Cut) -> Result<Extracted, Failure> {
        let (messages, mode) = (self.output.messages().clone(), self.how.mode(recording));
        self.write_cut(recording, cut, |sound, target| {
            write_range(recording, mode, cut.range.clone(), sound, target, &messages)
        })
    }

    fn write_cut(
        &mut self,
        recording: &Recording,
        cut: &Cut,
        write: impl FnOnce(Sound, Target<'static>) -> Result<(u64, Proof), Failure>,
    ) -> Result<Extracted, Failure> {
        let began = Instant::now();
        let sound = self.how.rate.sound(recording, &cut.range, (self.format, self.how.bits))?;
        let name = recording.name().parse().map_err(opus_zarr::StoreError::from)?;
        let place = RecordingPlace { store: self.place.clone(), name };
        let path = self.folder.create()?.join(&cut.file);
        let mut extracted = Extracted::new(&place, &path, &cut.range, &sound);
        extracted.row = Some(Row {
            table: PathField::new("table", self.tables.path(cut.place)),
            line: cut.place.line,
            label: cut.region.label.clone(),
            score: cut.region.score,
        });
        let (bytes, proof) = write(sound, Target::file(&path, self.is_forced)?)?;
        if proof.is_err() && !mem::replace(&mut self.is_noted, true) {
            self.how.note(&place, &proof, self.output.messages());
        }
        (extracted.bytes, extracted.is_exact) = (bytes, proof.is_ok());
        extracted.elapsed_seconds = began.elapsed().as_secs_f64();
        Ok(extracted)
    }

    fn tell(
        &mut self,
        recording: &Recording,
        cut: &Cut,
        written: Result<Extracted, Failure>,
    ) -> Result<(), Failure> {
        let extracted = match written {
            Ok(extracted) => extracted,
            Err(failure) if failure.exit == Exit::Interrupted || failure.is_lasting => {
                return Err(failure);
            }
            Err(failure) => {
                let name = Some(recording.name());
                self.fail(cut.place, Some(&cut.region), name, &failure.message);
                return Ok(());
            }
        };
        let mut entry = self.tables.entry(cut.place, Some(&cut.region));
        entry.set_range(recording, &cut.range);
        entry.recording = Some(recording.name().to_owned());
        (entry.file, entry.is_exact) = (Some(cut.file.clone()), Some(extracted.is_exact));
        self.entries.push(entry);
        self.cuts += 1;
        self.output.data(&extracted)
    }
}

/// Samples of all channels above which a cut is streamed: 64 MiB of `f32`.
const LONG: u64 = 16 << 20;

/// How many reasons why rows have no recording are listed for people.
const LISTED: usize = 5;
