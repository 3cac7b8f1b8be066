//! Files that verbs write.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tempfile::NamedTempFile;

use crate::{
    failure::{Exit, Failure},
    interrupt,
    output::{Output, unwritten},
};

/// A file that appears completely or not at all; or standard output, or a device.
pub(crate) struct Target<'a> {
    path: PathBuf,
    sink: Sink<'a>,
    is_forced: bool,
    /// Bytes written so far.
    written: u64,
}

enum Sink<'a> {
    Stdout(&'a mut dyn Write),
    /// A device or a pipe, which no file can be renamed to.
    Device(File),
    /// A file beside its final name.
    New(NamedTempFile),
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
        Ok(Self { path: path.to_owned(), sink, is_forced, written: 0 })
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
                return Err(exists(path));
            }
            // Replaces the target of a link, not the link.
            Ok(found) if found.is_file() => {
                let path = path.canonicalize().map_err(failed)?;
                (path.clone(), Sink::New(beside(&path).map_err(failed)?))
            }
            Ok(_) => {
                let device = OpenOptions::new().write(true).open(path).map_err(failed)?;
                (path.to_owned(), Sink::Device(device))
            }
            Err(_) => (path.to_owned(), Sink::New(beside(path).map_err(failed)?)),
        };
        interrupt::defer();
        Ok(Self { path, sink, is_forced, written: 0 })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if !matches!(self.sink, Sink::Stdout(_)) {
            interrupt::check()?;
        }
        self.write_last(bytes)
    }

    /// Writes even after a signal, for a small file that says what was done until then.
    pub(crate) fn write_last(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let result = match &mut self.sink {
            Sink::Stdout(sink) => sink.write_all(bytes).map_err(|error| unwritten(&error)),
            Sink::Device(file) => {
                file.write_all(bytes).map_err(|error| Failure::io("write", &self.path, &error))
            }
            Sink::New(file) => {
                file.write_all(bytes).map_err(|error| Failure::io("write", &self.path, &error))
            }
        };
        self.written += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        result
    }

    /// Overwrites the start of the file, if it can still be changed.
    pub(crate) fn replace_start(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let Sink::New(file) = &mut self.sink else { return Ok(()) };
        let replaced = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(bytes));
        replaced.map_err(|error| Failure::io("write", &self.path, &error))
    }

    /// Makes the file appear under its name; returns its length.
    pub(crate) fn finish(self) -> Result<u64, Failure> {
        match self.sink {
            Sink::Stdout(sink) => sink.flush().map_err(|error| unwritten(&error))?,
            Sink::Device(_) => {}
            Sink::New(file) => {
                let named = name_for_good(file, &self.path, self.is_forced);
                named.map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => exists(&self.path),
                    _ => Failure::io("write", &self.path, &error),
                })?;
            }
        }
        Ok(self.written)
    }
}

fn exists(path: &Path) -> Failure {
    Failure::new(Exit::Error, format!("{path:?} already exists"))
        .with_hint("use --force to overwrite it")
}

/// Creates a file under a name that nobody else has, in the directory of another.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
    let file = builder.tempfile_in(directory)?;
    // Tells other processes that this one lives, where files can be locked.
    let _ = file.as_file().try_lock();
    remove_dead(directory);
    Ok(file)
}

/// Gives a file its name, once its bytes are on the disk.
fn name_for_good(file: NamedTempFile, path: &Path, is_forced: bool) -> io::Result<()> {
    file.as_file().sync_all()?;
    let named = if is_forced { file.persist(path) } else { file.persist_noclobber(path) };
    match named {
        Ok(_) => Ok(()),
        // Some file systems can only replace.
        Err(refused) if refused.error.kind() == io::ErrorKind::Unsupported && !path.exists() => {
            refused.file.persist(path).map(drop).map_err(|refused| refused.error)
        }
        Err(refused) => Err(refused.error),
    }
}

/// Removes the files of processes that were killed.
fn remove_dead(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !(name.starts_with(PREFIX) && name.ends_with(SUFFIX)) {
            continue;
        }
        let modified = entry.metadata().and_then(|found| found.modified());
        let age = modified.ok().and_then(|then| SystemTime::now().duration_since(then).ok());
        let is_dead = age.is_some_and(|age| age > FORGOTTEN)
            && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if is_dead {
            let _ = fs::remove_file(entry.path());
        }
    }
}

const PREFIX: &str = ".opus-zarr-";
const SUFFIX: &str = ".part";
/// Locks may not reach other machines, but files that are being written are young there too.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

/// The name of standard output.
pub(crate) const STDOUT: &str = "-";
