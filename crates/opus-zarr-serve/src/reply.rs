//! Responses.

use std::{fmt::Write, ops::Range};

use bytes::Bytes;
use hyper::{
    HeaderMap, Method, Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use sha2::{Digest, Sha256};

use crate::{
    Body, Problem,
    conditions::{Part, part},
};

/// What is asked of a representation.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
}

/// What can be sent, before it is made.
#[derive(Debug)]
pub(crate) struct Representation {
    pub(crate) media_type: &'static str,
    /// A strong entity tag, with its quotes.
    pub(crate) tag: String,
    pub(crate) length: u64,
    pub(crate) cache: &'static str,
    /// Under which name browsers keep it.
    pub(crate) file: Option<String>,
}

/// What is to be done.
pub(crate) enum Reply {
    Ready(Response<Body>),
    /// These bytes are to be sent.
    Send(Sending),
}

pub(crate) struct Sending {
    pub(crate) range: Range<u64>,
    response: Response<Body>,
}

impl Representation {
    /// Evaluates the conditions of a request.
    pub(crate) fn reply(self, asked: Asked<'_>) -> Reply {
        let part = part(asked.method, asked.headers, &self.tag, self.length);
        let mut response = Response::new(Body::whole(Bytes::new()));
        let (status, range) = match part {
            Part::Whole => (StatusCode::OK, 0..self.length),
            Part::Bytes(range) => (StatusCode::PARTIAL_CONTENT, range),
            Part::Unchanged => (StatusCode::NOT_MODIFIED, 0..0),
            Part::Failed => (StatusCode::PRECONDITION_FAILED, 0..0),
            Part::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0..0),
        };
        *response.status_mut() = status;
        let is_sent = [StatusCode::OK, StatusCode::PARTIAL_CONTENT].contains(&status);
        let of_range = match status {
            StatusCode::PARTIAL_CONTENT => {
                Some(format!("bytes {}-{}/{}", range.start, range.end - 1, self.length))
            }
            StatusCode::RANGE_NOT_SATISFIABLE => Some(format!("bytes */{}", self.length)),
            _ => None,
        };
        if let Some(of_range) = of_range {
            set(&mut response, header::CONTENT_RANGE, &of_range);
        }
        if is_sent || status == StatusCode::NOT_MODIFIED {
            set(&mut response, header::ETAG, &self.tag);
            set(&mut response, header::CACHE_CONTROL, self.cache);
        }
        set(&mut response, header::ACCEPT_RANGES, "bytes");
        if !is_sent {
            return Reply::Ready(response);
        }
        set(&mut response, header::CONTENT_TYPE, self.media_type);
        if let Some(file) = &self.file {
            let named = format!("inline; filename*=UTF-8''{}", crate::query::encode(file));
            set(&mut response, header::CONTENT_DISPOSITION, &named);
        }
        if *asked.method == Method::HEAD {
            *response.body_mut() = Body::head(self.length);
            return Reply::Ready(response);
        }
        Reply::Send(Sending { range, response })
    }
}

impl Sending {
    pub(crate) fn with(mut self, body: Body) -> Response<Body> {
        *self.response.body_mut() = body;
        self.response
    }

    /// Sends the bytes of a representation that is in memory.
    pub(crate) fn of(self, whole: &Bytes) -> Response<Body> {
        let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX).min(whole.len());
        let part = whole.slice(at(self.range.start)..at(self.range.end));
        self.with(Body::whole(part))
    }
}

/// Answers with bytes that are in memory.
pub(crate) fn in_memory(
    asked: Asked<'_>,
    media_type: &'static str,
    cache: &'static str,
    bytes: Bytes,
) -> Response<Body> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let tag = tag_of(&bytes);
    match (Representation { media_type, tag, length, cache, file: None }).reply(asked) {
        Reply::Ready(response) => response,
        Reply::Send(sending) => sending.of(&bytes),
    }
}

/// Answers with an error, as JSON (RFC 9457).
pub(crate) fn problem(problem: &Problem, method: &Method) -> Response<Body> {
    let json = problem.json();
    let body = match *method {
        Method::HEAD => Body::head(u64::try_from(json.len()).unwrap_or(u64::MAX)),
        _ => Body::whole(json),
    };
    let mut response = Response::new(body);
    *response.status_mut() = problem.status();
    set(&mut response, header::CONTENT_TYPE, "application/problem+json");
    set(&mut response, header::CACHE_CONTROL, "no-store");
    match problem.status() {
        StatusCode::METHOD_NOT_ALLOWED => set(&mut response, header::ALLOW, "GET, HEAD"),
        StatusCode::SERVICE_UNAVAILABLE => set(&mut response, header::RETRY_AFTER, "2"),
        StatusCode::UNAUTHORIZED => {
            let challenge = "Basic realm=\"opus-zarr\", charset=\"UTF-8\"";
            set(&mut response, header::WWW_AUTHENTICATE, challenge);
        }
        _ => {}
    }
    response
}

/// Sets a field. A value that cannot be one, which no caller has, is left out.
pub(crate) fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A strong entity tag of bytes.
fn tag_of(bytes: &[u8]) -> String {
    let mut tag = "\"".to_owned();
    for byte in Sha256::digest(bytes).iter().take(16) {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag + "\""
}

pub(crate) const JSON: &str = "application/json";
/// Listings, and what else changes with the store.
pub(crate) const REVALIDATE: &str = "no-cache";
/// Audio and pictures, which change only if a recording is replaced.
pub(crate) const A_WHILE: &str = "private, max-age=60";
