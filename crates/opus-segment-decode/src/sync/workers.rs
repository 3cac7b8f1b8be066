use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, Scope},
};

use super::racer::{Done, Job};
use crate::PacketDecoder;

/// Runs the jobs.
pub(super) struct Workers<D> {
    under_way: usize,
    kind: Kind<D>,
}

enum Kind<D> {
    /// The calling thread runs a job when it asks for a result. `room` holds the output of a
    /// packet.
    Caller { jobs: VecDeque<Job<D>>, room: Vec<f32> },
    /// Threads; an idle one takes the next job.
    Threads { jobs: Sender<Job<D>>, done: Receiver<thread::Result<Done<D>>> },
}

impl<D: PacketDecoder<f32> + Send> Workers<D> {
    /// Starts `threads` threads, or as many as the system grants. They end when this is dropped.
    /// For one thread, the caller's is used. `room` is the length of the longest output of a
    /// packet.
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        threads: NonZeroUsize,
        room: usize,
    ) -> Self
    where
        D: 'scope,
    {
        let (jobs, waiting) = channel();
        let (result, done) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let wanted = if threads == NonZeroUsize::MIN { 0 } else { threads.get() };
        let started = (0..wanted).take_while(|_| {
            let (waiting, result) = (waiting.clone(), result.clone());
            let work = move || work(&waiting, &result, vec![0.0; room]);
            thread::Builder::new().spawn_scoped(scope, work).is_ok()
        });
        let kind = match started.count() {
            0 => Kind::Caller { jobs: VecDeque::new(), room: vec![0.0; room] },
            _ => Kind::Threads { jobs, done },
        };
        Self { under_way: 0, kind }
    }

    pub(super) fn give(&mut self, job: Job<D>) {
        self.under_way += 1;
        match &mut self.kind {
            Kind::Caller { jobs, .. } => jobs.push_back(job),
            // Fails only if all threads have panicked, which `next` reports.
            Kind::Threads { jobs, .. } => drop(jobs.send(job)),
        }
    }

    /// Waits for the next result. Returns `None` if no job is under way.
    ///
    /// # Panics
    ///
    /// Panics if a decoder panicked in a thread.
    pub(super) fn next(&mut self) -> Option<Done<D>> {
        self.under_way = self.under_way.checked_sub(1)?;
        match &mut self.kind {
            Kind::Caller { jobs, room } => jobs.pop_front().map(|job| job.run(room)),
            Kind::Threads { done, .. } => {
                done.recv().ok().map(|done| done.unwrap_or_else(|panic| resume_unwind(panic)))
            }
        }
    }
}

/// Runs jobs until the channel closes. Sends a panic as the result of its job, so that the
/// caller never waits in vain.
fn work<D: PacketDecoder<f32>>(
    jobs: &Mutex<Receiver<Job<D>>>,
    result: &Sender<thread::Result<Done<D>>>,
    mut room: Vec<f32>,
) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        let done = catch_unwind(AssertUnwindSafe(|| job.run(&mut room)));
        if result.send(done).is_err() {
            return;
        }
    }
}
