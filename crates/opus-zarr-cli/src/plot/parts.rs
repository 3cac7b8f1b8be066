use std::{
    num::NonZeroUsize,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::{failure::Failure, interrupt};

/// Processes parts, numbered from 0, in this many threads; returns the results in the order of the parts.
/// Starts no further part after a failure. Parts are not listed and take no memory before their turn,
/// because a store may declare any number.
pub(crate) fn on_threads<T: Send>(
    parts: usize,
    threads: NonZeroUsize,
    bars: &MultiProgress,
    work: impl Fn(usize) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let bar = bars.add(bar(parts));
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= parts {
                return;
            }
            let result = interrupt::check().and_then(|()| work(number));
            if result.is_err() {
                next.store(parts, Ordering::Relaxed);
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
            bar.inc(1);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.get().min(parts) {
            // If no thread starts, this one does all the work.
            let _ = thread::Builder::new().spawn_scoped(scope, worker);
        }
        worker();
    });
    bar.finish_and_clear();
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

fn bar(parts: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(parts).unwrap_or(u64::MAX));
    let style = ProgressStyle::with_template("reading {wide_bar} {percent}% {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests {
    use indicatif::ProgressDrawTarget;

    use super::*;
    use crate::failure::Exit;

    #[test]
    fn results_keep_the_order_and_a_failure_ends_the_work() {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        let threads = NonZeroUsize::new(3).unwrap();
        let doubled = on_threads(1000, threads, &bars, |part| Ok(part * 2)).unwrap();
        assert!(doubled.iter().zip(0..).all(|(result, part)| *result == part * 2));
        assert_eq!(doubled.len(), 1000);
        let fail = |part: usize| match part {
            7 => Err(Failure::new(Exit::Damaged, "seven")),
            part => Ok(part),
        };
        for parts in [1000, usize::MAX - 100] {
            assert_eq!(on_threads(parts, threads, &bars, fail).unwrap_err().message, "seven");
        }
    }
}
