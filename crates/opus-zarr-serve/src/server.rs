//! Listens for connections.

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, ToSocketAddrs},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::{
    Request, Response,
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};

use crate::{Access, Body, Service, stream::Stalling};

/// Serves connections on a runtime of its own.
#[derive(Debug)]
pub struct Server {
    runtime: Runtime,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    connections: Arc<Semaphore>,
    most: usize,
}

/// Stops a server.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Server {
    /// Listens at an address and serves from then on. The function gets every request once its answer has
    /// been sent or given up; it must not block.
    ///
    /// # Errors
    ///
    /// The address cannot be listened at, or no thread starts.
    pub fn bind(
        address: impl ToSocketAddrs,
        service: Service,
        log: impl Fn(Access) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("opus-zarr-serve")
            .enable_all()
            .build()?;
        let listener = runtime.block_on(async { TcpListener::from_std(listener) })?;
        let (stop, stopped) = watch::channel(false);
        let most = service.options().connections;
        let connections = Arc::new(Semaphore::new(most));
        let serving = Serving { service, log: Arc::new(log), stopped };
        runtime.spawn(accept(listener, serving, connections.clone()));
        Ok(Self { runtime, address, stop, connections, most })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns what stops it.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Serves until it is stopped; then waits a few seconds for answers that are being sent.
    pub fn wait(self) {
        let mut stopped = self.stop.subscribe();
        self.runtime.block_on(async {
            let _ = stopped.wait_for(|is_stopped| *is_stopped).await;
            let all = u32::try_from(self.most).unwrap_or(u32::MAX);
            let _ = timeout(GRACE, self.connections.acquire_many(all)).await;
        });
        // What is being decoded now is waited for no longer.
        self.runtime.shutdown_timeout(Duration::from_millis(100));
    }
}

impl Stopper {
    /// Makes the server accept no more connections and requests.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

type Log = Arc<dyn Fn(Access) + Send + Sync>;

#[derive(Clone)]
struct Serving {
    service: Service,
    log: Log,
    stopped: watch::Receiver<bool>,
}

async fn accept(listener: TcpListener, mut serving: Serving, connections: Arc<Semaphore>) {
    let mut stopped = serving.stopped.clone();
    let stop = async move { stopped.wait_for(|is_stopped| *is_stopped).await.map(drop) };
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            // Beyond the limit, connections wait in the queue of the system.
            let permit = connections.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let mut next = std::pin::pin!(next);
        let accepted = std::future::poll_fn(|context| {
            if stop.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            next.as_mut().poll(context).map(Some)
        });
        match accepted.await {
            None => return,
            Some((permit, Ok((socket, client)))) => {
                let serving = serving.clone();
                tokio::spawn(async move {
                    serving.connection(socket, client).await;
                    drop(permit);
                });
            }
            Some((_, Err(error))) => {
                tracing::debug!(%error, "cannot accept a connection");
                // Out of files, perhaps: others have to be closed first.
                sleep(Duration::from_millis(50)).await;
            }
        }
        serving.stopped.mark_unchanged();
    }
}

impl Serving {
    async fn connection(mut self, socket: TcpStream, client: SocketAddr) {
        let _ = socket.set_nodelay(true);
        let idle = self.service.options().idle;
        let (service, log) = (self.service.clone(), self.log.clone());
        let answer = service_fn(move |request: Request<Incoming>| {
            let (service, log) = (service.clone(), log.clone());
            async move {
                let (began, access) = (Instant::now(), Access::begin(client.ip(), &request));
                let mut logged = Logged { access, began, log, body: None };
                let response = service.handle(request).await;
                let (parts, body) = response.into_parts();
                logged.access.status = parts.status.as_u16();
                logged.access.length = body.length();
                logged.body = Some(body);
                Ok::<_, Infallible>(Response::from_parts(parts, logged))
            }
        });
        let io = TokioIo::new(Stalling::new(socket, idle));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(idle)
            .max_headers(64)
            .max_buf_size(MOST_HEADER)
            .serve_connection(io, answer);
        let mut connection = std::pin::pin!(connection);
        let mut stop = std::pin::pin!(self.stopped.wait_for(|is_stopped| *is_stopped));
        let mut is_stopping = false;
        let done = std::future::poll_fn(|context| {
            if !is_stopping && stop.as_mut().poll(context).is_ready() {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            connection.as_mut().poll(context)
        });
        if let Err(error) = done.await {
            tracing::debug!(%error, %client, "a connection ended");
        }
    }
}

/// A body whose end is logged.
struct Logged {
    access: Access,
    began: Instant,
    log: Log,
    /// None while the answer is being found.
    body: Option<Body>,
}

impl hyper::body::Body for Logged {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            self.access.bytes += u64::try_from(bytes).unwrap_or(0);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(hyper::body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(hyper::body::Body::size_hint).unwrap_or_default()
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        if self.body.is_none() {
            // The client went away before there was an answer.
            self.access.status = GONE;
        }
        self.access.end(self.began.elapsed());
        (self.log)(self.access.clone());
    }
}

/// How long answers may take after the server is stopped.
const GRACE: Duration = Duration::from_secs(10);
/// Bytes of the longest request.
const MOST_HEADER: usize = 16 << 10;
/// What nginx logs for a client that does not wait.
const GONE: u16 = 499;
