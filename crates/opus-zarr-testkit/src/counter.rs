//! Counts what reading costs, from the `tracing` events of the crates.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tracing::{
    Event, Id, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::with_default,
};

/// What was read and decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost {
    /// Reads of the storage.
    pub reads: u64,
    /// Bytes that they returned.
    pub bytes: u64,
    /// Packets decoded.
    pub packets: u64,
}

/// Runs `work` and returns its result and what it cost. Counts only the calling thread.
pub fn cost<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let counter = Counter::default();
    let result = with_default(counter.clone(), work);
    let [reads, bytes, packets] = counter.0.each_ref().map(|count| count.load(Relaxed));
    (result, Cost { reads, bytes, packets })
}

#[derive(Clone, Default)]
struct Counter(Arc<[AtomicU64; 3]>);

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("opus_")
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let [reads, bytes, packets] = &*self.0;
        if event.metadata().target().starts_with("opus_zarr_store") {
            reads.fetch_add(1, Relaxed);
            bytes.fetch_add(fields.bytes, Relaxed);
        }
        packets.fetch_add(fields.packets, Relaxed);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Fields {
    bytes: u64,
    packets: u64,
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "bytes" => self.bytes = value,
            "packets" => self.packets = value,
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
