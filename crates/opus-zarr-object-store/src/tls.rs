/// Makes ring the TLS implementation of this process, unless it has one.
///
/// [`open_url`](crate::open_url) and [`ObjectStorage::from_url`](crate::ObjectStorage::from_url)
/// do so themselves. Call this before you build a client with
/// [`object_store`](crate::object_store) for
/// [`ObjectStorage::new`](crate::ObjectStorage::new).
pub fn install_tls_provider() {
    // Fails if the process has a provider, which is then used.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
