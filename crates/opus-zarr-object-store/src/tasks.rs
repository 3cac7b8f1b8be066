//! The threads on which requests run.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, mpsc},
    task::{Context, Poll},
};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

/// A tokio runtime for all requests, async ones included. Connections that a client keeps open live
/// in the runtime that opened them. If that runtime is not polled, or its thread is blocked,
/// requests from elsewhere would hang.
#[derive(Clone)]
pub(crate) struct Tasks(Arc<Owned>);

impl Tasks {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("opus-zarr-object-store")
            .enable_all()
            .build()?;
        Ok(Self(Arc::new(Owned(Some(runtime)))))
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
        let runtime = self.0.0.as_ref().ok_or_else(stopped)?;
        Ok(runtime.spawn(task))
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tasks")
    }
}

/// Shuts the runtime down with its last clone. Does not wait for tasks, which would panic on a thread
/// of another runtime.
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
