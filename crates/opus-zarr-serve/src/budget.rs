//! How much may be decoded at a time. Requests beyond that wait, and beyond a number of waiting ones they
//! are refused, so memory does not grow with the number of clients.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

use crate::{Options, Problem};

#[derive(Debug)]
pub(crate) struct Budget {
    threads: Arc<Semaphore>,
    /// In units of [`UNIT`] bytes.
    memory: Arc<Semaphore>,
    memory_units: u32,
    waiting: AtomicUsize,
    most_waiting: usize,
    patience: Duration,
}

impl Budget {
    pub(crate) fn new(options: &Options) -> Self {
        let memory_units = units(options.memory);
        Self {
            threads: Arc::new(Semaphore::new(options.threads.get())),
            memory: Arc::new(Semaphore::new(usize::try_from(memory_units).unwrap_or(usize::MAX))),
            memory_units,
            waiting: AtomicUsize::new(0),
            most_waiting: options.waiting,
            patience: options.patience,
        }
    }

    /// Runs blocking work.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.wait(&self.threads, 1).await?;
        blocking(permit, work).await
    }

    /// Runs work that makes bytes, at most this many. They count until they are sent.
    pub(crate) async fn bytes(
        &self,
        most: usize,
        work: impl FnOnce() -> Result<Vec<u8>, Problem> + Send + 'static,
    ) -> Result<Bytes, Problem> {
        let share = units(most).min(self.memory_units);
        let memory = self.wait(&self.memory, share).await?;
        let bytes = self.run(work).await?;
        Ok(Bytes::from_owner(Held { bytes, _memory: memory }))
    }

    /// Makes more bytes of an answer that has begun, which is never refused.
    pub(crate) async fn later_bytes(
        &self,
        most: usize,
        work: impl FnOnce() -> Result<Vec<u8>, Problem> + Send + 'static,
    ) -> Result<Bytes, Problem> {
        let share = units(most).min(self.memory_units);
        let memory = self.memory.clone().acquire_many_owned(share).await;
        let permit = self.threads.clone().acquire_owned().await;
        // Semaphores are never closed.
        let (Ok(memory), Ok(permit)) = (memory, permit) else { return Err(Problem::busy()) };
        let bytes = blocking(permit, work).await?;
        Ok(Bytes::from_owner(Held { bytes, _memory: memory }))
    }

    /// Requests that wait for their turn.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    async fn wait(
        &self,
        semaphore: &Arc<Semaphore>,
        count: u32,
    ) -> Result<OwnedSemaphorePermit, Problem> {
        if let Ok(permit) = semaphore.clone().try_acquire_many_owned(count) {
            return Ok(permit);
        }
        let turn = Turn(&self.waiting);
        if turn.0.fetch_add(1, Ordering::Relaxed) >= self.most_waiting {
            return Err(Problem::busy());
        }
        match timeout(self.patience, semaphore.clone().acquire_many_owned(count)).await {
            Ok(Ok(permit)) => Ok(permit),
            // Semaphores are never closed.
            Ok(Err(_)) | Err(_) => Err(Problem::busy()),
        }
    }
}

async fn blocking<T: Send + 'static>(
    permit: OwnedSemaphorePermit,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = spawn_blocking(move || {
        // The work goes on if the client goes away, and so does its share.
        let _permit = permit;
        work()
    });
    done.await.unwrap_or_else(|_| {
        tracing::error!("a request panicked");
        Err(Problem::new(hyper::StatusCode::INTERNAL_SERVER_ERROR, "an internal error"))
    })
}

/// Counts a request that waits, until it no longer does or is given up.
struct Turn<'a>(&'a AtomicUsize);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Held {
    bytes: Vec<u8>,
    _memory: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).max(1)
}

const UNIT: usize = 1024;

#[cfg(test)]
mod tests {
    use std::{num::NonZeroUsize, sync::mpsc, time::Instant};

    use hyper::StatusCode;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
    }

    fn small() -> Arc<Budget> {
        let options = Options {
            threads: NonZeroUsize::MIN,
            waiting: 2,
            patience: Duration::from_millis(200),
            memory: 4096,
            ..Options::default()
        };
        Arc::new(Budget::new(&options))
    }

    #[test]
    fn beyond_the_queue_requests_are_refused_and_the_queue_ends() {
        let (budget, runtime) = (small(), runtime());
        let (end, ended) = mpsc::channel::<()>();
        let work = {
            let budget = budget.clone();
            async move {
                budget
                    .run(move || {
                        let _ = ended.recv();
                        Ok(())
                    })
                    .await
            }
        };
        let busy = runtime.spawn(work);
        while budget.threads.available_permits() > 0 {
            std::thread::yield_now();
        }
        let wait = || {
            let budget = budget.clone();
            runtime.spawn(async move { budget.run(|| Ok(())).await })
        };
        let waiting = [wait(), wait()];
        while budget.waiting() < 2 {
            std::thread::yield_now();
        }
        let began = Instant::now();
        let refused = runtime.block_on(wait()).unwrap().unwrap_err();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(began.elapsed() < Duration::from_millis(150));
        end.send(()).unwrap();
        runtime.block_on(busy).unwrap().unwrap();
        for one in waiting {
            runtime.block_on(one).unwrap().unwrap();
        }
        assert_eq!(budget.waiting(), 0);
    }

    #[test]
    fn bytes_count_until_they_are_dropped() {
        let (budget, runtime) = (small(), runtime());
        let take = |most| runtime.block_on(budget.bytes(most, move || Ok(vec![7; most])));
        let held = take(3000).unwrap();
        assert_eq!(take(3000).unwrap_err().status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(held);
        // More than there is takes all of it.
        assert_eq!(take(10_000).unwrap().len(), 10_000);
        assert_eq!(budget.waiting(), 0);
    }

    #[test]
    fn a_panic_is_an_answer_and_frees_its_share() {
        let (budget, runtime) = (small(), runtime());
        for _ in 0..3 {
            let failed = runtime.block_on(budget.run::<()>(|| panic!("on purpose")));
            assert_eq!(failed.unwrap_err().status(), StatusCode::INTERNAL_SERVER_ERROR);
        }
        assert_eq!(budget.threads.available_permits(), 1);
    }
}
