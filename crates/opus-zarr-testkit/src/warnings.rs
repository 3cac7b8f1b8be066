//! Collects `tracing` events at the level of warnings.

use std::{
    cell::RefCell,
    fmt::{Debug, Write},
    rc::Rc,
};

use tracing::{
    Event, Level,
    field::{Field, Visit},
};

use crate::events::observed;

/// Runs `action` and returns its result and every warning of the calling thread, as text.
pub fn warnings_of<T>(action: impl FnOnce() -> T) -> (T, Vec<String>) {
    let warnings = Rc::new(RefCell::default());
    let collect = {
        let warnings = Rc::clone(&warnings);
        move |event: &Event<'_>| collect(event, &mut warnings.borrow_mut())
    };
    let result = observed(Rc::new(collect), action);
    (result, warnings.take())
}

fn collect(event: &Event<'_>, warnings: &mut Vec<String>) {
    if *event.metadata().level() == Level::WARN {
        let mut text = Text(String::new());
        event.record(&mut text);
        warnings.push(text.0);
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}
