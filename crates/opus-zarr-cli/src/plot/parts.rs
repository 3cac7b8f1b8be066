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

/// Processes all parts in this many threads; returns the results in the order of the parts. Starts no
/// further part after a failure.
pub(crate) fn on_threads<P: Sync, T: Send>(
    parts: &[P],
    threads: NonZeroUsize,
    bars: &MultiProgress,
    work: impl Fn(&P) -> Result<T, Failure> + Sync,
) -> Result<Vec<T>, Failure> {
    let bar = bars.add(bar(parts.len()));
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(parts.len())));
    let worker = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(number) else { return };
            let result = interrupt::check().and_then(|()| work(part));
            if result.is_err() {
                next.store(parts.len(), Ordering::Relaxed);
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).push((number, result));
            bar.inc(1);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.get().min(parts.len()) {
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
        let parts: Vec<u64> = (0..1000).collect();
        let threads = NonZeroUsize::new(3).unwrap();
        let doubled = on_threads(&parts, threads, &bars, |part| Ok(part * 2)).unwrap();
        assert!(doubled.iter().zip(0..).all(|(result, part)| *result == part * 2));
        assert_eq!(doubled.len(), 1000);
        let fail = |part: &u64| match part {
            7 => Err(Failure::new(Exit::Damaged, "seven")),
            part => Ok(*part),
        };
        assert_eq!(on_threads(&parts, threads, &bars, fail).unwrap_err().message, "seven");
    }
}
