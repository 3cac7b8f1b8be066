//! Counts what reads cost, from the events that the libraries emit.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde::Serialize;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    subscriber::with_default,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry,
};

/// Reads from the store.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Cost {
    pub(super) requests: u64,
    pub(super) bytes: u64,
    /// Warnings, which reach nobody else while they are counted.
    #[serde(skip)]
    pub(super) warnings: u64,
}

/// Runs some work and returns what it read from the store.
pub(super) fn counted<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let counter = Counter::default();
    let done = with_default(registry().with(counter.clone()), work);
    let [requests, bytes, warnings] = counter.0.each_ref().map(|count| count.load(Relaxed));
    (done, Cost { requests, bytes, warnings })
}

#[derive(Clone, Default)]
struct Counter(Arc<[AtomicU64; 3]>);

impl<S: Subscriber> Layer<S> for Counter {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("opus_")
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let [requests, bytes, warnings] = &*self.0;
        if *metadata.level() <= Level::WARN {
            warnings.fetch_add(1, Relaxed);
        } else if metadata.target().starts_with("opus_zarr_store") {
            let mut read = Bytes(0);
            event.record(&mut read);
            requests.fetch_add(1, Relaxed);
            bytes.fetch_add(read.0, Relaxed);
        }
    }
}

/// The value of the field `bytes`.
struct Bytes(u64);

impl Visit for Bytes {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "bytes" {
            self.0 = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
