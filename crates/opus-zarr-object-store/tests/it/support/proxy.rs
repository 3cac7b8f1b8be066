//! A bad network in front of an HTTP server.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Pass,
    /// Answers with this status without asking the server.
    Refuse(u16),
    /// Asks the server, but answers with this status.
    Lose(u16),
    /// Asks the server after this delay.
    Delay(Duration),
    /// Cuts the connection in the middle of the request, and all later ones.
    Die,
}

pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
}

type Plan = dyn Fn(u64, &str) -> Act + Send + Sync;

struct State {
    server: u16,
    count: AtomicU64,
    is_dead: AtomicBool,
    plan: Box<Plan>,
}

impl Proxy {
    /// `plan` decides what happens to a request from its number and first line.
    pub(crate) fn start(
        server: u16,
        plan: impl Fn(u64, &str) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (count, is_dead) = (AtomicU64::new(0), AtomicBool::new(false));
        let state = Arc::new(State { server, count, is_dead, plan: Box::new(plan) });
        let serving = state.clone();
        // Ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = serving.clone();
                // Failures are the purpose.
                thread::spawn(move || drop(state.serve(stream)));
            }
        });
        Self { port, state }
    }

    pub(crate) fn requests(&self) -> u64 {
        self.state.count.load(Ordering::SeqCst)
    }
}

impl State {
    /// Serves one request and closes the connection.
    fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        if self.is_dead.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut reader = BufReader::new(client.try_clone()?);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let line = head.lines().next().unwrap_or_default().to_owned();
        let act = (self.plan)(self.count.fetch_add(1, Ordering::SeqCst), &line);
        let mut body = vec![0; content_length(&head)];
        if act == Act::Die {
            self.is_dead.store(true, Ordering::SeqCst);
            return reader.read_exact(&mut body[..1]);
        }
        reader.read_exact(&mut body)?;
        let answer = match act {
            Act::Refuse(status) => plain(status),
            Act::Lose(status) => {
                self.ask(&head, &body)?;
                plain(status)
            }
            Act::Delay(time) => {
                thread::sleep(time);
                self.ask(&head, &body)?
            }
            Act::Pass | Act::Die => self.ask(&head, &body)?,
        };
        client.write_all(&answer)
    }

    fn ask(&self, head: &str, body: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, self.server))?;
        let head = head.trim_end();
        server.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes())?;
        server.write_all(body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

fn content_length(head: &str) -> usize {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().map_or(0, |(_, value)| value.trim().parse().unwrap())
}

fn plain(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
}
