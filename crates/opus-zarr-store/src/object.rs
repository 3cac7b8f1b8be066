//! Objects of a storage, read and written with errors that name them.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
    sync::Arc,
};

use crate::{AsyncStorage, Error, ObjectWriter, Part, Storage};

/// Reads a part of an object.
pub(crate) async fn read(
    storage: &dyn AsyncStorage,
    key: &str,
    part: Part,
) -> Result<Vec<u8>, Error> {
    let bytes = storage.read(key, part.clone()).await;
    let bytes = bytes.map_err(|source| read_error(&name_of(storage, key), &part, source))?;
    tracing::trace!(key, ?part, bytes = bytes.len(), "read");
    Ok(bytes)
}

/// How people write the name of an object.
pub(crate) fn name_of(storage: &(impl Display + ?Sized), key: &str) -> String {
    format!("{storage}/{key}")
}

pub(crate) fn is_absent(error: &Error) -> bool {
    let Error::Io { source, .. } = error else { return false };
    matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Turns an I/O error into one that says what was done to what.
pub(crate) fn io_error(action: &'static str, object: &str) -> impl Fn(io::Error) -> Error + use<> {
    let object = object.to_owned();
    move |source| Error::Io { action, object: object.clone(), source }
}

/// An object that is being written.
pub(crate) struct NewObject {
    out: Box<dyn ObjectWriter>,
    name: String,
}

impl NewObject {
    pub(crate) fn create(storage: &Arc<dyn Storage>, key: &str) -> Result<Self, Error> {
        let name = name_of(storage, key);
        let out = storage.writing().and_then(|storage| storage.create(key));
        let out = out.map_err(io_error("create", &name))?;
        Ok(Self { out, name })
    }

    /// How people write its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Makes it appear.
    pub(crate) fn finish(self) -> Result<(), Error> {
        self.out.finish().map_err(io_error("write", &self.name))
    }
}

impl Write for NewObject {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a whole object, in place of the one that is there, if any.
pub(crate) fn put(storage: &Arc<dyn Storage>, key: &str, bytes: &[u8]) -> Result<(), Error> {
    let mut object = NewObject::create(storage, key)?;
    object.write_all(bytes).map_err(io_error("write", object.name()))?;
    object.finish()
}

fn read_error(object: &str, part: &Part, source: io::Error) -> Error {
    match (source.kind(), part) {
        (ErrorKind::UnexpectedEof, Part::Range(range)) => Error::Damaged {
            object: object.to_owned(),
            offset: range.start,
            end: range.end,
            reason: "the object ends before".to_owned(),
        },
        (ErrorKind::FileTooLarge, Part::Whole(limit)) => {
            let reason = format!("longer than {limit} bytes");
            Error::Metadata { object: object.to_owned(), reason }
        }
        _ => io_error("read", object)(source),
    }
}
