//! Servers, and a client that sends any bytes.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use opus_zarr::{Recording, Store};
use opus_zarr_serve::{Access, Options, Server, Service, Stopper};
use opus_zarr_testkit::files::testdata;

/// The recordings `notes` (mono, no sync map), `synced` (the same with one) and `trio` (three channels).
pub(crate) fn store() -> Store {
    Store::open(testdata("golden/layout-1.zarr")).unwrap()
}

pub(crate) fn recording(name: &str) -> Recording {
    Recording::open(&store(), name).unwrap()
}

/// A server that ends with the test.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) stopper: Stopper,
    pub(crate) log: Arc<Mutex<Vec<Access>>>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    pub(crate) fn golden() -> Self {
        Self::with(Options::default())
    }

    pub(crate) fn with(options: Options) -> Self {
        Self::of(vec![("golden".to_owned(), store())], options)
    }

    pub(crate) fn of(stores: Vec<(String, Store)>, options: Options) -> Self {
        let service = Service::new(stores, options).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let logging = log.clone();
        let log_it = move |access| logging.lock().unwrap().push(access);
        let server = Server::bind((Ipv4Addr::LOCALHOST, 0), service, log_it).unwrap();
        let (address, stopper) = (server.address(), server.stopper());
        let thread = Some(thread::spawn(move || server.wait()));
        Self { address, stopper, log, thread }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket
    }

    /// Sends a GET request.
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[])
    }

    /// Sends a request with further fields.
    pub(crate) fn ask(&self, method: &str, target: &str, fields: &[&str]) -> Answer {
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let host = if fields.contains("Host:") { "" } else { "Host: localhost\r\n" };
        let head = format!("{method} {target} HTTP/1.1\r\n{host}{fields}Connection: close\r\n\r\n");
        self.send(head.as_bytes()).unwrap_or_else(|| panic!("no answer to {method} {target}"))
    }

    /// Sends bytes and reads until the server closes the connection. None if it says nothing.
    pub(crate) fn send(&self, bytes: &[u8]) -> Option<Answer> {
        let mut socket = self.connect();
        // The server may have closed the connection.
        let _ = socket.write_all(bytes);
        let mut found = Vec::new();
        let _ = socket.read_to_end(&mut found);
        Answer::parse(&found)
    }

    /// Stops the server and waits until it has ended.
    pub(crate) fn stop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Self { status, head, body: bytes[end + 4..].to_vec() })
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}
