//! Clients of the server that speaks S3.

use std::{sync::Arc, time::Duration};

use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder};
use opus_zarr::Store;
use opus_zarr_object_store::{ObjectStorage, install_tls_provider};

use super::{created, proxy::Proxy};

/// Longer than the slow server may take between two renewals.
pub(crate) const LEASE: Duration = Duration::from_secs(2);
/// For one request to the server.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) fn storage(port: u16, bucket: &str) -> ObjectStorage {
    let endpoint = format!("http://127.0.0.1:{port}");
    let options = [
        ("AWS_ENDPOINT", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let url = format!("s3://{bucket}/a/b");
    ObjectStorage::from_url_with(&url, options).unwrap().with_lease(LEASE)
}

pub(crate) fn store(port: u16, bucket: &str) -> Store {
    created(storage(port, bucket))
}

/// A client with short timeouts.
pub(crate) fn client(port: u16, bucket: &str) -> Arc<dyn ObjectStore> {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(20),
        max_backoff: Duration::from_millis(100),
        base: 2.,
    };
    let retry = RetryConfig { backoff, max_retries: 4, retry_timeout: Duration::from_secs(10) };
    install_tls_provider();
    let client = AmazonS3Builder::new()
        .with_client_options(ClientOptions::new().with_timeout(TIMEOUT).with_allow_http(true))
        .with_endpoint(format!("http://127.0.0.1:{port}"))
        .with_region("us-east-1")
        .with_access_key_id("test")
        .with_secret_access_key("test")
        .with_bucket_name(bucket)
        .with_retry(retry)
        .build();
    Arc::new(client.unwrap())
}

/// A store behind a proxy.
pub(crate) fn behind(proxy: &Proxy, bucket: &str) -> Store {
    let storage = ObjectStorage::new(client(proxy.port, bucket), "a/b", "bad").unwrap();
    Store::open_in(Arc::new(storage.with_lease(LEASE))).unwrap()
}
