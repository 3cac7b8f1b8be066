//! The threads on which requests run.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::oneshot,
    task::JoinHandle,
};

/// The threads for all requests, async ones included, each with a tokio runtime of its own. Connections
/// that a client keeps open live in the runtime that opened them. If that runtime is not polled, or its
/// thread is blocked, requests from elsewhere would hang.
///
/// Not a runtime of several threads, because starting one panics if a thread cannot start.
#[derive(Clone)]
pub(crate) struct Tasks(Arc<Threads>);

struct Threads {
    all: Vec<Thread>,
    /// Counts tasks, which the threads take in turn.
    next: AtomicUsize,
}

/// A thread that runs tasks until it is dropped.
struct Thread {
    runtime: Handle,
    _stop: oneshot::Sender<()>,
}

impl Tasks {
    /// Fails if not even one thread can start.
    pub(crate) fn start() -> io::Result<Self> {
        let mut all = vec![Thread::start()?];
        all.extend((1..THREADS).map_while(|_| Thread::start().ok()));
        Ok(Self(Arc::new(Threads { all, next: AtomicUsize::new(0) })))
    }

    /// Runs a task and blocks the calling thread until it ends. Works on a thread of another
    /// runtime, where starting a runtime would panic.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        task: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        let (send, receive) = mpsc::sync_channel(1);
        self.spawn(async move {
            // Fails only if the caller no longer waits.
            let _ = send.send(task.await);
        })?;
        receive.recv().unwrap_or_else(|_| Err(stopped()))
    }

    /// Runs a task that the caller awaits in any runtime. Dropping the future stops the task.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        Stopping(self.spawn(task)?).await
    }

    /// Starts a task.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> io::Result<JoinHandle<T>> {
        let Threads { all, next } = &*self.0;
        let number = next.fetch_add(1, Ordering::Relaxed) % all.len().max(1);
        let thread = all.get(number).ok_or_else(stopped)?;
        Ok(thread.runtime.spawn(task))
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tasks")
    }
}

impl Thread {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .thread_name(NAME)
            .thread_keep_alive(FOREVER)
            .build()?;
        let handle = runtime.handle().clone();
        let runtime = Owned(Some(runtime));
        // Names of hosts are looked up in another thread. tokio panics if it cannot start, so start it
        // now, if a thread can.
        thread::Builder::new().spawn(|| ())?.join().map_err(|_| stopped())?;
        drop(handle.spawn_blocking(|| ()));
        let (stop, stopped) = oneshot::channel();
        thread::Builder::new().name(NAME.to_owned()).spawn(move || {
            if let Some(runtime) = &runtime.0 {
                // Ends when the sender is dropped.
                let _: Result<(), _> = runtime.block_on(stopped);
            }
        })?;
        Ok(Self { runtime: handle, _stop: stop })
    }
}

/// Shuts its runtime down when dropped. Does not wait for tasks, which would panic on a thread of another
/// runtime.
struct Owned(Option<Runtime>);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Aborts its task when dropped, since nobody awaits it any more.
struct Stopping<T>(JoinHandle<io::Result<T>>);

impl<T> Future for Stopping<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let result = Pin::new(&mut self.0).poll(context);
        result.map(|result| result.unwrap_or_else(|_| Err(stopped())))
    }
}

impl<T> Drop for Stopping<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn stopped() -> io::Error {
    io::Error::other("the request was stopped")
}

/// Threads mostly wait. Two, so that encrypting one transfer does not delay the others.
const THREADS: usize = 2;
const NAME: &str = "opus-zarr-object-store";
/// A thread for names of hosts stays, since another one may not start later.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
