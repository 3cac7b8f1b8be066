//! Serves stores over HTTP.

use std::{
    collections::HashMap,
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    path::Path,
    sync::mpsc::{RecvTimeoutError, sync_channel},
    thread,
    time::Duration,
};

use opus_zarr::Store;
use opus_zarr_serve::{Access, Guard, Options, Server, Service};
use serde::Serialize;

use crate::{
    failure::{Exit, Failure},
    interrupt,
    output::{Line, Output},
    place::StorePlace,
};

/// Serve stores over HTTP: samples, audio files, spectrograms, and a page to look and listen
///
/// Prints one line per request to standard output, in the Combined Log Format or as JSON. Ctrl-C and SIGTERM end it.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(value_name = "STORE", required = true)]
    stores: Vec<StorePlace>,
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8000")]
    listen: String,
    /// Token that clients must send, as a bearer token or as the password of any user
    #[arg(long, conflicts_with = "public", value_parser = token)]
    token: Option<String>,
    /// Serve everybody who can reach ADDRESS
    #[arg(long)]
    public: bool,
    /// Let web pages of this origin read answers, such as https://example.org, or * for all; may be repeated
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    cors: Vec<String>,
}

pub(crate) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let address = address(&args.listen)?;
    let mut options = Options::default();
    options.guard = guard(args, address)?;
    options.origins.clone_from(&args.cors);
    let stores = stores(&args.stores)?;
    let service = Service::new(stores, options).map_err(|it| Failure::usage(it.to_string()))?;
    // From here on, a signal ends the server and not the process.
    interrupt::defer();
    let (log, requests) = sync_channel(QUEUE);
    let server = Server::bind(address, service, move |access| {
        // What nobody writes fast enough is not logged: requests do not wait.
        let _ = log.try_send(access);
    })
    .map_err(|error| cannot_listen(address, &error))?;
    let messages = output.messages().clone();
    messages.note(format!("serving at http://{}/", server.address()));
    let stopper = server.stopper();
    let waiting = thread::Builder::new().spawn(move || server.wait());
    let waiting = waiting
        .map_err(|error| Failure::new(Exit::Error, format!("cannot start a thread: {error}")))?;
    let mut written = Ok(());
    loop {
        match requests.recv_timeout(TICK) {
            Ok(access) if written.is_ok() => written = output.data(&Request(access)),
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) if written.is_ok() => written = output.flush(),
            Err(RecvTimeoutError::Timeout) => {}
            // The server has ended.
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if interrupt::check().is_err() || written.is_err() {
            stopper.stop();
        }
        if waiting.is_finished() {
            break;
        }
    }
    for access in requests.try_iter() {
        written = written.and_then(|()| output.data(&Request(access)));
    }
    written
}

/// Names the stores as their directories or the ends of their URLs are named.
fn stores(places: &[StorePlace]) -> Result<Vec<(String, Store)>, Failure> {
    let mut stores = Vec::with_capacity(places.len());
    let mut taken = HashMap::new();
    for place in places {
        let store = place.open()?;
        let text = place.to_string();
        let name =
            Path::new(&text).file_name().map_or(text.clone(), |it| it.to_string_lossy().into());
        if let Some(other) = taken.insert(name.clone(), text.clone()) {
            let message = format!("{other} and {text} have the same name, {name:?}");
            return Err(Failure::usage(message).with_hint("serve them separately"));
        }
        stores.push((name, store));
    }
    Ok(stores)
}

fn address(text: &str) -> Result<SocketAddr, Failure> {
    let found = text.to_socket_addrs().ok().and_then(|mut all| all.next());
    found.ok_or_else(|| {
        Failure::usage(format!("invalid address {text:?}"))
            .with_hint("expected ADDRESS:PORT, such as 127.0.0.1:8000 or [::1]:8000")
    })
}

/// Requires a decision for what others can reach.
fn guard(args: &Args, address: SocketAddr) -> Result<Guard, Failure> {
    match (&args.token, args.public) {
        (Some(token), _) => Ok(Guard::Token(token.clone())),
        (None, true) => Ok(Guard::Public),
        (None, false) if address.ip().is_loopback() => Ok(Guard::Loopback),
        (None, false) => Err(Failure::usage(format!("other computers can reach {}", address.ip()))
            .with_hint("require a token with --token TOKEN, or serve everybody with --public")),
    }
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> Failure {
    let failure = Failure::new(Exit::Error, format!("cannot listen at {address}: {error}"));
    match error.kind() {
        io::ErrorKind::AddrInUse => failure.with_hint("choose another port with --listen"),
        _ => failure,
    }
}

fn token(text: &str) -> Result<String, String> {
    let is_sendable = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_sendable
        .then(|| text.to_owned())
        .ok_or_else(|| "expected printable ASCII characters without spaces".to_owned())
}

fn origin(text: &str) -> Result<String, String> {
    let is_origin = text.split_once("://").is_some_and(|(scheme, host)| {
        ["http", "https"].contains(&scheme) && !host.is_empty() && !host.contains('/')
    });
    (is_origin || text == "*")
        .then(|| text.to_owned())
        .ok_or_else(|| "expected an origin such as https://example.org, or *".to_owned())
}

/// The line about a request.
#[derive(Serialize)]
#[serde(transparent)]
struct Request(Access);

impl Line for Request {
    const TYPE: &'static str = "request";
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Requests that wait to be written to the log.
const QUEUE: usize = 65_536;
/// How often to check for signals and flush the log.
const TICK: Duration = Duration::from_millis(100);
