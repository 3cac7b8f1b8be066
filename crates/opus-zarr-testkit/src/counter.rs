//! Counts what reading costs, from the `tracing` events of the crates.

use std::{cell::Cell, fmt, rc::Rc};

use tracing::{
    Event,
    field::{Field, Visit},
};

use crate::events::observed;

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
    let sum = Rc::new(Cell::new(Cost::default()));
    let add = {
        let sum = Rc::clone(&sum);
        move |event: &Event<'_>| sum.set(sum.get().and(event))
    };
    let result = observed(Rc::new(add), work);
    (result, sum.get())
}

impl Cost {
    fn and(mut self, event: &Event<'_>) -> Self {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if event.metadata().target().starts_with("opus_zarr_store") {
            self.reads += 1;
            self.bytes += fields.bytes;
        }
        self.packets += fields.packets;
        self
    }
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
