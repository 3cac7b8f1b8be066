//! Reads and writes objects of a storage, with errors that name them.

use std::{
    fmt::Display,
    io::{self, Write},
    sync::Arc,
};

use crate::{
    AsyncStorage, Error, ObjectWriter, Operation, Part, Storage,
    document::{MAX_METADATA, MAX_VALUES},
    error::{Excess, Reason},
    json::count_values,
};

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

/// Reads a document. One that exceeds the limits is an error and costs no more than they allow.
pub(crate) async fn read_document(storage: &dyn AsyncStorage, key: &str) -> Result<Vec<u8>, Error> {
    let bytes = storage.read(key, Part::Whole(MAX_METADATA)).await;
    let object = || name_of(storage, key);
    let bytes = bytes.map_err(|source| match source.kind() {
        io::ErrorKind::FileTooLarge => {
            let found = source.get_ref().map_or("more".to_owned(), ToString::to_string);
            let excess = Excess::Document { found, limit: MAX_METADATA };
            Reason::TooLarge { object: object(), excess }.into()
        }
        _ => read_error(&object(), &Part::Whole(MAX_METADATA), source),
    })?;
    tracing::trace!(key, bytes = bytes.len(), "read");
    check_document(&object(), &bytes)?;
    Ok(bytes)
}

/// Checks that a document is within the limits.
pub(crate) fn check_document(object: &str, bytes: &[u8]) -> Result<(), Error> {
    let (len, values) = (u64::try_from(bytes.len()).unwrap_or(u64::MAX), count_values(bytes));
    let excess = if len > MAX_METADATA {
        Excess::Document { found: format!("{len} bytes"), limit: MAX_METADATA }
    } else if values > MAX_VALUES {
        Excess::Values { found: values, limit: MAX_VALUES }
    } else {
        return Ok(());
    };
    Err(Reason::TooLarge { object: object.to_owned(), excess }.into())
}

/// The name of an object as people write it.
pub(crate) fn name_of(storage: &(impl Display + ?Sized), key: &str) -> String {
    format!("{storage}/{key}")
}

/// Turns an I/O error into one that names the operation and the object.
pub(crate) fn io_error(operation: Operation, object: &str) -> impl Fn(io::Error) -> Error + use<> {
    let object = object.to_owned();
    move |source| Reason::Io { operation, object: object.clone(), source }.into()
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
        let out = out.map_err(io_error(Operation::Create, &name))?;
        Ok(Self { out, name })
    }

    /// The name as people write it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Makes the object appear.
    pub(crate) fn finish(self) -> Result<(), Error> {
        self.out.finish().map_err(io_error(Operation::Write, &self.name))
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

/// Writes a whole object, replacing the present one, if any.
pub(crate) fn put(storage: &Arc<dyn Storage>, key: &str, bytes: &[u8]) -> Result<(), Error> {
    let mut object = NewObject::create(storage, key)?;
    object.write_all(bytes).map_err(io_error(Operation::Write, object.name()))?;
    object.finish()
}

fn read_error(object: &str, part: &Part, source: io::Error) -> Error {
    let object = object.to_owned();
    match (source.kind(), part) {
        (io::ErrorKind::UnexpectedEof, Part::Range(range)) => {
            let reason = "the object ends before them".to_owned();
            Reason::Damaged { object, bytes: range.clone(), reason }.into()
        }
        (io::ErrorKind::FileTooLarge, Part::Whole(limit)) => {
            Reason::Metadata { object, reason: format!("longer than {limit} bytes") }.into()
        }
        _ => Reason::Io { operation: Operation::Read, object, source }.into(),
    }
}
