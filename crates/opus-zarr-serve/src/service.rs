//! Answers requests.

use std::{
    convert::Infallible, fmt, future::Future, io, ops::Range, pin::Pin, sync::Arc, time::Duration,
};

use bytes::Bytes;
use hyper::{
    Method, Request, Response, StatusCode,
    header::{self, HeaderMap},
};
use opus_zarr::{Recording, RecordingName, Store};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    Body, Options, Place, Problem, Route, Wanted,
    archive::{Archive, Key, Selected},
    audio::{self, WavFile},
    budget::Budget,
    listing, page,
    reply::{self, Asked, REVALIDATE, Reply, Representation, in_memory, set},
};

/// Answers requests for the recordings of stores. It only reads them.
///
/// It is a service of hyper, and works on a runtime of tokio with time enabled. Clones share everything.
#[derive(Clone, Debug)]
pub struct Service(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    archives: Vec<(String, Arc<Archive>)>,
    pub(crate) budget: Budget,
    pub(crate) options: Options,
}

/// Why stores cannot be served together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidStores(String);

impl Service {
    /// Serves stores, each with a name for its paths. A single store also has the paths without a name.
    ///
    /// # Errors
    ///
    /// There is no store, or two have the same name.
    pub fn new(stores: Vec<(String, Store)>, options: Options) -> Result<Self, InvalidStores> {
        if stores.is_empty() {
            return Err(InvalidStores("expected at least one store".to_owned()));
        }
        let mut archives: Vec<(String, Arc<Archive>)> = Vec::with_capacity(stores.len());
        for (name, store) in stores {
            if name.is_empty() || archives.iter().any(|(other, _)| *other == name) {
                let message =
                    format!("several stores are named {name:?}, expected different names");
                return Err(InvalidStores(message));
            }
            archives.push((name, Arc::new(Archive::new(store, &options))));
        }
        Ok(Self(Arc::new(Inner { archives, budget: Budget::new(&options), options })))
    }

    /// Answers a request. The body of the request is ignored.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body> {
        let (parts, _) = request.into_parts();
        let asked = Asked { method: &parts.method, headers: &parts.headers };
        let query = parts.uri.query();
        let mut response = match self.answer(asked, parts.uri.path(), query).await {
            Ok(response) => response,
            Err(found) => reply::problem(&found, &parts.method),
        };
        self.finish(&mut response, &parts.headers);
        response
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    async fn answer(
        &self,
        asked: Asked<'_>,
        path: &str,
        query: Option<&str>,
    ) -> Result<Response<Body>, Problem> {
        if let Some(preflight) = self.preflight(asked) {
            return Ok(preflight);
        }
        self.0.options.guard.check(asked.headers)?;
        match Route::parse(asked.method, path, query)? {
            Route::Page(name) => {
                let file = page::file(name).ok_or_else(|| Problem::missing("no such file"))?;
                let bytes = Bytes::from_static(file.bytes);
                Ok(in_memory(asked, file.media_type, REVALIDATE, bytes))
            }
            Route::Health => Ok(in_memory(asked, TEXT, "no-store", Bytes::from_static(b"ok\n"))),
            Route::Metrics => Err(Problem::missing("nothing is measured")),
            Route::Stores => {
                let names = self.0.archives.iter().map(|(name, _)| name.as_str());
                let stores = listing::stores(names, self.0.archives.len() == 1);
                Ok(in_memory(asked, JSON, REVALIDATE, stores.into()))
            }
            Route::Store(Place { store, wanted }) => {
                let archive = self.0.archive(store.as_deref())?;
                self.0.of_store(archive, wanted, asked).await
            }
        }
    }

    /// Answers what a browser asks before a script of another origin may send a request.
    fn preflight(&self, asked: Asked<'_>) -> Option<Response<Body>> {
        let is_preflight = *asked.method == Method::OPTIONS
            && asked.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        self.origin(asked.headers).filter(|_| is_preflight)?;
        let mut response = Response::new(Body::whole(Bytes::new()));
        *response.status_mut() = StatusCode::NO_CONTENT;
        set(&mut response, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD");
        let fields = "Authorization, If-Match, If-None-Match, If-Range, Range";
        set(&mut response, header::ACCESS_CONTROL_ALLOW_HEADERS, fields);
        set(&mut response, header::ACCESS_CONTROL_MAX_AGE, "3600");
        Some(response)
    }

    /// The origin of the page that sent a request, if its scripts may read the answer.
    fn origin<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let origin = headers.get(header::ORIGIN)?.to_str().ok()?;
        let allowed = &self.0.options.origins;
        allowed.iter().any(|it| it == origin || it == "*").then_some(origin)
    }

    /// Adds the fields that every answer has.
    fn finish(&self, response: &mut Response<Body>, headers: &HeaderMap) {
        set(response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(response, header::REFERRER_POLICY, "no-referrer");
        set(response, header::CONTENT_SECURITY_POLICY, POLICY);
        if self.0.options.origins.is_empty() {
            return;
        }
        set(response, header::VARY, "Origin");
        if let Some(origin) = self.origin(headers) {
            set(response, header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            let fields = "Accept-Ranges, Content-Length, Content-Range, ETag, Retry-After";
            set(response, header::ACCESS_CONTROL_EXPOSE_HEADERS, fields);
        }
    }
}

impl Inner {
    /// The store of a name; the only one without.
    fn archive(&self, name: Option<&str>) -> Result<&Arc<Archive>, Problem> {
        match (name, &self.archives[..]) {
            (None, [(_, archive)]) => Ok(archive),
            (None, _) => Err(Problem::missing(
                "several stores are served: expected /s/STORE first; /api/stores lists them",
            )),
            (Some(name), archives) => {
                let found = archives.iter().find(|(other, _)| *other == name);
                found.map(|(_, archive)| archive).ok_or_else(|| Problem::missing("no such store"))
            }
        }
    }

    async fn of_store(
        self: &Arc<Self>,
        archive: &Arc<Archive>,
        wanted: Wanted,
        asked: Asked<'_>,
    ) -> Result<Response<Body>, Problem> {
        match wanted {
            Wanted::Recordings(filter) => {
                let archive = archive.clone();
                let work = move || listing::recordings(&*archive.catalogue()?, &filter);
                let json = self.budget.bytes(LISTING, work).await?;
                Ok(in_memory(asked, JSON, REVALIDATE, json))
            }
            Wanted::Info(name) => {
                let recording = self.open(archive, Key::new(name)).await?;
                Ok(in_memory(asked, JSON, REVALIDATE, listing::info(&recording)?.into()))
            }
            Wanted::Opus(name) => self.opus(archive, name, asked).await,
            Wanted::Wav(name, cut) => {
                let key = Key { channels: Selected::Wav, ..Key::new(name) };
                let file = Arc::new(WavFile::new(self.open(archive, key).await?, &cut)?);
                let bytes = {
                    let file = file.clone();
                    move |range: &Range<u64>| file.bytes(range)
                };
                self.send(file.representation(), asked, bytes).await
            }
        }
    }

    async fn opus(
        self: &Arc<Self>,
        archive: &Arc<Archive>,
        name: RecordingName,
        asked: Asked<'_>,
    ) -> Result<Response<Body>, Problem> {
        let recording = self.open(archive, Key::new(name)).await?;
        let representation = audio::opus(&recording);
        let bytes = move |range: &Range<u64>| Ok(recording.ogg_opus_at(range.clone())?);
        self.send(representation, asked, bytes).await
    }

    /// Opens a recording, or finds that it is open.
    pub(crate) async fn open(
        &self,
        archive: &Arc<Archive>,
        key: Key,
    ) -> Result<Arc<Recording>, Problem> {
        if let Some(recording) = archive.open_already(&key) {
            return Ok(recording);
        }
        let archive = archive.clone();
        self.budget.run(move || archive.recording(&key)).await
    }

    /// Answers with bytes that are made piece by piece, as fast as the client takes them.
    async fn send(
        self: &Arc<Self>,
        representation: Representation,
        asked: Asked<'_>,
        make: impl Fn(&Range<u64>) -> Result<Vec<u8>, Problem> + Send + Sync + 'static,
    ) -> Result<Response<Body>, Problem> {
        let sending = match representation.reply(asked) {
            Reply::Ready(response) => return Ok(response),
            Reply::Send(sending) => sending,
        };
        let mut pieces = Pieces { make: Arc::new(make), left: sending.range.clone() };
        let length = sending.range.end - sending.range.start;
        // An error of the first piece still is an answer.
        let first = match pieces.next() {
            None => Bytes::new(),
            Some((most, work)) => self.budget.bytes(most, work).await?,
        };
        if pieces.left.is_empty() {
            return Ok(sending.with(Body::whole(first)));
        }
        let (sender, receiver) = mpsc::channel(1);
        let inner = self.clone();
        let deadline = self.options.idle + Duration::from_secs(length / SLOWEST);
        tokio::spawn(async move {
            let sent = timeout(deadline, inner.send_pieces(first, pieces, &sender)).await;
            if sent.is_err() {
                let _ = sender.try_send(Err(io::ErrorKind::TimedOut.into()));
            }
        });
        Ok(sending.with(Body::pieces(receiver, length)))
    }

    /// Sends pieces until the client is gone, or one cannot be made.
    async fn send_pieces<M>(
        &self,
        first: Bytes,
        mut pieces: Pieces<M>,
        sender: &mpsc::Sender<io::Result<Bytes>>,
    ) where
        M: Fn(&Range<u64>) -> Result<Vec<u8>, Problem> + Send + Sync + 'static,
    {
        let mut piece = Ok(first);
        loop {
            let is_last = piece.is_err();
            if sender.send(piece).await.is_err() || is_last {
                return;
            }
            let Some((most, work)) = pieces.next() else { return };
            piece = self.budget.later_bytes(most, work).await.map_err(io::Error::other);
        }
    }
}

/// What is left to be made.
struct Pieces<M> {
    make: Arc<M>,
    left: Range<u64>,
}

impl<M: Fn(&Range<u64>) -> Result<Vec<u8>, Problem> + Send + Sync + 'static> Pieces<M> {
    /// Returns the work that makes the next piece, and how many bytes it takes meanwhile.
    fn next(
        &mut self,
    ) -> Option<(usize, impl FnOnce() -> Result<Vec<u8>, Problem> + Send + use<M>)> {
        let end = self.left.end.min(self.left.start.saturating_add(PIECE));
        let range = self.left.start..end;
        self.left.start = end;
        let make = self.make.clone();
        let most = usize::try_from(PIECE).unwrap_or(usize::MAX).saturating_mul(2);
        (!range.is_empty()).then(|| (most, move || make(&range)))
    }
}

impl<B: Send + 'static> hyper::service::Service<Request<B>> for Service {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.handle(request).await) })
    }
}

impl fmt::Display for InvalidStores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidStores {}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
/// What the page may load: only what comes from here.
const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
    object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Bytes of an answer that are made at a time.
const PIECE: u64 = 256 << 10;
/// What a listing may take of the memory.
const LISTING: usize = 4 << 20;
/// Bytes per second below which a client is too slow.
const SLOWEST: u64 = 1024;
