use std::{
    io,
    sync::mpsc::{SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use crate::{Error, object::NewObject};

/// Finishes an object in a thread while the next one is written: syncing it to the disk, or
/// completing its upload, takes as long as writing it.
#[derive(Default)]
pub(crate) struct Finisher(Option<Thread>);

struct Thread {
    objects: SyncSender<NewObject>,
    result: JoinHandle<Result<(), Error>>,
}

impl Finisher {
    /// Finishes an object once the previous one is finished. May return the error of the
    /// previous one.
    pub(crate) fn finish(&mut self, object: NewObject) -> Result<(), Error> {
        if self.0.is_none() {
            self.0 = Thread::spawn().ok();
        }
        match &self.0 {
            // The thread takes no more objects after a failure.
            Some(thread) => thread.objects.send(object).or_else(|_| self.wait()),
            None => object.finish(),
        }
    }

    /// Waits until the last object is finished.
    pub(crate) fn wait(&mut self) -> Result<(), Error> {
        let Some(Thread { objects, result }) = self.0.take() else { return Ok(()) };
        drop(objects);
        let joined = result.join();
        joined.unwrap_or_else(|_| Err(Error::inconsistent("the thread that writes has panicked")))
    }
}

/// Stops writing before an abandoned recording is removed.
impl Drop for Finisher {
    fn drop(&mut self) {
        if let Err(error) = self.wait() {
            tracing::debug!(?error, "abandoned an object");
        }
    }
}

impl Thread {
    fn spawn() -> io::Result<Self> {
        // One object is being finished and none waits, so at most two are in memory.
        let (objects, finished) = sync_channel::<NewObject>(0);
        let finish = move || finished.iter().try_for_each(NewObject::finish);
        Ok(Self { objects, result: thread::Builder::new().spawn(finish)? })
    }
}
