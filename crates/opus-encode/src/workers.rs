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
    Error,
    error::Reason,
    segments::{Packets, Segment},
};

type Encoded = Result<Packets, Error>;

/// Threads that encode segments and return their packets in order. A single thread means that of
/// the caller.
pub(crate) struct Workers {
    /// `None` once the threads should end.
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    pending: VecDeque<Receiver<Encoded>>,
}

struct Job {
    segment: Segment,
    done: SyncSender<Encoded>,
}

impl Workers {
    pub(crate) fn new(threads: NonZeroUsize) -> Result<Self, Error> {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let mut workers = Self { jobs: Some(jobs), threads: Vec::new(), pending: VecDeque::new() };
        if threads > NonZeroUsize::MIN {
            for _ in 0..threads.get() {
                let queue = Arc::clone(&queue);
                let builder = Builder::new().name("opus-encode".to_owned());
                workers.threads.push(builder.spawn(move || work(&queue)).map_err(Reason::Thread)?);
            }
        }
        Ok(workers)
    }

    /// Returns whether another segment may be submitted. Allows one more than there are threads, so
    /// that none waits while the caller reads.
    pub(crate) fn have_room(&self) -> bool {
        self.pending.len() < self.threads.len() + 1
    }

    pub(crate) fn submit(&mut self, segment: Segment) -> Result<(), Error> {
        let (done, encoded) = sync_channel(1);
        let job = Job { segment, done };
        match &self.jobs {
            Some(jobs) if !self.threads.is_empty() => {
                jobs.send(job).map_err(|_| Reason::Panicked)?;
            }
            _ => job.run(),
        }
        self.pending.push_back(encoded);
        Ok(())
    }

    /// Returns the packets of the next segment in order of submission, or `None` after the last.
    pub(crate) fn next(&mut self) -> Option<Encoded> {
        let encoded = self.pending.pop_front()?;
        Some(encoded.recv().unwrap_or_else(|_| Err(Reason::Panicked.into())))
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A panic already surfaced as missing packets.
            let _ = thread.join();
        }
    }
}

impl Job {
    fn run(self) {
        // The stream may have been dropped.
        let _ = self.done.send(self.segment.encode());
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is released before the job runs, and never poisoned, since nothing panics
        // while holding it.
        let Some(job) = queue.lock().ok().and_then(|queue| queue.recv().ok()) else { return };
        job.run();
    }
}
