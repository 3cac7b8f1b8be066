//! A server on this machine that speaks S3, for as long as a test needs it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::Duration,
};

use crate::python::python;

/// A running server. It stops when dropped.
#[derive(Debug)]
pub struct Moto {
    child: Child,
    /// The port on 127.0.0.1.
    pub port: u16,
}

static SHARED: Mutex<Weak<Moto>> = Mutex::new(Weak::new());

impl Moto {
    /// Returns the server of the tests that run now in this process. Without Python, says so and
    /// returns `None`.
    pub fn shared() -> Option<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(moto) = shared.upgrade() {
            return Some(moto);
        }
        let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/moto.txt");
        let moto = Arc::new(Self::start(&python("moto", &requirements, "stores in S3")?));
        *shared = Arc::downgrade(&moto);
        Some(moto)
    }

    fn start(python: &Path) -> Self {
        let mut child = Command::new(python)
            .args(["-I", "-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        // The server chooses a free port and prints it.
        let port = said
            .by_ref()
            .find_map(|line| line.unwrap().split_once("http://127.0.0.1:")?.1.trim().parse().ok());
        let port = port.expect("the server does not start");
        // A full pipe would stop the server.
        thread::spawn(move || said.for_each(drop));
        Self { child, port }
    }

    /// Makes a bucket.
    pub fn make_bucket(&self, name: &str) {
        let answer = self.ask("PUT", name);
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }

    /// Returns how many multipart uploads of a bucket are neither complete nor aborted.
    pub fn unfinished_uploads(&self, bucket: &str) -> usize {
        let answer = self.ask("GET", &format!("{bucket}?uploads"));
        String::from_utf8_lossy(&answer).matches("<UploadId>").count()
    }

    /// Sends a request without any client of ours and returns the whole answer. The server wants
    /// a user and accepts any signature.
    pub fn ask(&self, method: &str, path: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let port = self.port;
        let request = format!(
            "{method} /{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\n\
             Authorization: AWS4-HMAC-SHA256 \
             Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, \
             Signature=0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Ends when its standard input ends, which is when the process that started it does.
const SCRIPT: &str = "
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(['-H', '127.0.0.1', '-p', '0'])
";
