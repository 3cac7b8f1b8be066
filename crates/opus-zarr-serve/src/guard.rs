//! Who may send requests.

use std::net::IpAddr;

use hyper::{HeaderMap, StatusCode, header};

use crate::Problem;

/// Who may send requests.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Guard {
    /// Programs of this computer. Requests must name it in their `Host` field, so that a web page cannot
    /// read answers by giving its own name the address of this computer (DNS rebinding).
    Loopback,
    /// Whoever knows the token: as a `Bearer` token, or as the password of any user (`Basic`), for which
    /// browsers ask.
    Token(String),
    /// Everybody.
    Public,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the token.
        f.write_str(match self {
            Self::Loopback => "Loopback",
            Self::Token(_) => "Token",
            Self::Public => "Public",
        })
    }
}

impl Guard {
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        match self {
            Self::Public => Ok(()),
            Self::Token(token) if is_authorized(headers, token.as_bytes()) => Ok(()),
            Self::Token(_) => {
                Err(Problem::new(StatusCode::UNAUTHORIZED, "expected the token of this server"))
            }
            Self::Loopback if names_this_computer(headers) => Ok(()),
            Self::Loopback => Err(Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                "expected localhost as the host; to serve others, set a token",
            )),
        }
    }
}

fn names_this_computer(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    // A request of HTTP/1.0 need not have the field; browsers send it.
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return headers.get(header::HOST).is_none();
    };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_authorized(headers: &HeaderMap, token: &[u8]) -> bool {
    let Some(field) = headers.get(header::AUTHORIZATION) else { return false };
    let mut parts = field.as_bytes().splitn(2, |byte| *byte == b' ');
    let (scheme, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let rest = rest.trim_ascii();
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return is_equal(rest, token);
    }
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return false;
    }
    let Some(pair) = base64(rest) else { return false };
    let mut parts = pair.splitn(2, |byte| *byte == b':').skip(1);
    parts.next().is_some_and(|password| is_equal(password, token))
}

/// Compares in a time that does not depend on where texts differ.
fn is_equal(a: &[u8], b: &[u8]) -> bool {
    let differences = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differences) == 0
}

/// Decodes base64 (RFC 4648 section 4).
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.trim_ascii_end();
    let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let (mut bits, mut count, mut bytes) = (0u32, 0, Vec::new());
    for byte in text.get(..end)? {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (bits, count) = (bits << 6 | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            let [.., byte] = (bits >> count).to_be_bytes();
            bytes.push(byte);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &Guard, name: header::HeaderName, value: &str) -> bool {
        let headers = HeaderMap::from_iter([(name, value.parse().unwrap())]);
        guard.check(&headers).is_ok()
    }

    #[test]
    fn loopback_needs_its_own_name() {
        let host = |value| check(&Guard::Loopback, header::HOST, value);
        for value in
            ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "127.9.9.9", "[::1]:80", "[::1]"]
        {
            assert!(host(value), "{value}");
        }
        for value in [
            "example.org",
            "example.org:8000",
            "localhost.example.org",
            "10.0.0.1",
            "[::2]:80",
            "",
            "localhost:80:80",
        ] {
            assert!(!host(value), "{value}");
        }
    }

    #[test]
    fn tokens_are_bearer_or_password() {
        let guard = Guard::Token("sesame".to_owned());
        let field = |value| check(&guard, header::AUTHORIZATION, value);
        for value in ["Bearer sesame", "bearer  sesame", "Basic bWU6c2VzYW1l", "Basic OnNlc2FtZQ=="]
        {
            assert!(field(value), "{value}");
        }
        for value in [
            "",
            "sesame",
            "Bearer",
            "Bearer sesam",
            "Bearer sesame2",
            "Basic c2VzYW1l",
            "Basic %%%",
            "Digest sesame",
            "Basic bWU6c2VzYW0=",
        ] {
            assert!(!field(value), "{value}");
        }
        assert!(guard.check(&HeaderMap::new()).is_err());
        assert!(Guard::Public.check(&HeaderMap::new()).is_ok());
        assert!(!format!("{guard:?}").contains("sesame"));
    }
}
