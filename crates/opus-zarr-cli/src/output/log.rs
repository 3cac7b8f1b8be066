//! Prints the `tracing` events of the libraries like all other messages.

use std::fmt::{self, Write};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry,
    util::SubscriberInitExt,
};

use super::Messages;

/// Prints warnings of our own crates, and more with a higher verbosity.
pub(super) fn install(messages: Messages, verbosity: u8) {
    let level = match verbosity {
        0 => Level::WARN,
        1 => Level::DEBUG,
        _ => Level::TRACE,
    };
    // Fails only if a subscriber is installed already, which nothing else in this process does.
    let _ = registry().with(Log { messages, level }).try_init();
}

struct Log {
    messages: Messages,
    level: Level,
}

impl<S: Subscriber> Layer<S> for Log {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= self.level && metadata.target().contains("opus")
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let text = text.message + &text.fields;
        match *event.metadata().level() {
            Level::ERROR | Level::WARN => self.messages.warn(text),
            _ => self.messages.note(text),
        }
    }
}

/// A message followed by its fields.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, ", {name} {value:?}"),
        };
    }
}
