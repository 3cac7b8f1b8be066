use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread::{Builder, JoinHandle},
};

use crate::{
    EncodeError,
    segments::{Packets, Segment},
};

type Encoded = Result<Packets, EncodeError>;

/// Threads that encode segments, whose packets come back in order. One thread is that of the
/// caller.
pub(crate) struct Workers {
    /// None once it is to end.
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    pending: VecDeque<Receiver<Encoded>>,
}

struct Job {
    segment: Segment,
    done: SyncSender<Encoded>,
}

impl Workers {
    pub(crate) fn new(threads: NonZeroUsize) -> Result<Self, EncodeError> {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let mut workers = Self { jobs: Some(jobs), threads: Vec::new(), pending: VecDeque::new() };
        if threads > NonZeroUsize::MIN {
            for _ in 0..threads.get() {
                let queue = Arc::clone(&queue);
                let builder = Builder::new().name("opus-encode".to_owned());
                workers.threads.push(builder.spawn(move || work(&queue))?);
            }
        }
        Ok(workers)
    }

    /// Whether a segment can be submitted before one is taken. One more than there are threads,
    /// so that none waits while the caller reads.
    pub(crate) fn have_room(&self) -> bool {
        self.pending.len() < self.threads.len() + 1
    }

    pub(crate) fn submit(&mut self, segment: Segment) -> Result<(), EncodeError> {
        let (done, encoded) = sync_channel(1);
        let job = Job { segment, done };
        match &self.jobs {
            Some(jobs) if !self.threads.is_empty() => {
                jobs.send(job).map_err(|_| EncodeError::Panicked)?;
            }
            _ => job.run(),
        }
        self.pending.push_back(encoded);
        Ok(())
    }

    /// The packets of the segment that was submitted first, or None if all were taken.
    pub(crate) fn next(&mut self) -> Option<Encoded> {
        let encoded = self.pending.pop_front()?;
        Some(encoded.recv().unwrap_or(Err(EncodeError::Panicked)))
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // One that has panicked has told already: the packets it owed are missing.
            let _ = thread.join();
        }
    }
}

impl Job {
    fn run(self) {
        // Nobody waits if the stream was dropped.
        let _ = self.done.send(self.segment.encode());
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is given up before the job is run. It is never poisoned: nothing panics
        // while it is held.
        let Some(job) = queue.lock().ok().and_then(|queue| queue.recv().ok()) else { return };
        job.run();
    }
}
