//! A server that speaks S3, on this machine, for as long as a test wants it.
//!
//! It runs in a virtual environment below the target directory, made by the first run.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write, stderr},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::Duration,
};

pub(crate) struct Moto {
    child: Child,
    pub(crate) port: u16,
}

static SHARED: Mutex<Weak<Moto>> = Mutex::new(Weak::new());

impl Moto {
    /// The server of the tests that run now. None, and a message, without Python.
    pub(crate) fn shared() -> Option<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(moto) = shared.upgrade() {
            return Some(moto);
        }
        let moto = Arc::new(Self::start(&python()?));
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
        // The server chooses its port, so that nobody else has it, and says which.
        let port = said
            .by_ref()
            .find_map(|line| line.unwrap().split_once("http://127.0.0.1:")?.1.trim().parse().ok());
        let port = port.expect("the server does not start");
        // What else it says would fill the pipe and stop it.
        thread::spawn(move || said.for_each(drop));
        Self { child, port }
    }

    pub(crate) fn make_bucket(&self, name: &str) {
        let answer = self.ask("PUT", name);
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }

    /// How many uploads of parts a bucket holds that are neither complete nor aborted.
    pub(crate) fn unfinished_uploads(&self, bucket: &str) -> usize {
        let answer = self.ask("GET", &format!("{bucket}?uploads"));
        String::from_utf8_lossy(&answer).matches("<UploadId>").count()
    }

    /// Asks for something without any client of ours in between. The server wants to see a
    /// user, and believes what it sees.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Vec<u8> {
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

/// Ends with the process that started it: then its standard input ends.
const SCRIPT: &str = "
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(['-H', '127.0.0.1', '-p', '0'])
";

fn python() -> Option<PathBuf> {
    let Ok(version) = Command::new("python3").arg("--version").output() else {
        let _ = writeln!(stderr(), "SKIPPED: nothing was kept in S3: no python3");
        return None;
    };
    // Tests of the command, which is in another crate, use this as well.
    let requirements =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../opus-zarr-object-store/tests/moto.txt");
    let wanted = String::from_utf8(version.stdout).unwrap();
    let wanted = wanted + &fs::read_to_string(&requirements).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("moto");
    let (python, complete) = (folder.join("bin/python"), folder.join("complete"));
    if fs::read_to_string(&complete).ok().as_ref() != Some(&wanted) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--disable-pip-version-check", "--requirement"])
            .arg(requirements));
        fs::write(complete, wanted).unwrap();
    }
    Some(python)
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{complained}");
}
