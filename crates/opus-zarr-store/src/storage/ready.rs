use std::{
    fmt, io,
    pin::pin,
    task::{Context, Poll, Waker},
};

use crate::storage::{AsyncStorage, EntriesFuture, Part, PartFuture, Storage};

/// A blocking storage as an async one whose futures are always ready, so that each read path is
/// written once.
#[derive(Debug)]
pub(crate) struct Ready<'a>(pub(crate) &'a dyn Storage);

impl fmt::Display for Ready<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)
    }
}

impl AsyncStorage for Ready<'_> {
    fn read<'a>(&'a self, key: &'a str, part: Part) -> PartFuture<'a> {
        Box::pin(std::future::ready::<io::Result<Vec<u8>>>(self.0.read(key, part)))
    }

    fn entries(&self) -> EntriesFuture<'_> {
        Box::pin(std::future::ready(self.0.entries()))
    }
}

/// Runs a future that waits for nothing but a [`Ready`] storage.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        // Ready the first time, because no future in it is ever pending.
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
    }
}
