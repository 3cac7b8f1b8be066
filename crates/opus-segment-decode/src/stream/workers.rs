use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread::{self, Builder, JoinHandle},
};

use super::piece::Piece;
use crate::PacketDecoder;

/// Threads that decode pieces and return them in order. They own all that they use.
pub(super) struct Workers<D, S> {
    /// `None` once the threads should end.
    jobs: Option<Sender<Job<D, S>>>,
    threads: Vec<JoinHandle<()>>,
    pending: VecDeque<Receiver<Decoded<D, S>>>,
    is_cancelled: Arc<AtomicBool>,
}

type Decoded<D, S> = thread::Result<Piece<D, S>>;

struct Job<D, S> {
    piece: Piece<D, S>,
    done: SyncSender<Decoded<D, S>>,
}

impl<D, S> Workers<D, S> {
    /// Starts `threads` threads, or as many as the system grants. Returns `None` if that is none.
    pub(super) fn start(threads: NonZeroUsize) -> Option<Self>
    where
        D: PacketDecoder<S> + Send + 'static,
        S: Copy + Default + Send + 'static,
    {
        let (jobs, queue) = channel();
        let (queue, is_cancelled) = (Arc::new(Mutex::new(queue)), Arc::new(AtomicBool::new(false)));
        let start = |_| {
            let (queue, is_cancelled) = (Arc::clone(&queue), Arc::clone(&is_cancelled));
            let builder = Builder::new().name("opus-decode".to_owned());
            builder.spawn(move || work(&queue, &is_cancelled)).ok()
        };
        let threads: Vec<_> = (0..threads.get()).map_while(start).collect();
        let is_started = !threads.is_empty();
        let pending = VecDeque::new();
        let workers = Self { jobs: Some(jobs), threads, pending, is_cancelled };
        is_started.then_some(workers)
    }

    /// Whether another piece may be submitted. Allows two more than there are threads, so that
    /// none waits while the caller takes samples or reads packets.
    pub(super) fn have_room(&self) -> bool {
        self.pending.len() < self.threads.len() + 2
    }

    pub(super) fn submit(&mut self, piece: Piece<D, S>) {
        let (done, decoded) = sync_channel(1);
        if let Some(jobs) = &self.jobs {
            // Cannot fail, because the threads only end once `jobs` is dropped.
            let _ = jobs.send(Job { piece, done });
        }
        self.pending.push_back(decoded);
    }

    /// Waits for the next piece in order of submission. Returns `None` after the last.
    ///
    /// # Panics
    ///
    /// Panics if a decoder panicked in a thread.
    pub(super) fn next(&mut self) -> Option<Piece<D, S>> {
        let decoded = self.pending.pop_front()?.recv().ok()?;
        Some(decoded.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

impl<D, S> Drop for Workers<D, S> {
    fn drop(&mut self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // Panics are caught in the thread.
            let _ = thread.join();
        }
    }
}

/// Decodes pieces until the queue closes. If decoding panics, the caller gets the panic instead of the
/// piece, and does not wait forever.
fn work<D: PacketDecoder<S>, S: Copy + Default>(
    queue: &Mutex<Receiver<Job<D, S>>>,
    is_cancelled: &AtomicBool,
) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { mut piece, done }) = job else { return };
        let decoded = catch_unwind(AssertUnwindSafe(move || {
            piece.decode(|| is_cancelled.load(Ordering::Relaxed));
            piece
        }));
        // The caller may have given up the pieces ahead.
        let _ = done.send(decoded);
    }
}
