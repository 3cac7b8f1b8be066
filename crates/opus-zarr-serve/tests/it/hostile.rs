//! Requests that no honest client sends. None may be answered with anything of a file system, with an error of
//! ours, or not at all where HTTP asks for an answer.

use std::collections::BTreeSet;

use crate::support::Serving;

/// Paths that must lead nowhere.
fn nowhere() -> Vec<String> {
    let mut paths: Vec<String> = PLACES
        .iter()
        .flat_map(|(before, after)| UPS.iter().map(move |up| format!("{before}{up}{after}")))
        .collect();
    let long = "a".repeat(3000);
    paths.extend([
        format!("/audio/{long}.opus"),
        format!("/{}", "/".repeat(2000)),
        format!("/api/recordings/{}", "%41".repeat(1000)),
    ]);
    paths.extend(OTHERS.map(str::to_owned));
    paths
}

/// Queries that must be refused.
const REFUSED: [&str; 30] = [
    "/audio/notes.wav?from=18446744073709551615",
    "/audio/notes.wav?from=18446744073709551616",
    "/audio/notes.wav?from=-1",
    "/audio/notes.wav?from=1e3",
    "/audio/notes.wav?from=5&to=4",
    "/audio/notes.wav?start=1e400",
    "/audio/notes.wav?start=NaN",
    "/audio/notes.wav?start=99999999999999999999",
    "/audio/notes.wav?end=-0",
    "/audio/notes.wav?speed=1e-300",
    "/audio/notes.wav?speed=inf",
    "/audio/notes.wav?bits=4294967296",
    "/audio/notes.wav?utc=..",
    "/audio/notes.wav?utc=9999-12-31..",
    "/audio/notes.wav?utc=2026-05-12&tz=../../etc/passwd",
    "/audio/notes.wav?from=1&from=2",
    "/audio/notes.wav?%zz=1",
    "/audio/notes.wav?from=%ff",
    "/audio/notes.wav?a=1",
    "/audio/notes.opus?a=1",
    "/api/recordings?names=%5B",
    "/api/recordings?since=yesterday",
    "/api/recordings?until=-9999999-01-01T00:00:00Z",
    "/tiles/notes/spectrogram/8/0.png?low=-1",
    "/tiles/notes/spectrogram/8/0.png?low=1e308&high=inf",
    "/tiles/notes/spectrogram/8/0.png?height=1000000",
    "/tiles/notes/spectrogram/8/0.png?window=1073741824",
    "/tiles/notes/spectrogram/8/0.png?min=0&max=0",
    "/tiles/notes/spectrogram/8/0.png?channel=256",
    "/tiles/notes/spectrogram/8/0.png?colours=../viridis",
];

#[test]
fn paths_lead_nowhere_and_queries_are_refused() {
    let serving = Serving::golden();
    let nowhere = nowhere();
    assert!(nowhere.len() + REFUSED.len() > 400);
    for path in &nowhere {
        // What a request line cannot hold is refused before it is a path.
        let answer = serving.get(path);
        let is_refused =
            [400, 404].contains(&answer.status) || (path.starts_with("/?") && answer.status == 200);
        assert!(is_refused, "{path}: {}", answer.status);
        assert!(!answer.body.windows(5).any(|five| five == b"root:"), "{path}");
    }
    for target in REFUSED {
        assert_eq!(serving.get(target).status, 400, "{target}");
    }
    assert_eq!(serving.get("/healthz").status, 200);
}

fn malformed() -> Vec<String> {
    let host = "Host: localhost\r\n";
    let long = "x".repeat(100_000);
    let many: String = (0..1000).map(|number| format!("X-{number}: y\r\n")).collect();
    vec![
        String::new(),
        "\r\n\r\n\r\n".into(),
        "GET\r\n\r\n".into(),
        "GET /\r\n\r\n".into(),
        "GET / HTTP/0.9\r\n\r\n".into(),
        "GET / HTTP/2.0\r\n\r\n".into(),
        "GET / HTTP/1.1 x\r\n\r\n".into(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
        "\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03".into(),
        "\0".repeat(1000),
        format!("GET /{long} HTTP/1.1\r\n{host}\r\n"),
        format!("{long} / HTTP/1.1\r\n{host}\r\n"),
        format!("GET / HTTP/1.1\r\n{host}X: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}{many}\r\n"),
        format!("GET / HTTP/1.1\r\n{host}{host}\r\n"),
        format!("GET / HTTP/1.1\r\n{host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"),
        format!("GET / HTTP/1.1\r\n{host}Content-Length: -5\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}Content-Length: 99999999999999999999\r\n\r\n"),
    ]
}

fn unusual() -> Vec<String> {
    let host = "Host: localhost\r\n";
    vec![
        format!(
            "POST / HTTP/1.1\r\n{host}Content-Length: 1000000000\r\nConnection: close\r\n\r\nabc"
        ),
        format!(
            "POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"
        ),
        format!(
            "POST / HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nffffffffffffffffff\r\n"
        ),
        format!(
            "POST / HTTP/1.1\r\n{host}Expect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
        ),
        format!("OPTIONS * HTTP/1.1\r\n{host}Connection: close\r\n\r\n"),
        "CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:22\r\nConnection: close\r\n\r\n".into(),
        format!("TRACE / HTTP/1.1\r\n{host}Connection: close\r\n\r\n"),
        format!("DELETE /audio/notes.opus HTTP/1.1\r\n{host}Connection: close\r\n\r\n"),
        format!(
            "PUT /zarr/notes/zarr.json HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: 0\r\n\r\n"
        ),
        format!("GET http://example.org/healthz HTTP/1.1\r\n{host}Connection: close\r\n\r\n"),
        format!("GET healthz HTTP/1.1\r\n{host}\r\n"),
        format!("GET / HTTP/1.1\r\n{host} folded: x\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}A\0b: x\r\n\r\n"),
        format!("GET / HTTP/1.1\n{host}\n\n"),
        format!(
            "GET /healthz HTTP/1.1\r\n{host}Upgrade: h2c\r\nHTTP2-Settings: AAA\r\nConnection: Upgrade, close\r\n\r\n"
        ),
        format!(
            "GET /audio/notes.opus HTTP/1.1\r\n{host}Range: bytes=0-0,{}\r\nConnection: close\r\n\r\n",
            "1-1,".repeat(2000)
        ),
        format!(
            "GET /audio/notes.opus HTTP/1.1\r\n{host}If-None-Match: {}\r\nConnection: close\r\n\r\n",
            "\"a\",".repeat(2000)
        ),
        format!(
            "GET /audio/notes.opus HTTP/1.1\r\n{host}Accept-Encoding: gzip;q=99999\r\nConnection: close\r\n\r\n"
        ),
    ]
}

/// Methods, versions, and fields. All statuses that HTTP has for them are answers; so is the end of the
/// connection where the request is none.
#[test]
fn requests_that_are_none_end_alone() {
    let serving = Serving::golden();
    let mut statuses = BTreeSet::new();
    let requests = [malformed(), unusual()].concat();
    for request in &requests {
        let mut bytes = request.clone().into_bytes();
        if !request.contains("Connection") {
            // Ends what would be kept open.
            bytes.extend(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        }
        if let Some(answer) = serving.send(&bytes) {
            let brief: String = request.chars().take(80).collect();
            assert!(answer.status < 500 || answer.status == 505, "{brief:?}: {}", answer.status);
            statuses.insert(answer.status);
        }
    }
    assert!([400, 405, 431].iter().all(|it| statuses.contains(it)), "{statuses:?}");
    assert_eq!(serving.get("/healthz").status, 200);
    let log = serving.log.lock().unwrap();
    assert!(log.iter().all(|access| !access.to_string().contains(['\n', '\r', '\0'])));
}

const UPS: &[&str] = &[
    "..",
    "../..",
    "../../../../../../../../etc/passwd",
    "%2e%2e",
    "%2e%2e%2f",
    "..%2f",
    "%2e%2e/%2e%2e/etc/passwd",
    "..%5c..%5c",
    "..\\..\\",
    "....//",
    "%252e%252e%252f",
    "%c0%ae%c0%ae/",
    "%uff0e%uff0e/",
    ".",
    "./",
    "%2e",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "file:%2f%2f%2fetc%2fpasswd",
    "C:%5cWindows",
    "a%00.opus",
    "%00",
    "%0a",
    "%0d%0aX: y",
    "%7f",
    "%e2%80%ae",
    "~root",
    "$HOME",
    "`id`",
    "{a,b}",
    "*",
    "?",
    "zarr.json",
    ".zarr.json",
    "__private",
    "notes%20",
    "notes.",
    "notes%2f",
    "notes/../trio",
    "con",
    "nul%00",
    "%F0%9F%92%A9",
    "NOTES",
];

const PLACES: &[(&str, &str)] = &[
    ("/audio/", ".opus"),
    ("/audio/", ".wav"),
    ("/api/recordings/", ""),
    ("/zarr/", "/zarr.json"),
    ("/zarr/", "/audio/c/0/0"),
    ("/zarr/int16-48000-1/", "/audio/zarr.json"),
    ("/tiles/", "/spectrogram/8/0.png"),
    ("/page/", ""),
    ("/s/", "/api/recordings"),
    ("/", ""),
];

const OTHERS: [&str; 25] = [
    "/zarr/notes/audio/c/18446744073709551615/0",
    "/zarr/notes/audio/c/18446744073709551616/0",
    "/zarr/notes/audio/c/-1/0",
    "/zarr/notes/audio/c/0/1",
    "/zarr/notes/opus_blob/c/0",
    "/zarr/notes/opus_index/zarr.json",
    "/zarr/notes/audio/c/0/0/",
    "/zarr/notes/audio/c/00/0",
    "/zarr/int16-48000-0/notes/zarr.json",
    "/tiles/notes/spectrogram/64/0.png",
    "/tiles/notes/spectrogram/36/18446744073709551615.png",
    "/tiles/notes/waveform/0/-0.png",
    "/tiles/notes/waveform/4294967296/0.png",
    "//",
    "//audio/notes.opus",
    "/audio//notes.opus",
    "/audio/notes.opus/",
    "/audio/.opus",
    "/audio/.wav",
    "/favicon.ico",
    "/.git/config",
    "/wp-admin",
    "/cgi-bin/sh",
    "/healthz/",
    "/metrics/..",
];
