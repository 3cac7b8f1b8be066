use std::sync::{Mutex, PoisonError};

/// Idle decoders, kept because creating one takes longer than resetting it.
#[derive(Debug)]
pub(crate) struct Pool<T>(Mutex<Vec<T>>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Pool<T> {
    /// Takes an idle one, or creates one.
    pub(crate) fn take<E>(&self, create: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let idle = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(create, Ok)
    }

    /// Returns one to the pool.
    pub(crate) fn put(&self, idle: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
    }
}
