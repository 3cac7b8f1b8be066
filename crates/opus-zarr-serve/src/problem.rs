//! Why a request is not answered, as a response.

use std::fmt;

use hyper::StatusCode;
use opus_zarr::{Error, ErrorKind};

/// Why a request cannot be answered. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests are waiting; try again")
    }

    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body of the response (RFC 9457).
    pub(crate) fn json(&self) -> String {
        let title = self.status.canonical_reason().unwrap_or("error");
        let status = self.status.as_u16();
        serde_json::json!({"title": title, "status": status, "detail": self.detail}).to_string()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}

/// Says what the client did wrong. What is wrong with the store is a warning for whoever runs the
/// server, since it may name files.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::NoSuchRecording | ErrorKind::NotARecording | ErrorKind::InvalidName => {
                Self::missing("no such recording")
            }
            ErrorKind::Range
            | ErrorKind::BeyondEnd
            | ErrorKind::UnknownStart
            | ErrorKind::BeforeStart
            | ErrorKind::Channels => Self::bad(error.to_string()),
            _ => {
                let is_only_now = error.is_unreadable();
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "cannot serve");
                Self::unreadable(is_only_now)
            }
        }
    }
}

impl Problem {
    fn unreadable(is_only_now: bool) -> Self {
        if is_only_now {
            let detail = "the store cannot be read right now";
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        }
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the recording cannot be read")
    }
}
