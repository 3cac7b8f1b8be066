//! Answers about stores.

use std::{
    io,
    ops::Range,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use hyper::{Response, StatusCode, Uri};
use opus_zarr::{Catalogue, Recording, RecordingName};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    Body, Form, Options, Place, Problem, Tile, Wanted, ZarrKey,
    archive::{Archive, Key, Selected},
    audio::{self, WavFile},
    budget::Budget,
    cache::Cache,
    listing,
    metrics::Metrics,
    query::encode,
    reply::{A_WHILE, Asked, JSON, REVALIDATE, Reply, Representation, in_memory},
    tiles,
};

/// What the clones of a service share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) archives: Vec<(String, Arc<Archive>)>,
    pub(crate) budget: Budget,
    /// Chunks and tiles by URL and entity tag.
    cache: Cache<(String, String), Bytes>,
    pub(crate) metrics: Metrics,
    pub(crate) options: Options,
}

impl Inner {
    pub(crate) fn new(archives: Vec<(String, Arc<Archive>)>, options: Options) -> Self {
        let (budget, cache) = (Budget::new(&options), Cache::new(options.cache));
        Self { archives, budget, cache, metrics: Metrics::default(), options }
    }

    /// The store of a name; the only one without.
    fn archive(&self, name: Option<&str>) -> Result<&Arc<Archive>, Problem> {
        match (name, &self.archives[..]) {
            (None, [(_, archive)]) => Ok(archive),
            (None, _) => Err(Problem::missing(
                "several stores are served: expected /s/STORE first; /api/stores lists them",
            )),
            (Some(name), archives) => {
                let found = archives.iter().find(|(other, _)| *other == name);
                found.map(|(_, archive)| archive).ok_or_else(|| Problem::missing("no such store"))
            }
        }
    }

    /// Answers a request for something of a store.
    pub(crate) async fn of_store(
        self: &Arc<Self>,
        place: Place,
        asked: Asked<'_>,
        uri: &Uri,
    ) -> Result<Response<Body>, Problem> {
        let archive = self.archive(place.store.as_deref())?;
        let base = place.store.as_deref().map_or(String::new(), |it| format!("/s/{}", encode(it)));
        match place.wanted {
            Wanted::Recordings(filter) => {
                let catalogue = self.catalogue(archive).await?;
                let most = catalogue.rows().len().saturating_mul(ROW);
                let work = move || listing::recordings(&catalogue, &filter);
                let json = self.budget.bytes(most, work).await?;
                Ok(in_memory(asked, JSON, REVALIDATE, json))
            }
            Wanted::Info(name) => {
                let recording = self.open(archive, Key::new(name)).await?;
                Ok(in_memory(asked, JSON, REVALIDATE, listing::info(&recording)?.into()))
            }
            Wanted::Opus(name) => self.opus(archive, name, asked).await,
            Wanted::Wav(name, cut) => {
                let key = Key { channels: Selected::Wav, ..Key::new(name) };
                let file = Arc::new(WavFile::new(self.open(archive, key).await?, &cut)?);
                let bytes = {
                    let file = file.clone();
                    move |range: &Range<u64>| file.bytes(range)
                };
                self.send(file.representation(), asked, bytes).await
            }
            Wanted::Tile(name, tile) => self.tile(archive, name, *tile, asked, uri).await,
            Wanted::Zarr(form, ZarrKey::Root) => {
                let catalogue = self.catalogue(archive).await?;
                let most = catalogue.rows().len().saturating_mul(4 * ROW);
                let work = move || Ok(form.root(&catalogue, &base).to_string().into_bytes());
                let json = self.budget.bytes(most, work).await?;
                Ok(in_memory(asked, JSON, REVALIDATE, json))
            }
            Wanted::Zarr(form, ZarrKey::Group(name)) => {
                let recording = self.open(archive, form.key(name)).await?;
                let json = form.group_of(&recording, &base)?.to_string();
                Ok(in_memory(asked, JSON, REVALIDATE, json.into()))
            }
            Wanted::Zarr(form, ZarrKey::Array(name)) => {
                let recording = self.open(archive, form.key(name)).await?;
                let json = form.array_of(&recording, &base)?.to_string();
                Ok(in_memory(asked, JSON, REVALIDATE, json.into()))
            }
            Wanted::Zarr(form, ZarrKey::Chunk(name, number)) => {
                let recording = self.open(archive, form.key(name)).await?;
                self.chunk(recording, form, number, asked, uri).await
            }
        }
    }

    async fn chunk(
        &self,
        recording: Arc<Recording>,
        form: Form,
        number: u64,
        asked: Asked<'_>,
        uri: &Uri,
    ) -> Result<Response<Body>, Problem> {
        let length = form.chunk_bytes(&recording, number)?;
        let tag = audio::tag(&recording);
        let media_type = "application/octet-stream";
        let representation =
            Representation { media_type, tag: tag.clone(), length, cache: A_WHILE, file: None };
        let sending = match representation.reply(asked) {
            Reply::Ready(response) => return Ok(response),
            Reply::Send(sending) => sending,
        };
        let most = usize::try_from(length.saturating_mul(2)).unwrap_or(usize::MAX);
        let work = move || form.chunk(&recording, number);
        Ok(sending.of(&self.kept(uri, tag, most, work).await?))
    }

    async fn tile(
        &self,
        archive: &Arc<Archive>,
        name: RecordingName,
        tile: Tile,
        asked: Asked<'_>,
        uri: &Uri,
    ) -> Result<Response<Body>, Problem> {
        let channels = tile.channel.map_or(Selected::Mono, Selected::Only);
        let key = Key { channels, ..Key::new(name) };
        let recording = self.open(archive, key).await?;
        tiles::columns(&recording, &tile)?;
        let tag = audio::tag(&recording);
        let representation = |length| {
            let media_type = "image/png";
            Representation { media_type, tag: tag.clone(), length, cache: A_WHILE, file: None }
        };
        if let Reply::Ready(response) = representation(0).reply(asked)
            && response.status() == StatusCode::NOT_MODIFIED
        {
            return Ok(response);
        }
        let png = self.kept(uri, tag.clone(), TILE, move || tiles::draw(&recording, &tile)).await?;
        let length = u64::try_from(png.len()).unwrap_or(u64::MAX);
        match representation(length).reply(asked) {
            Reply::Ready(response) => Ok(response),
            Reply::Send(sending) => Ok(sending.of(&png)),
        }
    }

    /// Returns what was made for this URL before, or makes and keeps it.
    async fn kept(
        &self,
        uri: &Uri,
        tag: String,
        most: usize,
        work: impl FnOnce() -> Result<Vec<u8>, Problem> + Send + 'static,
    ) -> Result<Bytes, Problem> {
        let target = uri.path_and_query().map_or(uri.path(), |it| it.as_str());
        let key = (target.to_owned(), tag);
        if let Some(bytes) = self.cache.get(&key) {
            self.metrics.kept.fetch_add(1, Ordering::Relaxed);
            return Ok(bytes);
        }
        let bytes = self.budget.bytes(most, work).await?;
        self.metrics.made.fetch_add(1, Ordering::Relaxed);
        // A copy, because what is kept does not count as being sent.
        let weight = bytes.len().saturating_add(key.0.len()).max(LEAST);
        self.cache.put(key, Bytes::copy_from_slice(&bytes), weight);
        Ok(bytes)
    }

    async fn catalogue(&self, archive: &Arc<Archive>) -> Result<Arc<Catalogue>, Problem> {
        let archive = archive.clone();
        self.budget.run(move || archive.catalogue()).await
    }

    async fn opus(
        self: &Arc<Self>,
        archive: &Arc<Archive>,
        name: RecordingName,
        asked: Asked<'_>,
    ) -> Result<Response<Body>, Problem> {
        let recording = self.open(archive, Key::new(name)).await?;
        let representation = audio::opus(&recording);
        let bytes = move |range: &Range<u64>| Ok(recording.ogg_opus_at(range.clone())?);
        self.send(representation, asked, bytes).await
    }

    /// Opens a recording, or finds that it is open.
    pub(crate) async fn open(
        &self,
        archive: &Arc<Archive>,
        key: Key,
    ) -> Result<Arc<Recording>, Problem> {
        if let Some(recording) = archive.open_already(&key) {
            return Ok(recording);
        }
        let archive = archive.clone();
        self.budget.run(move || archive.recording(&key)).await
    }

    /// Answers with bytes that are made piece by piece, as fast as the client takes them.
    async fn send(
        self: &Arc<Self>,
        representation: Representation,
        asked: Asked<'_>,
        make: impl Fn(&Range<u64>) -> Result<Vec<u8>, Problem> + Send + Sync + 'static,
    ) -> Result<Response<Body>, Problem> {
        let sending = match representation.reply(asked) {
            Reply::Ready(response) => return Ok(response),
            Reply::Send(sending) => sending,
        };
        let mut pieces = Pieces { make: Arc::new(make), left: sending.range.clone() };
        let length = sending.range.end - sending.range.start;
        // An error of the first piece still is an answer.
        let first = match pieces.next() {
            None => Bytes::new(),
            Some((most, work)) => self.budget.bytes(most, work).await?,
        };
        if pieces.left.is_empty() {
            return Ok(sending.with(Body::whole(first)));
        }
        let (sender, receiver) = mpsc::channel(1);
        let inner = self.clone();
        let deadline = self.options.idle + Duration::from_secs(length / SLOWEST);
        tokio::spawn(async move {
            let sent = timeout(deadline, inner.send_pieces(first, pieces, &sender)).await;
            if sent.is_err() {
                let _ = sender.try_send(Err(io::ErrorKind::TimedOut.into()));
            }
        });
        Ok(sending.with(Body::pieces(receiver, length)))
    }

    /// Sends pieces until the client is gone, or one cannot be made.
    async fn send_pieces<M>(
        &self,
        first: Bytes,
        mut pieces: Pieces<M>,
        sender: &mpsc::Sender<io::Result<Bytes>>,
    ) where
        M: Fn(&Range<u64>) -> Result<Vec<u8>, Problem> + Send + Sync + 'static,
    {
        let mut piece = Ok(first);
        loop {
            let is_last = piece.is_err();
            if sender.send(piece).await.is_err() || is_last {
                return;
            }
            let Some((most, work)) = pieces.next() else { return };
            piece = self.budget.later_bytes(most, work).await.map_err(io::Error::other);
        }
    }
}

/// What is left to be made.
struct Pieces<M> {
    make: Arc<M>,
    left: Range<u64>,
}

impl<M: Fn(&Range<u64>) -> Result<Vec<u8>, Problem> + Send + Sync + 'static> Pieces<M> {
    /// Returns the work that makes the next piece, and how many bytes it takes meanwhile.
    fn next(
        &mut self,
    ) -> Option<(usize, impl FnOnce() -> Result<Vec<u8>, Problem> + Send + use<M>)> {
        let end = self.left.end.min(self.left.start.saturating_add(PIECE));
        let range = self.left.start..end;
        self.left.start = end;
        let make = self.make.clone();
        let most = usize::try_from(PIECE).unwrap_or(usize::MAX).saturating_mul(2);
        let is_any = !range.is_empty();
        is_any.then_some((most, move || make(&range)))
    }
}

/// Bytes of an answer that are made at a time.
const PIECE: u64 = 256 << 10;
/// What a row of a listing may take of the memory.
const ROW: usize = 1 << 10;
/// What a tile may take of it.
const TILE: usize = 8 << 20;
/// What anything that is kept weighs at least, so that it is found fast.
const LEAST: usize = 4 << 10;
/// Bytes per second below which a client is too slow.
const SLOWEST: u64 = 1024;
