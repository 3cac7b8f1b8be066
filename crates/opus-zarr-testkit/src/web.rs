//! A web server for the files of a directory and parts of them.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

/// The server.
pub struct Web {
    /// Where it listens.
    pub port: u16,
    serving: Arc<Serving>,
}

struct Serving {
    root: PathBuf,
    knows_ranges: bool,
    requests: Mutex<Vec<String>>,
    /// A part of a path, and the status of all requests for such paths.
    refused: Mutex<Option<(String, &'static str)>>,
}

impl Web {
    /// Serves until the process ends. Without ranges, it answers with the whole file, as servers may.
    pub fn start(root: &Path, knows_ranges: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (root, requests) = (root.to_owned(), Mutex::default());
        let refused = Mutex::default();
        let serving = Arc::new(Serving { root, knows_ranges, requests, refused });
        let server = serving.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                // A client may go away.
                thread::spawn(move || drop(server.serve(stream)));
            }
        });
        Self { port, serving }
    }

    /// Answers all requests for paths with this part with a status, such as `403 Forbidden`.
    pub fn refuse(&self, part: &str, status: &'static str) {
        *self.serving.refused.lock().unwrap() = Some((part.to_owned(), status));
    }

    /// The requests since the last call: method, file and range.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.serving.requests.lock().unwrap())
    }
}

impl Serving {
    /// Serves one request and closes the connection.
    fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(client.try_clone()?);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let mut words = head.split_whitespace();
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let path = decode(path.trim_start_matches('/'));
        let lower = head.to_ascii_lowercase();
        let range = lower.lines().find_map(|line| line.strip_prefix("range: bytes="));
        let asked = [method, &path, range.unwrap_or_default()].join(" ");
        self.requests.lock().unwrap().push(asked.trim_end().to_owned());
        client.write_all(&self.answer(method, &path, range.filter(|_| self.knows_ranges)))
    }

    fn answer(&self, method: &str, path: &str, range: Option<&str>) -> Vec<u8> {
        if method != "GET" {
            return response("405 Method Not Allowed", "", &[]);
        }
        if let Some((part, status)) = &*self.refused.lock().unwrap()
            && path.contains(part)
        {
            return response(status, "", b"not now");
        }
        let Ok(bytes) = fs::read(self.root.join(path)) else {
            return response("404 Not Found", "", b"no such file");
        };
        let Some(range) = range else { return response("200 OK", "", &bytes) };
        let (first, last) = range.split_once('-').unwrap();
        let number = |text: &str| text.parse::<usize>().unwrap();
        let (start, end) = match first {
            "" => (bytes.len().saturating_sub(number(last)), bytes.len()),
            first => (number(first), bytes.len().min(number(last) + 1)),
        };
        let len = bytes.len();
        if start >= len {
            let field = format!("Content-Range: bytes */{len}\r\n");
            return response("416 Range Not Satisfiable", &field, &[]);
        }
        let field = format!("Content-Range: bytes {start}-{}/{len}\r\n", end - 1);
        response("206 Partial Content", &field, &bytes[start..end])
    }
}

fn response(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Decodes percent-encoding.
fn decode(path: &str) -> String {
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}
