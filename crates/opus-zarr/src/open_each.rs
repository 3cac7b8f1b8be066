use std::ops::ControlFlow;

use opus_zarr_store::{RecordingName, Store};

use crate::{Error, ErrorKind, Recording, RecordingFilter, in_order::in_order};

impl Recording {
    /// Opens all recordings of a store and passes each to `each`, in the order of their names,
    /// until `each` breaks off. Opens several at a time, since each takes a while in a distant
    /// store, but holds few, however many the store has. A recording that cannot be opened does not
    /// stop the others; what other programs have added to the store is left out.
    ///
    /// ```no_run
    /// # use std::ops::ControlFlow;
    /// # use opus_zarr::{Recording, Store};
    /// # fn main() -> Result<(), opus_zarr::Error> {
    /// Recording::open_each(&Store::open("archive.zarr")?, |name, recording| {
    ///     match recording {
    ///         Ok(recording) => println!("{name}: {:?}", recording.info().duration()),
    ///         Err(error) => println!("{name}: {error}"),
    ///     }
    ///     ControlFlow::Continue(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The store cannot be listed.
    pub fn open_each(
        store: &Store,
        each: impl FnMut(RecordingName, Result<Self, Error>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        Self::open_matching(store, &RecordingFilter::default(), each)
    }

    /// Opens the recordings that match a filter, like [`open_each`](Self::open_each). Those whose
    /// names do not match are never opened, and a filter that [names](RecordingFilter::name) all it selects does
    /// not list the store.
    ///
    /// A recording that cannot be opened is passed on if its name matches: nothing else is known
    /// about it.
    ///
    /// # Errors
    ///
    /// The store cannot be listed.
    pub fn open_matching(
        store: &Store,
        filter: &RecordingFilter,
        mut each: impl FnMut(RecordingName, Result<Self, Error>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut names = match filter.listed_names() {
            Some(names) => names,
            None => store.recordings()?.collect::<Result<_, _>>()?,
        };
        names.retain(|name| filter.matches_name(name.as_str()));
        names.sort();
        let open = |name: &RecordingName| Self::open(store, name.as_str());
        in_order(&names, open, |name, opened| match &opened {
            Ok(recording) if !filter.matches(name.as_str(), recording.info()) => {
                ControlFlow::Continue(())
            }
            Err(error) if is_no_recording(error, name, store) => ControlFlow::Continue(()),
            _ => each(name.clone(), opened),
        });
        Ok(())
    }
}

/// Whether a name turned out to belong to no recording.
fn is_no_recording(error: &Error, name: &RecordingName, store: &Store) -> bool {
    match error.kind() {
        // Deleted since it was listed.
        ErrorKind::NoSuchRecording => true,
        ErrorKind::NotARecording => {
            tracing::info!("{name:?} in {:?} is not a recording", store.storage());
            true
        }
        _ => false,
    }
}
