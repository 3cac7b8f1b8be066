//! Async reads return what blocking reads return.

use std::{
    fmt,
    ops::Range,
    path::Path,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use opus_zarr::{
    AsyncRecording, AsyncStore, ChannelSelection, Exactness, Output, OutputRate, ReadMode,
    Recording, Selection, unwatched,
};
use opus_zarr_store::{AsyncStorage, EntriesFuture, LocalStorage, Part, PartFuture, Storage as _};
use opus_zarr_testkit::{
    Random,
    long::import_hours,
    recordings::{BOTH, MONO, all, open_at, store_of},
};

/// A store in a directory whose every read is pending once.
#[derive(Debug)]
struct Pending {
    storage: LocalStorage,
    /// The most bytes that one read returned.
    most: AtomicU64,
}

impl Pending {
    fn new(root: &Path) -> Arc<Self> {
        Arc::new(Self { storage: LocalStorage::new(root), most: AtomicU64::new(0) })
    }
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.storage.fmt(f)
    }
}

impl AsyncStorage for Pending {
    fn read<'a>(&'a self, key: &'a str, part: Part) -> PartFuture<'a> {
        Box::pin(async move {
            later().await;
            let bytes = self.storage.read(key, part)?;
            self.most.fetch_max(u64::try_from(bytes.len()).unwrap(), Ordering::Relaxed);
            Ok(bytes)
        })
    }

    fn entries(&self) -> EntriesFuture<'_> {
        Box::pin(async move { self.storage.entries() })
    }
}

/// Is pending once.
async fn later() {
    let mut polls = 0;
    std::future::poll_fn(|_| {
        polls += 1;
        if polls > 1 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = poll_once(future.as_mut()) {
            return result;
        }
    }
}

fn poll_once<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn opened(storage: Arc<Pending>, name: &str) -> AsyncRecording {
    AsyncRecording::open(&AsyncStore::open(storage).await.unwrap(), name).await.unwrap()
}

/// Streams a range in pieces of any size.
async fn streamed(recording: &AsyncRecording, range: Range<u64>, random: &mut Random) -> Vec<i16> {
    let mut stream = recording.stream(range).unwrap();
    let (mut samples, mut piece) = (Vec::new(), vec![0; 3000]);
    while stream.left() > 0 {
        let room = 1 + usize::try_from(random.below(2999)).unwrap();
        let count = stream.read(&mut piece[..room]).await.unwrap();
        assert!(count > 0);
        samples.extend_from_slice(&piece[..count]);
    }
    assert_eq!(stream.read(&mut piece).await.unwrap(), 0);
    samples
}

async fn assert_same(found: &AsyncRecording, expected: &Recording, random: &mut Random) {
    assert_eq!(found.read_mode(), expected.read_mode());
    for _ in 0..20 {
        let range = random.range(expected.info().play_length, 96_000);
        let samples = expected.read::<i16>(range.clone()).unwrap();
        assert!(found.read::<i16>(range.clone()).await.unwrap() == samples, "{range:?}");
        assert!(streamed(found, range.clone(), random).await == samples, "{range:?}");
        let mut filled = vec![0; samples.len()];
        found.read_into(range.clone(), &mut filled).await.unwrap();
        assert!(filled == samples, "{range:?}");
        let too_large = found.read_into(range.clone(), &mut vec![0i16; samples.len() + 1]).await;
        assert!(too_large.is_err());
        assert_eq!(found.find(range.clone()).await.unwrap(), expected.find(range.clone()).unwrap());
        assert_eq!(
            found.sample_count(range.clone()).unwrap(),
            expected.sample_count(range).unwrap()
        );
    }
}

#[test]
fn async_reads_return_the_samples_of_blocking_reads() {
    let mut random = Random(11);
    for file in BOTH {
        let (store, mut expected) = store_of(file);
        let storage = Pending::new(store.path());
        block_on(async {
            let mut found = opened(storage.clone(), "it").await;
            assert_same(&found, &expected, &mut random).await;
            // Without a sync map, from the start.
            let exact = found.read_as::<i16>(ReadMode::Exact, 48_000..96_000).await;
            let from_start = expected.read_as::<i16>(ReadMode::Exact, 48_000..96_000);
            assert!(exact.unwrap() == from_start.unwrap());

            expected.build_sync(unwatched).unwrap();
            found = opened(storage.clone(), "it").await;
            assert_eq!(
                (found.read_mode(), found.exactness()),
                (ReadMode::Exact, Ok(Exactness::Map))
            );
            assert_same(&found, &expected, &mut random).await;

            let output =
                Output::default().rate(OutputRate::Hz16000).channels(ChannelSelection::Mono);
            found.set_output(output.clone()).unwrap();
            expected.set_output(output).unwrap();
            assert_same(&found, &expected, &mut random).await;
        });
    }
}

#[test]
fn facts_are_those_of_the_blocking_recording() {
    let (store, expected) = store_of(MONO);
    let found = block_on(opened(Pending::new(store.path()), "it"));
    assert_eq!((found.name(), found.info()), (expected.name(), expected.info()));
    assert_eq!(block_on(found.index_info()).unwrap(), expected.index_info().unwrap());
    let second = Duration::from_secs(1)..Duration::from_secs(2);
    assert_eq!(found.samples_of(second.clone()), expected.samples_of(second));
    assert_eq!(found.time_of(96_000), Duration::from_secs(2));
    assert_eq!(found.utc_of(0), expected.utc_of(0));
    let selection: Selection = "1..+250ms".parse().unwrap();
    assert_eq!(found.select(&selection).unwrap(), 48_000..60_000);
}

#[test]
fn a_dropped_read_loses_no_samples() {
    let (store, expected) = store_of(MONO);
    let recording = block_on(opened(Pending::new(store.path()), "it"));
    let mut stream = recording.stream::<i16>(0..expected.info().play_length).unwrap();
    let (mut samples, mut piece) = (Vec::new(), vec![0; 10_000]);
    let mut dropped = 0;
    while stream.left() > 0 {
        // A read that is pending is dropped.
        let polled = poll_once(pin!(stream.read(&mut piece)));
        let count = match polled {
            Poll::Ready(count) => count,
            Poll::Pending => {
                dropped += 1;
                block_on(stream.read(&mut piece))
            }
        };
        let count = count.unwrap();
        samples.extend_from_slice(&piece[..count]);
    }
    assert!(dropped > 0 && samples == all::<i16>(&expected), "{dropped} dropped");
}

#[test]
fn a_stream_holds_a_minute_of_packets() {
    let folder = tempfile::tempdir().unwrap();
    let expected = import_hours(1, folder.path());
    let storage = Pending::new(&folder.path().join("store"));
    let recording = block_on(opened(storage.clone(), "1-hours"));
    storage.most.store(0, Ordering::Relaxed);
    let mut random = Random(3);
    let range = 600 * 48_000..900 * 48_000;
    let samples = block_on(streamed(&recording, range.clone(), &mut random));
    assert!(samples == expected.read::<i16>(range).unwrap());
    assert!(storage.most.load(Ordering::Relaxed) < 400_000, "{storage:?}");
}

#[test]
fn a_lost_index_is_an_error() {
    let (store, _) = store_of(MONO);
    std::fs::remove_file(store.path().join("it/opus_index/c/0/0")).unwrap();
    let recording = block_on(opened(Pending::new(store.path()), "it"));
    assert!(block_on(recording.read::<i16>(0..10)).is_err());
    assert!(block_on(recording.index_info()).unwrap().is_none());
    assert_eq!(open_at(store.path(), "it").unwrap().read::<i16>(0..10).unwrap().len(), 10);
}
