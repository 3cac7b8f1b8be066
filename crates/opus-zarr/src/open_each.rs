use std::{
    ops::ControlFlow,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use opus_zarr_store::{RecordingName, Store};

use crate::{Error, ErrorKind, Recording};

impl Recording {
    /// Opens all recordings of a store and passes each to `each`, in the order of their names,
    /// until `each` breaks off. Opens several at a time, since each takes a while in a distant
    /// store. A recording that cannot be opened does not stop the others; what other programs have
    /// added to the store is left out.
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
        mut each: impl FnMut(RecordingName, Result<Self, Error>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let mut names = store.recordings()?.collect::<Result<Vec<_>, _>>()?;
        names.sort();
        for names in names.chunks(HELD) {
            for (name, opened) in open_all(store, names) {
                match opened.as_ref().map_err(Error::kind) {
                    // Deleted since it was listed.
                    Err(ErrorKind::NoSuchRecording) => continue,
                    Err(ErrorKind::NotARecording) => {
                        tracing::info!("{name:?} in {:?} is not a recording", store.storage());
                        continue;
                    }
                    _ => {}
                }
                if each(name, opened).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn open_all(
    store: &Store,
    names: &[RecordingName],
) -> Vec<(RecordingName, Result<Recording, Error>)> {
    let (next, opened) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(names.len())));
    let work = || {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let recording = Recording::open(store, name.as_str());
            opened.lock().unwrap_or_else(PoisonError::into_inner).push((name.clone(), recording));
        }
    };
    thread::scope(|scope| {
        for _ in 1..THREADS.min(names.len()) {
            // If no thread starts, this one does all the work.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut opened = opened.into_inner().unwrap_or_else(PoisonError::into_inner);
    opened.sort_by(|(one, _), (other, _)| one.cmp(other));
    opened
}

const THREADS: usize = 16;

/// Recordings that are open at a time.
const HELD: usize = 256;
