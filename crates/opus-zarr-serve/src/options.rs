use std::{num::NonZeroUsize, thread::available_parallelism, time::Duration};

use crate::Guard;

/// Limits of a service, and who may use it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Who may send requests.
    pub guard: Guard,
    /// Origins whose pages may read answers, such as `https://example.org`, or `*` for all.
    pub origins: Vec<String>,
    /// Requests that are worked on at a time.
    pub threads: NonZeroUsize,
    /// Requests that may wait for their turn. Further ones get 503.
    pub waiting: usize,
    /// How long a request may wait for its turn before it gets 503.
    pub patience: Duration,
    /// Bytes of all answers that are being made or sent.
    pub memory: usize,
    /// Bytes of chunks and tiles that are kept.
    pub cache: usize,
    /// Recordings that are kept open.
    pub recordings: usize,
    /// How long an open recording or a listing is trusted before the store is asked again.
    pub trust: Duration,
    /// Connections at a time. Further ones wait to be accepted.
    pub connections: usize,
    /// How long a client may take to send a request, to send the next one, and to take the next bytes of
    /// an answer.
    pub idle: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let processors = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            guard: Guard::Loopback,
            origins: Vec::new(),
            // Some wait for storage.
            threads: processors.saturating_mul(TWICE),
            waiting: 1024,
            patience: Duration::from_secs(10),
            memory: 64 << 20,
            cache: 32 << 20,
            recordings: 256,
            trust: Duration::from_secs(5),
            connections: 1024,
            idle: Duration::from_secs(30),
        }
    }
}

const TWICE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);
