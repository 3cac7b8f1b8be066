//! An object store that records requests and fails on demand.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
    UploadPart, path::Path,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The request has no effect.
    Refused,
    /// The request takes effect, but its answer is lost.
    Unanswered,
    /// This request and all later ones have no effect.
    Dead,
}

#[derive(Clone, Debug)]
pub(crate) struct Faulty(Arc<dyn ObjectStore>, Arc<State>);

#[derive(Default)]
struct State {
    count: AtomicU64,
    requests: Mutex<Vec<String>>,
    plan: Mutex<Option<Plan>>,
    open_uploads: AtomicU64,
    before: Mutex<Option<Before>>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State")
    }
}

/// A request, and an action before it.
type Before = (String, Box<dyn FnOnce() + Send>);

/// The number of a request, its fault, and which requests are counted.
type Plan = (u64, Fault, fn(&str) -> bool);

impl Faulty {
    pub(crate) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self(store, Arc::default())
    }

    /// Lets the `k`th request from now on fail.
    pub(crate) fn fail(&self, k: u64, fault: Fault) {
        self.fail_among(k, fault, |_| true);
    }

    /// Lets the `k`th of some requests fail.
    pub(crate) fn fail_among(&self, k: u64, fault: Fault, is_counted: fn(&str) -> bool) {
        self.1.count.store(0, Ordering::SeqCst);
        *self.1.plan.lock().unwrap() = Some((k, fault, is_counted));
    }

    /// Runs an action before the next such request.
    pub(crate) fn before(&self, request: &str, act: impl FnOnce() + Send + 'static) {
        *self.1.before.lock().unwrap() = Some((request.to_owned(), Box::new(act)));
    }

    /// Whether the `k`th request has come.
    pub(crate) fn has_failed(&self) -> bool {
        let plan = *self.1.plan.lock().unwrap();
        plan.is_some_and(|(k, ..)| self.1.count.load(Ordering::SeqCst) > k)
    }

    /// The requests since the last call.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.1.requests.lock().unwrap())
    }

    /// Number of multipart uploads neither completed nor aborted.
    pub(crate) fn open_uploads(&self) -> u64 {
        self.1.open_uploads.load(Ordering::SeqCst)
    }

    /// Counts a request. Returns an error if it fails without effect, or the error after its effect.
    fn ask(&self, what: String) -> Result<Option<Error>> {
        let act = self.1.before.lock().unwrap().take_if(|(request, _)| *request == what);
        if let Some((_, act)) = act {
            act();
        }
        let plan = *self.1.plan.lock().unwrap();
        let is_counted = plan.is_none_or(|(.., is_counted)| is_counted(&what));
        self.1.requests.lock().unwrap().push(what);
        let earlier = self.1.count.fetch_add(u64::from(is_counted), Ordering::SeqCst);
        let lost = || Error::Generic { store: "test", source: "the connection was cut".into() };
        match plan {
            Some((k, Fault::Dead, _)) if earlier > k => Err(lost()),
            Some((k, fault, _)) if is_counted && k == earlier => match fault {
                Fault::Refused | Fault::Dead => Err(lost()),
                Fault::Unanswered => Ok(Some(lost())),
            },
            _ => Ok(None),
        }
    }
}

/// The answer, unless it is lost.
fn answer<T>(result: Result<T>, lost: Option<Error>) -> Result<T> {
    match lost {
        Some(error) => Err(error),
        None => result,
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let lost = self.ask(format!("PUT {path}"))?;
        answer(self.0.put_opts(path, payload, options).await, lost)
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let lost = self.ask(format!("POST {path}"))?;
        let upload = self.0.put_multipart_opts(path, options).await?;
        self.1.open_uploads.fetch_add(1, Ordering::SeqCst);
        let (store, is_open) = (self.clone(), true);
        answer(Ok(Box::new(FaultyUpload { upload, store, is_open })), lost)
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let method = if options.head { "HEAD" } else { "GET" };
        let lost = self.ask(format!("{method} {path}"))?;
        answer(self.0.get_opts(path, options).await, lost)
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let lost = self.ask(format!("GET {path} {}", ranges.len()))?;
        answer(self.0.get_ranges(path, ranges).await, lost)
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        paths
            .then(move |path| {
                let this = this.clone();
                async move {
                    let path = path?;
                    let lost = this.ask(format!("DELETE {path}"))?;
                    let one = futures_util::stream::iter([Ok(path.clone())]).boxed();
                    let mut results = this.0.delete_stream(one);
                    answer(results.next().await.unwrap(), lost)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.ask(format!("LIST {prefix:?}")) {
            Ok(None) => self.0.list(prefix),
            Ok(Some(error)) | Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let lost = self.ask(format!("LIST {prefix:?}"))?;
        answer(self.0.list_with_delimiter(prefix).await, lost)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let lost = self.ask(format!("COPY {from}"))?;
        answer(self.0.copy_opts(from, to, options).await, lost)
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let lost = self.ask(format!("RENAME {from}"))?;
        answer(self.0.rename_opts(from, to, options).await, lost)
    }
}

#[derive(Debug)]
struct FaultyUpload {
    upload: Box<dyn MultipartUpload>,
    store: Faulty,
    is_open: bool,
}

impl FaultyUpload {
    fn close<T>(&mut self, result: &Result<T>) {
        if result.is_ok() && std::mem::take(&mut self.is_open) {
            self.store.1.open_uploads.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[async_trait]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let asked = self.store.ask("PUT part".to_owned());
        let part = self.upload.put_part(data);
        Box::pin(async move {
            let lost = asked?;
            answer(part.await, lost)
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let lost = self.store.ask("POST complete".to_owned())?;
        let result = self.upload.complete().await;
        self.close(&result);
        answer(result, lost)
    }

    async fn abort(&mut self) -> Result<()> {
        let lost = self.store.ask("DELETE upload".to_owned())?;
        let result = self.upload.abort().await;
        self.close(&result);
        answer(result, lost)
    }
}
