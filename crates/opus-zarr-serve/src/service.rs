//! Answers requests.

use std::{convert::Infallible, fmt, future::Future, pin::Pin, sync::Arc, time::Instant};

use bytes::Bytes;
use hyper::{
    Method, Request, Response, StatusCode, Uri,
    header::{self, HeaderMap},
};
use opus_zarr::Store;

use crate::{
    Body, Options, Problem, Route,
    archive::Archive,
    inner::Inner,
    listing, page,
    reply::{self, Asked, JSON, REVALIDATE, in_memory, set},
};

/// Answers requests for the recordings of stores. It only reads them.
///
/// It is a service of hyper, and works on a runtime of tokio with time enabled. Clones share everything.
#[derive(Clone, Debug)]
pub struct Service(Arc<Inner>);

/// Why stores cannot be served together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidStores(String);

impl Service {
    /// Serves stores, each with a name for its paths. A single store also has the paths without a name.
    ///
    /// # Errors
    ///
    /// No store was given, or two have the same name.
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
        Ok(Self(Arc::new(Inner::new(archives, options))))
    }

    /// Answers a request. The body of the request is ignored.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body> {
        let began = Instant::now();
        let (parts, _) = request.into_parts();
        let asked = Asked { method: &parts.method, headers: &parts.headers };
        let route = self.admit(asked, &parts.uri);
        let label = route.as_ref().map_or("none", Route::label);
        let answer = match (self.preflight(asked), route) {
            (Some(preflight), _) => Ok(preflight),
            (None, Ok(route)) => self.answer(asked, route, &parts.uri).await,
            (None, Err(problem)) => Err(problem),
        };
        let mut response = answer.unwrap_or_else(|found| reply::problem(&found, &parts.method));
        if parts.method == Method::HEAD {
            // hyper takes a body without bytes for an empty one.
            let length = response.body().length().to_string();
            set(&mut response, header::CONTENT_LENGTH, &length);
        }
        self.finish(&mut response, &parts.headers);
        let (status, length) = (response.status().as_u16(), response.body().length());
        self.0.metrics.count(label, status, length, began.elapsed());
        response
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    fn admit(&self, asked: Asked<'_>, uri: &Uri) -> Result<Route, Problem> {
        // Load balancers have no token.
        if uri.path() != HEALTH {
            self.0.options.guard.check(asked.headers)?;
        }
        Route::parse(asked.method, uri.path(), uri.query())
    }

    async fn answer(
        &self,
        asked: Asked<'_>,
        route: Route,
        uri: &Uri,
    ) -> Result<Response<Body>, Problem> {
        match route {
            Route::Page(name) => {
                let file = page::file(name).ok_or_else(|| Problem::missing("no such file"))?;
                let bytes = Bytes::from_static(file.bytes);
                Ok(in_memory(asked, file.media_type, REVALIDATE, bytes))
            }
            Route::Health => Ok(in_memory(asked, TEXT, NEVER, Bytes::from_static(b"ok\n"))),
            Route::Metrics => {
                let text = self.0.metrics.text(self.0.budget.waiting());
                Ok(in_memory(asked, METRICS, NEVER, text.into()))
            }
            Route::Stores => {
                let names = self.0.archives.iter().map(|(name, _)| name.as_str());
                let stores = listing::stores(names, self.0.archives.len() == 1);
                Ok(in_memory(asked, JSON, REVALIDATE, stores.into()))
            }
            Route::Store(place) => self.0.of_store(place, asked, uri).await,
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

const HEALTH: &str = "/healthz";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const NEVER: &str = "no-store";
const TEXT: &str = "text/plain; charset=utf-8";
/// What the page may load: only what comes from here.
const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; \
    object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
