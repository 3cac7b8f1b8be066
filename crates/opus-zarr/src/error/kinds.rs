//! The kinds of the errors of other crates.

use std::{error::Error as StdError, io, iter};

use opus_demux::ErrorKind as DemuxKind;
use opus_segment_decode::ErrorKind as DecodeKind;
use opus_transcode::ErrorKind as AudioKind;
use opus_zarr_store::{Error as StoreError, ErrorKind as StoreKind};

use super::{Error, ErrorKind, Reason};
use crate::index::IndexError;

pub(super) fn of_demux(kind: DemuxKind) -> ErrorKind {
    match kind {
        DemuxKind::Open | DemuxKind::Io => ErrorKind::SourceRead,
        DemuxKind::NoOpus => ErrorKind::UnknownFormat,
        DemuxKind::NoSuchTrack => ErrorKind::NoSuchStream,
        DemuxKind::Unsupported => ErrorKind::Unsupported,
        _ => ErrorKind::InvalidSource,
    }
}

pub(super) fn of_audio(kind: AudioKind) -> ErrorKind {
    match kind {
        AudioKind::Io | AudioKind::NotRegular => ErrorKind::SourceRead,
        AudioKind::UnknownFormat => ErrorKind::UnknownFormat,
        AudioKind::NoTrack => ErrorKind::NoSuchStream,
        AudioKind::NoAudio => ErrorKind::NoAudio,
        AudioKind::Unsupported | AudioKind::Encrypted => ErrorKind::Unsupported,
        AudioKind::Malformed => ErrorKind::InvalidSource,
        AudioKind::Ultrasound => ErrorKind::Ultrasound,
        AudioKind::InvalidOption => ErrorKind::InvalidOption,
        _ => ErrorKind::Codec,
    }
}

pub(super) fn of_store(kind: StoreKind) -> ErrorKind {
    match kind {
        StoreKind::NotAStore => ErrorKind::NotAStore,
        StoreKind::IsARecording => ErrorKind::IsARecording,
        StoreKind::NoSuchRecording => ErrorKind::NoSuchRecording,
        StoreKind::RecordingExists => ErrorKind::RecordingExists,
        StoreKind::Replaced => ErrorKind::Replaced,
        StoreKind::NotARecording => ErrorKind::NotARecording,
        StoreKind::HoldsForeign => ErrorKind::HoldsForeign,
        StoreKind::CannotReplace => ErrorKind::CannotReplace,
        StoreKind::Busy => ErrorKind::Busy,
        StoreKind::InvalidName => ErrorKind::InvalidName,
        StoreKind::UnsupportedLayout => ErrorKind::UnsupportedLayout,
        // A recording that exists has all its objects.
        StoreKind::Damaged | StoreKind::MissingObject | StoreKind::Inconsistent => {
            ErrorKind::Damaged
        }
        StoreKind::TooLarge => ErrorKind::TooLarge,
        StoreKind::InvalidClock => ErrorKind::InvalidOption,
        StoreKind::OutOfRange => ErrorKind::Range,
        StoreKind::Cancelled => ErrorKind::Cancelled,
        StoreKind::PermissionDenied => ErrorKind::PermissionDenied,
        StoreKind::ReadOnly => ErrorKind::ReadOnly,
        _ => ErrorKind::Storage,
    }
}

pub(super) fn of_decode(error: &opus_segment_decode::Error) -> ErrorKind {
    match error.kind() {
        DecodeKind::Range => ErrorKind::Range,
        DecodeKind::UnsupportedMapping => ErrorKind::Unsupported,
        DecodeKind::Channels => ErrorKind::Channels,
        DecodeKind::Decoder => ErrorKind::Decoder,
        _ => of_store_in(error),
    }
}

/// The kind of the store's error that caused this one. Without one, stored bytes were read but
/// make no sense.
pub(super) fn of_store_in(error: &(dyn StdError + 'static)) -> ErrorKind {
    store_error_in(error).map_or(ErrorKind::Damaged, |error| of_store(error.kind()))
}

/// Finds the error of a store among an error and its causes.
pub(crate) fn store_error_in<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a StoreError> {
    iter::successors(Some(error), |&error| cause(error)).find_map(|error| error.downcast_ref())
}

/// The cause of an error, also where `source()` skips it.
fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    if let Some(error) = error.downcast_ref::<Error>() {
        return Some(error.reason());
    }
    if let Some(Reason::Store(error)) = error.downcast_ref() {
        return Some(error);
    }
    if let Some(IndexError::Stored(error)) = error.downcast_ref() {
        return Some(error);
    }
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(within) => Some(within),
        None => error.source(),
    }
}
