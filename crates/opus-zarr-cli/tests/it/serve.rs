//! `serve` as people and supervisors use it.

use std::{
    fs::{self, File},
    net::TcpListener,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use crate::support::{NOTES, command_in, folder_with, get, run_in, serve, testdata};

#[test]
fn a_store_is_served_until_a_signal_and_every_request_is_a_line() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b c")]);
    let done = serve(folder.path(), &["a.zarr"], |address| {
        assert!(get(address, "/api/recordings", "").contains("\"name\":\"b c\""));
        let whole = get(address, "/audio/b%20c.opus", "");
        let length = fs::metadata(testdata(NOTES)).unwrap().len();
        assert!(whole.contains(&format!("content-length: {length}\r\n")), "{whole}");
        assert!(get(address, "/none", "User-Agent: a\"b\r\n").starts_with("HTTP/1.1 404"));
    });
    assert_eq!(done.code, 0, "{done:?}");
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{done:?}");
    assert!(lines[0].starts_with("127.0.0.1 - - ["), "{done:?}");
    assert!(lines[2].contains("\"GET /none HTTP/1.1\" 404 "), "{done:?}");
    assert!(lines[2].ends_with(r#""-" "a\"b""#), "{done:?}");
    assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
}

#[test]
fn several_stores_are_served_by_their_names() {
    let folder = folder_with(&[(NOTES, "a")]);
    run_in(folder.path(), ["copy", "a.zarr/a", "sub/b.zarr"]).exits(0);
    let done = serve(folder.path(), &["a.zarr", "sub/b.zarr/"], |address| {
        assert!(get(address, "/s/b.zarr/audio/a.opus", "").starts_with("HTTP/1.1 200"));
    });
    assert_eq!(done.code, 0);
    run_in(folder.path(), ["copy", "a.zarr/a", "sub/a.zarr"]).exits(0);
    let twice = run_in(folder.path(), ["serve", "a.zarr", "sub/a.zarr"]).exits(2);
    assert!(twice.stderr.contains("a.zarr and sub/a.zarr have the same name"), "{twice:?}");
}

#[test]
fn what_others_can_reach_needs_a_decision() {
    let folder = folder_with(&[(NOTES, "a")]);
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let refused = run_in(folder.path(), ["serve", "a.zarr", "--listen", listen]).exits(2);
        assert!(refused.stderr.contains("--token TOKEN"), "{refused:?}");
    }
    for args in [
        &["--token", ""][..],
        &["--token", "a b"],
        &["--token", "a", "--public"],
        &["--listen", "here"],
        &["--listen", "127.0.0.1:65536"],
        &["--cors", "example.org"],
        &["--cors", "https://example.org/a"],
    ] {
        run_in(folder.path(), [&["serve", "a.zarr"], args].concat()).exits(2);
    }
    serve(folder.path(), &["a.zarr", "--token", "sesame"], |address| {
        assert!(get(address, "/", "").starts_with("HTTP/1.1 401"));
        assert!(get(address, "/", "Authorization: Bearer sesame\r\n").starts_with("HTTP/1.1 200"));
    });
}

#[test]
fn a_port_that_is_taken_is_an_error() {
    let folder = folder_with(&[(NOTES, "a")]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let failed = run_in(folder.path(), ["serve", "a.zarr", "--listen", &address]).exits(1);
    assert!(failed.stderr.contains("cannot listen at") && failed.stderr.contains("--listen"));
}

/// A server whose log cannot be written ends, rather than serve without one.
#[test]
fn a_log_that_cannot_be_written_ends_the_server() {
    let folder = folder_with(&[(NOTES, "a")]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut command = command_in(folder.path());
    command.args(["serve", "a.zarr", "--listen", &free]).stdout(full).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let began = Instant::now();
    while std::net::TcpStream::connect(&free).is_err() {
        assert!(began.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(20));
    }
    get(&free, "/healthz", "");
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("No space left on device"), "{said}");
}
