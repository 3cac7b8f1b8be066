//! From URLs to storages.

use std::{env, sync::Arc};

use object_store::{ObjectStore, ObjectStoreScheme};
use opus_zarr_store::{LocalStorage, Storage};
use url::Url;

use crate::{Error, ObjectStorage, fault::one_line};

/// What is at a URL, in the storage that fits: of `file:///` a [`LocalStorage`], of all
/// others an [`ObjectStorage`] with what the environment says.
///
/// ```
/// let storage = opus_zarr_object_store::open_url("file:///data/archive.zarr")?;
/// assert_eq!(storage.to_string(), "/data/archive.zarr");
/// # Ok::<(), opus_zarr_object_store::Error>(())
/// ```
pub fn open_url(url: &str) -> Result<Arc<dyn Storage>, Error> {
    let parsed = parse(url)?;
    if parsed.scheme() != "file" {
        return Ok(Arc::new(ObjectStorage::from_url(url)?));
    }
    let path = parsed.to_file_path().map_err(|()| Error::NotAUrl {
        url: url.to_owned(),
        reason: "expected file:/// and an absolute path".to_owned(),
    })?;
    Ok(Arc::new(LocalStorage::new(path)))
}

/// What a URL leads to.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: String,
    pub(crate) place: String,
    pub(crate) is_read_only: bool,
}

pub(crate) type Options = Vec<(String, String)>;

pub(crate) fn parse(url: &str) -> Result<Url, Error> {
    Url::parse(url)
        .map_err(|error| Error::NotAUrl { url: url.to_owned(), reason: error.to_string() })
}

/// The variables that belong to object stores. Others have names that a store would take
/// for its own: `TOKEN`, `TIMEOUT`.
pub(crate) fn environment() -> Options {
    let texts = env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
    texts
        .filter(|(key, _)| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|it| key.starts_with(it)))
        .collect()
}

pub(crate) fn open(url: &Url, options: Options) -> Result<Opened, Error> {
    let place = place(url);
    let (scheme, prefix) = ObjectStoreScheme::parse(url).map_err(|error| {
        let error = object_store::Error::from(error).to_string();
        match error.contains("Unable to recognise") {
            true => Error::UnknownScheme { url: place.clone() },
            false => Error::Settings { place: place.clone(), reason: one_line(&error) },
        }
    })?;
    Ok(Opened {
        store: store(&scheme, url, options, &place)?,
        prefix: prefix.to_string(),
        is_read_only: scheme == ObjectStoreScheme::Http,
        place,
    })
}

/// The client with what is missing in the options: retries and timeouts.
#[cfg(any(feature = "aws", feature = "azure", feature = "gcp", feature = "http"))]
macro_rules! client {
    ($builder:ty, $url:expr, $options:expr, $place:expr) => {{
        let mut builder = <$builder>::new().with_url($url).with_retry(retry());
        for (key, value) in
            TIMEOUTS.map(|(k, v)| (k.to_owned(), v.to_owned())).into_iter().chain($options)
        {
            if let Ok(key) = key.parse() {
                builder = builder.with_config(key, value);
            }
        }
        let store: Arc<dyn ObjectStore> =
            Arc::new(builder.build().map_err(|error| settings($place, &error))?);
        Ok(store)
    }};
}

fn store(
    scheme: &ObjectStoreScheme,
    url: &Url,
    options: Options,
    place: &str,
) -> Result<Arc<dyn ObjectStore>, Error> {
    let _ = (&url, &options);
    match scheme {
        #[cfg(feature = "aws")]
        ObjectStoreScheme::AmazonS3 => {
            client!(object_store::aws::AmazonS3Builder, url.as_str(), options, place)
        }
        #[cfg(feature = "gcp")]
        ObjectStoreScheme::GoogleCloudStorage => {
            client!(object_store::gcp::GoogleCloudStorageBuilder, url.as_str(), options, place)
        }
        #[cfg(feature = "azure")]
        ObjectStoreScheme::MicrosoftAzure => {
            client!(object_store::azure::MicrosoftAzureBuilder, url.as_str(), options, place)
        }
        #[cfg(feature = "http")]
        ObjectStoreScheme::Http => {
            // Whoever writes http wants it.
            let http = ("allow_http".to_owned(), (url.scheme() == "http").to_string());
            let options = options.into_iter().chain([http]);
            let host = &url[..url::Position::BeforePath];
            client!(object_store::http::HttpBuilder, host, options, place)
        }
        scheme => Err(unknown(scheme, place)),
    }
}

/// Why there is no client for a scheme.
fn unknown(scheme: &ObjectStoreScheme, place: &str) -> Error {
    let url = place.to_owned();
    let feature = match scheme {
        ObjectStoreScheme::AmazonS3 => "aws",
        ObjectStoreScheme::GoogleCloudStorage => "gcp",
        ObjectStoreScheme::MicrosoftAzure => "azure",
        ObjectStoreScheme::Http => "http",
        _ => return Error::UnknownScheme { url },
    };
    Error::FeatureOff { url, feature }
}

/// The URL without what is nobody's business: passwords and tokens.
fn place(url: &Url) -> String {
    let (host, path) = (url.host_str().unwrap_or_default(), url.path());
    // In az://container@account the user is the container.
    let user = match url.scheme().starts_with("http") {
        false if !url.username().is_empty() => format!("{}@", url.username()),
        _ => String::new(),
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{user}{host}{port}{}", url.scheme(), path.trim_end_matches('/'))
}

#[cfg(any(feature = "aws", feature = "azure", feature = "gcp", feature = "http"))]
fn settings(place: &str, error: &object_store::Error) -> Error {
    Error::Settings { place: place.to_owned(), reason: one_line(&error.to_string()) }
}

/// A store that cannot be reached is an error after some twenty seconds; one that is slow
/// or overloaded is asked again for 45 seconds.
#[cfg(any(feature = "aws", feature = "azure", feature = "gcp", feature = "http"))]
fn retry() -> object_store::RetryConfig {
    object_store::RetryConfig {
        backoff: object_store::BackoffConfig::default(),
        max_retries: 6,
        retry_timeout: std::time::Duration::from_secs(45),
    }
}

/// For a whole request, which is at most a part of 8 MiB or a shard of 16 MiB.
#[cfg(any(feature = "aws", feature = "azure", feature = "gcp", feature = "http"))]
const TIMEOUTS: [(&str, &str); 2] = [("timeout", "60 seconds"), ("connect_timeout", "5 seconds")];
