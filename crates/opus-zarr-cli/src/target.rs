//! Files that verbs write.

use std::{
    fs::{self, File, OpenOptions},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{
    failure::{Exit, Failure},
    interrupt,
    output::{Output, unwritten},
};

/// A file that appears completely or not at all; or standard output, or a device.
pub(crate) struct Target<'a> {
    path: PathBuf,
    sink: Sink<'a>,
    /// Bytes written so far.
    written: u64,
}

enum Sink<'a> {
    Stdout(&'a mut dyn Write),
    /// A device or a pipe, which no file can be renamed to.
    Device(File),
    New(Temporary),
}

/// A file beside its final name.
struct Temporary {
    path: PathBuf,
    file: File,
}

impl<'a> Target<'a> {
    /// Starts a file, or standard output for `-`. Replaces an existing file only if forced.
    /// Defers signals from now on.
    pub(crate) fn create(
        path: &Path,
        is_forced: bool,
        output: &'a mut Output,
    ) -> Result<Self, Failure> {
        if path != Path::new(STDOUT) {
            return Self::file(path, is_forced);
        }
        let sink = Sink::Stdout(output.stdout());
        Ok(Self { path: path.to_owned(), sink, written: 0 })
    }

    /// Starts a file, even one called `-`.
    pub(crate) fn file(path: &Path, is_forced: bool) -> Result<Self, Failure> {
        let failed = |error| Failure::io("write", path, &error);
        let (path, sink) = match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                let message = format!("{path:?} is a directory, expected a file");
                return Err(Failure::new(Exit::Error, message));
            }
            Ok(found) if found.is_file() && !is_forced => {
                return Err(Failure::new(Exit::Error, format!("{path:?} already exists"))
                    .with_hint("use --force to overwrite it"));
            }
            // Replaces the target of a link, not the link.
            Ok(found) if found.is_file() => {
                let path = path.canonicalize().map_err(failed)?;
                (path.clone(), Sink::New(Temporary::beside(&path).map_err(failed)?))
            }
            Ok(_) => {
                let device = OpenOptions::new().write(true).open(path).map_err(failed)?;
                (path.to_owned(), Sink::Device(device))
            }
            Err(_) => (path.to_owned(), Sink::New(Temporary::beside(path).map_err(failed)?)),
        };
        interrupt::defer();
        Ok(Self { path, sink, written: 0 })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if !matches!(self.sink, Sink::Stdout(_)) {
            interrupt::check()?;
        }
        let result = match &mut self.sink {
            Sink::Stdout(sink) => sink.write_all(bytes).map_err(|error| unwritten(&error)),
            Sink::Device(file) | Sink::New(Temporary { file, .. }) => {
                file.write_all(bytes).map_err(|error| Failure::io("write", &self.path, &error))
            }
        };
        self.written += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        result
    }

    /// Overwrites the start of the file, if it can still be changed.
    pub(crate) fn replace_start(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let Sink::New(Temporary { file, .. }) = &mut self.sink else { return Ok(()) };
        let replaced = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(bytes));
        replaced.map_err(|error| Failure::io("write", &self.path, &error))
    }

    /// Makes the file appear under its name; returns its length.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        match self.sink {
            Sink::Stdout(sink) => sink.flush().map_err(|error| unwritten(&error))?,
            Sink::Device(_) => {}
            Sink::New(temporary) => {
                let renamed = fs::rename(&temporary.path, &self.path);
                renamed.map_err(|error| Failure::io("write", &self.path, &error))?;
            }
        }
        Ok(self.written)
    }
}

impl Temporary {
    fn beside(path: &Path) -> std::io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = path.with_file_name(format!(".opus-zarr-{}-{number}.part", process::id()));
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { path, file })
    }
}

/// Removes a file that was not finished, and so not renamed.
impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The name of standard output.
pub(crate) const STDOUT: &str = "-";
