use std::{
    collections::{BTreeMap, HashSet},
    fs, mem,
    ops::{ControlFlow, Range},
    path::{Path, PathBuf},
    time::Instant,
};

use opus_zarr::{ReadLimits, Recording, Region, Store};

use super::{Args, Extracted, How};
use crate::{
    failure::{Exit, Failure},
    interrupt,
    output::Output,
    place::{Found, InStore, RecordingPlace, StorePlace},
    sound::{Bits, Format, LittleEndian, Proof, Sound, SoundWriter, write_range},
    target::{STDOUT, Target},
};

/// Cuts every region of a table. A row that fails does not stop the others.
pub(super) fn run(args: &Args, table: &Path, output: &mut Output) -> Result<(), Failure> {
    let directory = args.output.as_deref().filter(|path| *path != Path::new(STDOUT));
    let directory = directory.ok_or_else(|| {
        Failure::usage("--batch writes one file per row").with_hint("pass a directory with -o DIR")
    })?;
    let text = fs::read(table).map_err(|error| Failure::io("read", table, &error))?;
    let rows = Region::parse_table(&text)
        .map_err(|error| Failure::new(Exit::Error, format!("{table:?}: {error}")))?;
    let total = rows.len();
    let (place, store, named) = open(args)?;
    fs::create_dir_all(directory).map_err(|error| Failure::io("create", directory, &error))?;
    interrupt::defer();
    let format = args.how.format.unwrap_or(Format::Wav);
    let (how, is_forced) = (&args.how, args.force);
    let mut batch = Batch {
        table,
        directory,
        how,
        format,
        is_forced,
        place,
        output,
        taken: HashSet::new(),
        is_noted: false,
        failed: 0,
    };
    let mut of_recordings: BTreeMap<String, Vec<Region>> = BTreeMap::new();
    for row in rows {
        match row {
            Ok(row) => match row.recording.clone().or_else(|| named.clone()) {
                Some(name) => of_recordings.entry(name).or_default().push(row),
                None => {
                    batch.fail(row.line, "no recording named, neither here nor on the command line")
                }
            },
            Err(bad) => batch.fail(bad.line, &bad.reason),
        }
    }
    for (name, rows) in of_recordings {
        batch.cut_recording(&store, &name, rows)?;
    }
    match batch.failed {
        0 => Ok(()),
        failed => Err(Failure::new(
            Exit::SomeFailed,
            format!("{failed} of {total} rows could not be cut"),
        )),
    }
}

/// Opens the store; returns the name of the recording if the command names one.
fn open(args: &Args) -> Result<(StorePlace, Store, Option<String>), Failure> {
    Ok(match args.place.find()? {
        Found::Store(store) => (args.place.clone(), store, None),
        Found::Recording(InStore { store, place }) => {
            (place.store, store, Some(place.name.to_string()))
        }
    })
}

struct Batch<'a> {
    table: &'a Path,
    directory: &'a Path,
    how: &'a How,
    format: Format,
    is_forced: bool,
    place: StorePlace,
    output: &'a mut Output,
    /// Files of earlier rows.
    taken: HashSet<PathBuf>,
    /// Whether it was noted that cuts of the recording are approximate.
    is_noted: bool,
    failed: usize,
}

/// A row of an open recording.
struct Cut {
    line: u64,
    range: Range<u64>,
    path: PathBuf,
}

impl Cut {
    /// Samples of all channels.
    fn samples(&self, channels: u64) -> u64 {
        (self.range.end - self.range.start).saturating_mul(channels)
    }
}

impl Batch<'_> {
    fn fail(&mut self, line: u64, reason: &str) {
        self.failed += 1;
        let message = format!("{:?}, line {line}: {reason}", self.table);
        self.output.messages().failure(&Failure::new(Exit::SomeFailed, message));
    }

    fn cut_recording(
        &mut self,
        store: &Store,
        name: &str,
        rows: Vec<Region>,
    ) -> Result<(), Failure> {
        let recording = match self.open_recording(store, name) {
            Ok(recording) => recording,
            Err(failure) => {
                rows.iter().for_each(|row| self.fail(row.line, &failure.message));
                return Ok(());
            }
        };
        let mut cuts: Vec<Cut> =
            rows.into_iter().filter_map(|row| self.cut_of(row, &recording)).collect();
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
            self.tell(cut, written)?;
        }
        match self.how.bits {
            Bits::Int16 => self.cut_all::<i16>(&recording, &short),
            Bits::Int24 | Bits::Float32 => self.cut_all::<f32>(&recording, &short),
        }
    }

    fn open_recording(&self, store: &Store, name: &str) -> Result<Recording, Failure> {
        let mut recording = Recording::open(store, name)?;
        self.how.apply(&mut recording, self.format)?;
        Ok(recording)
    }

    /// Returns none if the row fails, after reporting that, or repeats an earlier row.
    fn cut_of(&mut self, row: Region, recording: &Recording) -> Option<Cut> {
        let line = row.line;
        let found = recording.select(&row.selection).map_err(|error| error.to_string());
        let cut = found.and_then(|range| {
            let file = match &row.name {
                Some(name) => file_name(name, self.format)?,
                None => {
                    let (name, Range { start, end }) = (recording.name(), &range);
                    format!("{name}_{start}-{end}.{}", self.format.extension())
                }
            };
            Ok(Cut { line, range, path: self.directory.join(file) })
        });
        match cut {
            Ok(cut) if self.taken.insert(cut.path.clone()) => Some(cut),
            // Raven writes one row per view.
            Ok(_) if row.name.is_none() => None,
            Ok(cut) => {
                self.fail(line, &format!("{:?} is already the file of another row", cut.path));
                None
            }
            Err(reason) => {
                self.fail(line, &reason);
                None
            }
        }
    }

    fn cut_all<S: LittleEndian>(
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
            told = interrupt::check().and_then(|()| self.tell(cut, written));
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
        let mut extracted = Extracted::new(&place, &cut.path, &cut.range, &sound);
        extracted.line = Some(cut.line);
        let (bytes, proof) = write(sound, Target::file(&cut.path, self.is_forced)?)?;
        if proof.is_err() && !mem::replace(&mut self.is_noted, true) {
            self.how.note(&place, &proof, self.output.messages());
        }
        (extracted.bytes, extracted.is_exact) = (bytes, proof.is_ok());
        extracted.elapsed_seconds = began.elapsed().as_secs_f64();
        Ok(extracted)
    }

    fn tell(&mut self, cut: &Cut, written: Result<Extracted, Failure>) -> Result<(), Failure> {
        match written {
            Ok(extracted) => return self.output.data(&extracted),
            Err(failure) if failure.exit == Exit::Interrupted => return Err(failure),
            Err(failure) => self.fail(cut.line, &failure.message),
        }
        Ok(())
    }
}

/// Turns the name of a region into a file name, which must stay inside the directory.
fn file_name(name: &str, format: Format) -> Result<String, String> {
    let path = Path::new(name);
    if path.file_name() != Some(path.as_os_str()) || name.contains('\\') {
        return Err(format!("invalid file name {name:?}"));
    }
    let has_extension = Format::of(path) == Some(format);
    Ok(if has_extension { name.to_owned() } else { format!("{name}.{}", format.extension()) })
}

/// Samples of all channels above which a cut is streamed: 64 MiB of `f32`.
const LONG: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_inside_the_directory() {
        for name in ["../a", "/a", "a/b", "..", ".", "a/", "a\\b"] {
            assert!(file_name(name, Format::Wav).is_err(), "{name}");
        }
        assert_eq!(file_name("a", Format::Flac).unwrap(), "a.flac");
        assert_eq!(file_name("a.FLAC", Format::Flac).unwrap(), "a.FLAC");
        assert_eq!(file_name("2.5", Format::Wav).unwrap(), "2.5.wav");
    }
}
