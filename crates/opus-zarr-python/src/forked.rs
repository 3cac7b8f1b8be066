use std::{fmt, mem, process};

/// A value that belongs to the process that made it. After a `fork`, the threads of the other side are
/// missing and its connections are shared, so the child must not use it, nor even drop it, which waits
/// for the threads. Python opens another one instead.
pub(crate) struct Forked<T> {
    value: Option<T>,
    process: u32,
}

impl<T> Forked<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Some(value), process: process::id() }
    }

    /// Whether this process made the value.
    fn is_ours(&self) -> bool {
        self.process == process::id()
    }

    /// The value. None in a child of the process that made it.
    pub(crate) fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.is_ours())
    }
}

impl<T> Drop for Forked<T> {
    fn drop(&mut self) {
        if !self.is_ours() {
            mem::forget(self.value.take());
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Forked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
