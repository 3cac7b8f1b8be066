//! HTTPS, with a handshake between our client and a server on this machine.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use object_store::{RetryConfig, http::HttpBuilder};
use opus_zarr_object_store::{ObjectStorage, install_tls_provider};
use opus_zarr_store::{ErrorKind, Store};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

/// Self-signed for localhost, valid until 2126: `openssl req -x509 -newkey ec -pkeyopt
/// ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=localhost -addext
/// subjectAltName=DNS:localhost,IP:127.0.0.1`.
const CERTIFICATE: &[u8] = include_bytes!("tls/certificate.pem");
const KEY: &[u8] = include_bytes!("tls/key.pem");
const DOCUMENT: &str = r#"{"attributes":{"opus_zarr":{"layout":1}}}"#;

/// Serves the document of a store to every request, until the process ends. Returns its URL.
fn serve() -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
            PrivateKeyDer::from_pem_slice(KEY).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("https://localhost:{}/archive.zarr", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = config.clone();
            // A client may reject the certificate.
            thread::spawn(move || drop(answer(config, stream)));
        }
    });
    url
}

fn answer(config: Arc<ServerConfig>, stream: TcpStream) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let len = DOCUMENT.len();
    let client = reader.get_mut();
    write!(client, "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n")?;
    client.write_all(DOCUMENT.as_bytes())?;
    client.conn.send_close_notify();
    client.flush()
}

#[test]
fn a_store_is_opened_over_https() {
    let url = serve();
    let options = [("allow_invalid_certificates", "true")];
    let storage = ObjectStorage::from_url_with(&url, options).unwrap();
    let store = Store::open_in(Arc::new(storage)).unwrap();
    assert_eq!(store.storage().to_string(), url);
}

/// The client is one that a user builds, with retries off: an unknown certificate is retried.
#[test]
fn an_unknown_certificate_is_rejected() {
    install_tls_provider();
    let retry = RetryConfig {
        max_retries: 0,
        retry_timeout: Duration::from_secs(10),
        ..RetryConfig::default()
    };
    let client = HttpBuilder::new().with_url(serve()).with_retry(retry).build().unwrap();
    let storage = ObjectStorage::new(Arc::new(client), "", "here").unwrap();
    let error = Store::open_in(Arc::new(storage)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(format!("{error:?}").to_lowercase().contains("certificate"), "{error:?}");
}
