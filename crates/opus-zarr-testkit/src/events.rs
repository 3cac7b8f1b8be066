//! Shows a test the `tracing` events of its own thread.
//!
//! One subscriber serves all threads for as long as the process lives. With one for each test,
//! `tracing` could ask a thread without any when it first met an event, and never report that
//! event to anyone.

use std::{cell::RefCell, rc::Rc, sync::Once};

use tracing::{
    Event, Level, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

pub(crate) type Observer = Rc<dyn Fn(&Event<'_>)>;

/// Runs `action` and shows `observe` every event of the calling thread.
pub(crate) fn observed<T>(observe: Observer, action: impl FnOnce() -> T) -> T {
    subscribe();
    OBSERVERS.with_borrow_mut(|observers| observers.push(observe));
    let _observing = Observing;
    action()
}

thread_local! {
    static OBSERVERS: RefCell<Vec<Observer>> = const { RefCell::new(Vec::new()) };
}

/// Removes the latest observer, even if the action panics.
struct Observing;

impl Drop for Observing {
    fn drop(&mut self) {
        OBSERVERS.with_borrow_mut(Vec::pop);
    }
}

fn subscribe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(Observers).unwrap();
        // Events first met while the subscriber was being set.
        tracing::callsite::rebuild_interest_cache();
    });
}

struct Observers;

impl Subscriber for Observers {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN || metadata.target().starts_with("opus_")
    }

    fn event(&self, event: &Event<'_>) {
        let latest = OBSERVERS.with_borrow(|observers| observers.last().cloned());
        if let Some(observe) = latest {
            observe(event);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
