//! Clients that are slow, many, or gone.

use std::{
    io::{Read, Write},
    num::NonZeroUsize,
    thread,
    time::{Duration, Instant},
};

use opus_zarr_serve::Options;

use crate::support::Serving;

fn impatient() -> Options {
    let mut options = Options::default();
    options.idle = Duration::from_millis(300);
    options
}

#[test]
fn a_request_that_is_not_finished_ends_with_its_connection() {
    let serving = Serving::with(impatient());
    for begun in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: localhost\r\nX: "] {
        let mut socket = serving.connect();
        socket.write_all(begun.as_bytes()).unwrap();
        let began = Instant::now();
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest);
        assert!(began.elapsed() < Duration::from_secs(10), "{begun:?}");
    }
    // A connection that is kept open also ends.
    let mut socket = serving.connect();
    socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut found = String::new();
    socket.read_to_string(&mut found).unwrap();
    assert!(found.ends_with("ok\n"), "{found}");
}

#[test]
fn a_client_that_takes_nothing_is_given_up() {
    let serving = Serving::with(impatient());
    let mut sockets: Vec<_> = (0..20).map(|_| serving.connect()).collect();
    for socket in &mut sockets {
        // Many answers, of which none is read: more than the buffers of the system hold.
        let one = "GET /audio/trio.wav?bits=32f HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let _ = socket.write_all(one.repeat(40).as_bytes());
    }
    let began = Instant::now();
    while serving.log.lock().unwrap().iter().filter(|it| it.bytes < it.length).count() < 20 {
        assert!(began.elapsed() < Duration::from_secs(20), "they are still served");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(serving.get("/zarr/notes/audio/c/0/0").status, 200);
}

/// Where little may be made at a time and nothing may wait, some of many clients are told to come back, and
/// the others get the same bytes as ever.
#[test]
fn many_clients_are_served_or_told_to_come_back() {
    let mut options = Options::default();
    (options.threads, options.waiting, options.cache) = (NonZeroUsize::MIN, 0, 0);
    let serving = Serving::with(options);
    let expected = serving.get("/zarr/trio/audio/c/0/0").body;
    let found: Vec<_> = thread::scope(|scope| {
        let ask = || {
            let ask = || (0..5).map(|_| serving.get("/zarr/trio/audio/c/0/0")).collect::<Vec<_>>();
            scope.spawn(ask)
        };
        let all: Vec<_> = (0..16).map(|_| ask()).collect();
        all.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(found.len(), 80);
    let (served, refused): (Vec<_>, Vec<_>) = found.iter().partition(|it| it.status == 200);
    assert!(served.iter().all(|it| it.body == expected) && !served.is_empty());
    assert!(refused.iter().all(|it| it.status == 503 && it.field("retry-after").is_some()));
    assert!(!refused.is_empty(), "all were served");
}

#[test]
fn with_a_queue_all_are_served() {
    let mut options = Options::default();
    (options.threads, options.cache, options.memory) = (NonZeroUsize::MIN, 0, 1 << 20);
    let serving = Serving::with(options);
    let expected = serving.get("/audio/trio.wav").body;
    thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| assert!(serving.get("/audio/trio.wav").body == expected));
        }
    });
}

#[test]
fn a_stopped_server_ends_though_clients_stay() {
    let mut serving = Serving::golden();
    let mut idle = serving.connect();
    let mut kept = serving.connect();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        let mut byte = [0];
        kept.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    let began = Instant::now();
    serving.stop();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(kept.read(&mut [0; 100]).unwrap_or(0), 0);
    assert_eq!(idle.read(&mut [0; 100]).unwrap_or(0), 0);
    assert!(std::net::TcpStream::connect(serving.address).is_err());
}

#[test]
fn every_request_is_logged_once() {
    let serving = Serving::golden();
    serving.get("/healthz");
    serving.ask("HEAD", "/audio/notes.opus", &[]);
    serving.ask("GET", "/audio/notes.opus", &["Range: bytes=10-19"]);
    serving.get("/none\"");
    let mut socket = serving.connect();
    let one = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
    let pipelined = format!("{one}\r\n{one}\r\n{one}Connection: close\r\n\r\n");
    socket.write_all(pipelined.as_bytes()).unwrap();
    let _ = socket.read_to_end(&mut Vec::new());
    let log = serving.log.lock().unwrap();
    let lines: Vec<_> = log
        .iter()
        .map(|it| (it.method.as_str(), it.target.as_str(), it.status, it.bytes))
        .collect();
    assert_eq!(lines[0], ("GET", "/healthz", 200, 3));
    assert_eq!(lines[1], ("HEAD", "/audio/notes.opus", 200, 0));
    assert_eq!(lines[2], ("GET", "/audio/notes.opus", 206, 10));
    assert_eq!(lines[lines.len() - 3..], [("GET", "/healthz", 200, 3); 3]);
}
