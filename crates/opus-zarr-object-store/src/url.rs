//! Opens the storage of a URL.

use std::{env, sync::Arc};

use object_store::{ObjectStore, ObjectStoreScheme, path::Path};
use opus_zarr_store::{LocalStorage, Storage};
use url::Url;

use crate::{Error, ObjectStorage, Provider, error::Reason, fault::one_line};

/// Opens the storage of a URL: a [`LocalStorage`] for `file:///`, an [`ObjectStorage`] with the
/// settings of the environment for all others.
///
/// ```
/// let storage = opus_zarr_object_store::open_url("file:///data/archive.zarr")?;
/// assert_eq!(storage.to_string(), "/data/archive.zarr");
/// # Ok::<(), opus_zarr_object_store::Error>(())
/// ```
pub fn open_url(url: &str) -> Result<Arc<dyn Storage>, Error> {
    open_url_with::<String, String>(url, [])
}

/// Opens the storage of a URL like [`open_url`], with settings that take precedence over those of the
/// environment, named as in [`ObjectStorage::from_url_with`]. A local path needs none and ignores them.
pub fn open_url_with<K: AsRef<str>, V: Into<String>>(
    url: &str,
    options: impl IntoIterator<Item = (K, V)>,
) -> Result<Arc<dyn Storage>, Error> {
    let parsed = parse(url)?;
    if parsed.scheme() != "file" {
        return Ok(Arc::new(ObjectStorage::of(url, environment(), named(options))?));
    }
    let path = parsed.to_file_path();
    let path = path.map_err(|()| Reason::RelativePath { url: url.to_owned() })?;
    Ok(Arc::new(LocalStorage::new(path)))
}

/// The storage of a URL.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: String,
    pub(crate) place: String,
    pub(crate) is_read_only: bool,
}

pub(crate) type Options = Vec<(String, String)>;

pub(crate) fn parse(url: &str) -> Result<Url, Error> {
    Ok(Url::parse(url).map_err(|source| Reason::InvalidUrl { url: url.to_owned(), source })?)
}

/// Options by their names, in lower case.
pub(crate) fn named<K: AsRef<str>, V: Into<String>>(
    options: impl IntoIterator<Item = (K, V)>,
) -> Options {
    let options = options.into_iter();
    options.map(|(key, value)| (key.as_ref().to_ascii_lowercase(), value.into())).collect()
}

/// The environment variables of object stores. Others have names that a store would also accept,
/// such as `TOKEN` and `TIMEOUT`.
pub(crate) fn environment() -> Options {
    let texts = env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
    named(
        texts.filter(|(key, _)| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|it| key.starts_with(it))),
    )
}

/// Opens the storage with settings of the environment, some of which it may not know, and with options,
/// all of which it must know and which take precedence.
pub(crate) fn open(url: &Url, environment: Options, options: Options) -> Result<Opened, Error> {
    let place = place(url);
    let unknown = || Reason::UnknownScheme { url: place.clone() };
    let (scheme, prefix) =
        ObjectStoreScheme::parse(url).map_err(|_| match Path::from_url_path(url.path()) {
            Err(error) => {
                let reason = one_line(&error.to_string());
                Reason::Settings { place: place.clone(), reason, provider: None }
            }
            Ok(_) => unknown(),
        })?;
    let provider = Provider::of_scheme(&scheme).ok_or_else(unknown)?;
    Ok(Opened {
        store: client(provider, url, environment, options, &place)?,
        prefix: prefix.to_string(),
        is_read_only: provider == Provider::Http,
        place,
    })
}

/// Builds a client, adding timeouts and retries to the options.
#[cfg(feature = "__client")]
macro_rules! build {
    ($builder:ty, $url:expr, $environment:expr, $options:expr, $place:expr) => {{
        let mut builder = <$builder>::new().with_url($url).with_retry(retry());
        for (key, value) in
            TIMEOUTS.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().chain($environment)
        {
            if let Ok(key) = key.parse() {
                builder = builder.with_config(key, value);
            }
        }
        for (name, value) in $options {
            let Ok(key) = name.parse() else {
                let place = $place.to_owned();
                return Err(Reason::UnknownOption { place, name }.into());
            };
            builder = builder.with_config(key, value);
        }
        builder.build().map(|store| -> Arc<dyn ObjectStore> { Arc::new(store) })
    }};
}

#[cfg(feature = "__client")]
fn client(
    provider: Provider,
    url: &Url,
    environment: Options,
    options: Options,
    place: &str,
) -> Result<Arc<dyn ObjectStore>, Error> {
    crate::install_tls_provider();
    let built = match provider {
        #[cfg(feature = "aws")]
        Provider::S3 => {
            build!(object_store::aws::AmazonS3Builder, url.as_str(), environment, options, place)
        }
        #[cfg(feature = "gcp")]
        Provider::Gcs => {
            build!(
                object_store::gcp::GoogleCloudStorageBuilder,
                url.as_str(),
                environment,
                options,
                place
            )
        }
        #[cfg(feature = "azure")]
        Provider::Azure => {
            build!(
                object_store::azure::MicrosoftAzureBuilder,
                url.as_str(),
                environment,
                options,
                place
            )
        }
        #[cfg(feature = "http")]
        Provider::Http => {
            // The scheme of the URL tells whether to use TLS.
            let http = ("allow_http".to_owned(), (url.scheme() == "http").to_string());
            let environment = environment.into_iter().chain([http]);
            let server = &url[..url::Position::BeforePath];
            build!(object_store::http::HttpBuilder, server, environment, options, place)
        }
        #[allow(unreachable_patterns, reason = "unless a feature is off")]
        _ => return Err(feature_off(provider, place)),
    };
    Ok(built.map_err(|error| Reason::Settings {
        place: place.to_owned(),
        reason: one_line(&error.to_string()),
        provider: Some(provider),
    })?)
}

#[cfg(not(feature = "__client"))]
fn client(
    provider: Provider,
    _: &Url,
    _: Options,
    _: Options,
    place: &str,
) -> Result<Arc<dyn ObjectStore>, Error> {
    Err(feature_off(provider, place))
}

fn feature_off(provider: Provider, place: &str) -> Error {
    Reason::FeatureOff { url: place.to_owned(), feature: provider.feature(), provider }.into()
}

/// The URL without secrets such as passwords and tokens.
fn place(url: &Url) -> String {
    let (host, path) = (url.host_str().unwrap_or_default(), url.path());
    // In az://container@account, the user is the container.
    let user = if url.username().is_empty() || url.scheme().starts_with("http") {
        String::new()
    } else {
        format!("{}@", url.username())
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{user}{host}{port}{}", url.scheme(), path.trim_end_matches('/'))
}

/// An unreachable store is an error after about 20 seconds. Requests to a slow or overloaded one
/// are retried for 45 seconds.
#[cfg(feature = "__client")]
fn retry() -> object_store::RetryConfig {
    object_store::RetryConfig {
        backoff: object_store::BackoffConfig::default(),
        max_retries: 6,
        retry_timeout: std::time::Duration::from_secs(45),
    }
}

/// For a whole request, of at most a part of 8 MiB or a shard of 16 MiB.
#[cfg(feature = "__client")]
const TIMEOUTS: [(&str, &str); 2] = [("timeout", "60 seconds"), ("connect_timeout", "5 seconds")];
