use std::{
    io,
    sync::mpsc::{SyncSender, sync_channel},
    thread::{self, JoinHandle},
};

use crate::{Error, object::NewObject};

/// Finishes an object beside the writing of the next, where there are threads: syncing it
/// to the disk, or the end of its upload, takes as long as writing it.
#[derive(Default)]
pub(crate) struct Finisher(Option<Thread>);

struct Thread {
    objects: SyncSender<NewObject>,
    result: JoinHandle<Result<(), Error>>,
}

impl Finisher {
    /// Finishes an object, once the one before is finished. The error may be of that.
    pub(crate) fn finish(&mut self, object: NewObject) -> Result<(), Error> {
        if self.0.is_none() {
            self.0 = Thread::spawn().ok();
        }
        match &self.0 {
            // If it takes no more, it has failed.
            Some(thread) => thread.objects.send(object).or_else(|_| self.wait()),
            None => object.finish(),
        }
    }

    /// Waits for the last object.
    pub(crate) fn wait(&mut self) -> Result<(), Error> {
        let Some(Thread { objects, result }) = self.0.take() else { return Ok(()) };
        drop(objects);
        result.join().unwrap_or_else(|_| {
            Err(Error::Inconsistent { reason: "a thread that writes has died".to_owned() })
        })
    }
}

/// What is given up must not go on being written.
impl Drop for Finisher {
    fn drop(&mut self) {
        if let Err(error) = self.wait() {
            tracing::debug!(%error, "given up");
        }
    }
}

impl Thread {
    fn spawn() -> io::Result<Self> {
        // One is being finished and none waits, so that memory holds two at most.
        let (objects, finished) = sync_channel::<NewObject>(0);
        let finish = move || finished.iter().try_for_each(NewObject::finish);
        Ok(Self { objects, result: thread::Builder::new().spawn(finish)? })
    }
}
