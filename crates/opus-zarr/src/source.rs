use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use ogg_opus_demux::{OggOpusReader, OggOpusWriter, WriteError};
use opus_packet::{OpusHead, OpusTags, Timeline};
use opus_zarr_store::BlobWriter;
use sha2::{Digest, Sha256};

use crate::Error;

/// An Ogg Opus file that has been read once from end to end without a fault.
pub(crate) struct SourceFile {
    path: PathBuf,
    pub(crate) head: OpusHead,
    pub(crate) tags: OpusTags,
    pub(crate) timeline: Timeline,
    pub(crate) bytes: u64,
    sha256: [u8; 32],
    serial: u32,
    /// Whether every packet lies in one page, so that the file can be the blob.
    pub(crate) is_canonical: bool,
}

impl SourceFile {
    /// Reads the file and checks all of it.
    pub(crate) fn survey(path: &Path) -> Result<Self, Error> {
        let fault = |reason| Error::Source { path: path.to_owned(), reason };
        let mut input = Hashing::new(open(path)?);
        let mut reader = OggOpusReader::new(&mut input).map_err(fault)?;
        let mut is_canonical = true;
        while let Some(packet) = reader.next_ogg_packet().map_err(fault)? {
            is_canonical &= packet.offset.is_some();
        }
        let (head, tags, serial) = (reader.head().clone(), reader.tags().clone(), reader.serial());
        let timeline = reader.timeline().filter(|timeline| timeline.play_len() > 0);
        let timeline = timeline.ok_or_else(|| Error::NoAudio {
            path: path.to_owned(),
            coded_len: reader.timeline().map_or(0, |timeline| timeline.coded_len()),
            pre_skip: head.pre_skip().into(),
        })?;
        drop(reader);
        let (bytes, sha256) = input.finish();
        let path = path.to_owned();
        Ok(Self { path, head, tags, timeline, bytes, sha256, serial, is_canonical })
    }

    /// Writes the file to the blob: as it is if it is canonical, else its packets
    /// in canonical pages.
    pub(crate) fn write_to(&self, blob: &mut BlobWriter) -> Result<(), Error> {
        let mut input = Hashing::new(open(&self.path)?);
        if self.is_canonical {
            io::copy(&mut input, blob).map_err(|error| self.copy_error(error))?;
        } else {
            self.remux(&mut input, blob)?;
        }
        if input.finish() != (self.bytes, self.sha256) {
            return Err(Error::SourceChanged { path: self.path.clone() });
        }
        Ok(())
    }

    /// SHA-256 of the file, in hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        self.sha256.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn remux(&self, input: impl Read, blob: &mut BlobWriter) -> Result<(), Error> {
        let source_fault = |reason| Error::Source { path: self.path.clone(), reason };
        let mut reader = OggOpusReader::new(input).map_err(source_fault)?;
        let mut writer = OggOpusWriter::new(blob, self.serial, &self.head, &self.tags)
            .map_err(|reason| self.write_error(reason))?;
        while let Some(packet) = reader.next_ogg_packet().map_err(source_fault)? {
            writer.write(packet.data).map_err(|reason| self.write_error(reason))?;
        }
        writer.finish(self.timeline.end_trim()).map_err(|reason| self.write_error(reason))?;
        Ok(())
    }

    fn write_error(&self, reason: WriteError) -> Error {
        match reason {
            WriteError::Io { source } => self.copy_error(source),
            reason => Error::Remux { path: self.path.clone(), reason },
        }
    }

    /// A failure to copy is one of the store, or else of reading the file.
    fn copy_error(&self, error: io::Error) -> Error {
        match error.downcast::<opus_zarr_store::Error>() {
            Ok(store) => store.into(),
            Err(source) => Error::ReadSource { path: self.path.clone(), source },
        }
    }
}

/// Hashes and counts what is read.
struct Hashing<R> {
    inner: R,
    sha256: Sha256,
    bytes: u64,
}

impl<R: Read> Hashing<R> {
    fn new(inner: R) -> Self {
        Self { inner, sha256: Sha256::new(), bytes: 0 }
    }

    fn finish(self) -> (u64, [u8; 32]) {
        (self.bytes, self.sha256.finalize().into())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.sha256.write_all(out.get(..count).unwrap_or_default())?;
        self.bytes += u64::try_from(count).unwrap_or_default();
        Ok(count)
    }
}

/// Opens a regular file: one that gives the same when it is read a second time.
fn open(path: &Path) -> Result<File, Error> {
    let fault = |source| Error::OpenSource { path: path.to_owned(), source };
    // Before it is opened: to open a pipe waits for a writer.
    let kind = fs::metadata(path).map_err(fault)?.file_type();
    if kind.is_dir() {
        return Err(fault(io::ErrorKind::IsADirectory.into()));
    }
    if !kind.is_file() {
        return Err(fault(io::Error::other("not a regular file")));
    }
    File::open(path).map_err(fault)
}
