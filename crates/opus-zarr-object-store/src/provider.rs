use std::fmt;

use object_store::ObjectStoreScheme;
use url::Url;

/// A kind of object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Provider {
    /// Amazon S3 and compatible stores, with credentials in `AWS_*`.
    S3,
    /// Google Cloud Storage, with credentials in `GOOGLE_*`.
    Gcs,
    /// Azure Blob Storage, with credentials in `AZURE_*`.
    Azure,
    /// A web server, which can only be read.
    Http,
}

impl Provider {
    /// Tells the provider of a URL, of a store or of an object in one. Returns `None` for other
    /// URLs and for paths.
    ///
    /// ```
    /// use opus_zarr_object_store::Provider;
    ///
    /// assert_eq!(Provider::of_url("s3://bucket/archive.zarr"), Some(Provider::S3));
    /// assert_eq!(Provider::of_url("https://example.org/a.zarr"), Some(Provider::Http));
    /// assert_eq!(Provider::of_url("/data/archive.zarr"), None);
    /// ```
    pub fn of_url(url: &str) -> Option<Self> {
        let (scheme, _) = ObjectStoreScheme::parse(&Url::parse(url).ok()?).ok()?;
        Self::of_scheme(&scheme)
    }

    pub(crate) fn of_scheme(scheme: &ObjectStoreScheme) -> Option<Self> {
        Some(match scheme {
            ObjectStoreScheme::AmazonS3 => Self::S3,
            ObjectStoreScheme::GoogleCloudStorage => Self::Gcs,
            ObjectStoreScheme::MicrosoftAzure => Self::Azure,
            ObjectStoreScheme::Http => Self::Http,
            _ => return None,
        })
    }

    /// The feature of this crate that adds its client.
    pub(crate) fn feature(self) -> &'static str {
        match self {
            Self::S3 => "aws",
            Self::Gcs => "gcp",
            Self::Azure => "azure",
            Self::Http => "http",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S3 => "S3",
            Self::Gcs => "Google Cloud Storage",
            Self::Azure => "Azure",
            Self::Http => "HTTP",
        })
    }
}
