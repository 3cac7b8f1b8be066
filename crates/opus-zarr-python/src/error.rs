use std::error::Error as StdError;

use opus_zarr::{Error, ErrorKind};
use pyo3::{
    PyErr,
    exceptions::{
        PyFileExistsError, PyFileNotFoundError, PyIndexError, PyKeyboardInterrupt, PyOSError,
        PyPermissionError, PyValueError,
    },
};

mod classes {
    use pyo3::import_exception;

    import_exception!(opus_zarr._errors, DamageError);
    import_exception!(opus_zarr._errors, LockedError);
    import_exception!(opus_zarr._errors, NotExactError);
    import_exception!(opus_zarr._errors, OpusZarrError);
}

pub(crate) use classes::{DamageError, LockedError, NotExactError, OpusZarrError};

/// Raises an error as the exception of Python that fits, or else as one of ours.
pub(crate) fn raised(error: impl Into<Error>) -> PyErr {
    let error = error.into();
    let message = with_causes(&error);
    match error.kind() {
        ErrorKind::NotAStore | ErrorKind::NoSuchRecording | ErrorKind::NotARecording => {
            PyFileNotFoundError::new_err(message)
        }
        ErrorKind::SourceRead => of_io(&error, message),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnly => PyPermissionError::new_err(message),
        ErrorKind::RecordingExists | ErrorKind::OtherFile | ErrorKind::OtherSettings => {
            PyFileExistsError::new_err(message)
        }
        ErrorKind::Range | ErrorKind::BeyondEnd => PyIndexError::new_err(message),
        ErrorKind::InvalidName
        | ErrorKind::InvalidOption
        | ErrorKind::Channels
        | ErrorKind::BufferLength
        | ErrorKind::IsARecording
        | ErrorKind::IsAStore
        | ErrorKind::SameName
        | ErrorKind::NoSuchStream
        | ErrorKind::UnknownStart
        | ErrorKind::BeforeStart
        | ErrorKind::Gap
        | ErrorKind::NothingRecorded
        | ErrorKind::DifferentChannels
        | ErrorKind::DifferentRates
        | ErrorKind::InvalidCorrection => PyValueError::new_err(message),
        ErrorKind::Storage | ErrorKind::Thread => PyOSError::new_err(message),
        ErrorKind::Cancelled => PyKeyboardInterrupt::new_err(message),
        ErrorKind::Damaged => {
            let bytes = error.bytes().map(|bytes| (bytes.start, bytes.end));
            DamageError::new_err((message, place_of(&error), bytes))
        }
        ErrorKind::NotExact => NotExactError::new_err((message, place_of(&error))),
        ErrorKind::Busy => LockedError::new_err((message, place_of(&error))),
        _ => OpusZarrError::new_err((message, place_of(&error))),
    }
}

/// Raises the error of a storage that cannot be opened.
pub(crate) fn raised_by_url(error: &opus_zarr_object_store::Error) -> PyErr {
    PyValueError::new_err(with_causes(error))
}

/// An error and its causes in one line.
pub(crate) fn with_causes(error: &dyn StdError) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        next = cause.source();
    }
    line
}

/// Where an error is, as far as it says: the recording, or else the object or file.
fn place_of(error: &Error) -> Option<String> {
    let object = || error.object().map(str::to_owned);
    let path = || error.path().map(|path| path.display().to_string());
    object().or_else(|| error.recording().map(ToString::to_string)).or_else(path)
}

/// A file that cannot be read is missing or forbidden more often than not.
fn of_io(error: &Error, message: String) -> PyErr {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return match io.kind() {
                std::io::ErrorKind::NotFound => PyFileNotFoundError::new_err(message),
                std::io::ErrorKind::PermissionDenied => PyPermissionError::new_err(message),
                _ => PyOSError::new_err(message),
            };
        }
        next = cause.source();
    }
    PyOSError::new_err(message)
}
