//! What a log says about a request.

use std::{fmt, net::IpAddr, time::Duration};

use hyper::{HeaderMap, Request, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;

/// A request that has been answered, or whose answer has been given up. `Display` is a line of the Combined
/// Log Format.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Access {
    /// Address of the client.
    pub client: IpAddr,
    /// When the request arrived.
    pub time: Timestamp,
    /// Method of the request.
    pub method: String,
    /// Path and query, as they were sent.
    pub target: String,
    /// Version of the protocol.
    pub protocol: String,
    /// Status of the answer.
    pub status: u16,
    /// Bytes of the body that were sent.
    pub bytes: u64,
    /// Bytes of the body that were announced. More than those that were sent if the answer broke off.
    pub length: u64,
    /// Time from the request to the end of the answer.
    pub seconds: f64,
    /// The field `Referer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// The field `User-Agent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

impl Access {
    pub(crate) fn begin<B>(client: IpAddr, request: &Request<B>) -> Self {
        let field = |name| text(request.headers(), name);
        Self {
            client,
            time: Timestamp::now(),
            method: request.method().to_string(),
            target: request.uri().to_string(),
            protocol: format!("{:?}", request.version()),
            status: StatusCode::OK.as_u16(),
            bytes: 0,
            length: 0,
            seconds: 0.0,
            referrer: field(header::REFERER),
            agent: field(header::USER_AGENT),
        }
    }

    pub(crate) fn end(&mut self, began: Duration) {
        self.seconds = began.as_secs_f64();
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string();
        let Self { client, method, target, protocol, status, .. } = self;
        write!(f, "{client} - - [{time}] \"{method} {} {protocol}\" {status} ", Quoted(target))?;
        match self.bytes {
            0 => write!(f, "-")?,
            bytes => write!(f, "{bytes}")?,
        }
        let or_none = |field: &Option<String>| field.clone().unwrap_or_else(|| "-".to_owned());
        let (referrer, agent) = (or_none(&self.referrer), or_none(&self.agent));
        write!(f, " \"{}\" \"{}\"", Quoted(&referrer), Quoted(&agent))
    }
}

/// Text that cannot end its quotes or its line.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_ascii_graphic() || c == ' ' => write!(f, "{c}")?,
                c => {
                    let mut bytes = [0; 4];
                    c.encode_utf8(&mut bytes)
                        .bytes()
                        .try_for_each(|it| write!(f, "\\x{it:02x}"))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_line_of_the_combined_log_format() {
        let request = Request::get("/audio/a.wav?from=1")
            .header("user-agent", "x\"y\\\u{e9}")
            .body(())
            .unwrap();
        let mut access = Access::begin([127, 0, 0, 1].into(), &request);
        access.time = "2026-05-12T20:15:00Z".parse().unwrap();
        (access.status, access.bytes) = (206, 1000);
        let line = "127.0.0.1 - - [12/May/2026:20:15:00 +0000] \
            \"GET /audio/a.wav?from=1 HTTP/1.1\" 206 1000 \"-\" \"x\\\"y\\\\\\xc3\\xa9\"";
        assert_eq!(access.to_string(), line);
    }
}
