use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// Applies `work` to all items, several at a time, and passes the results to `each` in the order of the
/// items, until `each` breaks off. Few results wait for their turn, however many items there are. If no
/// thread starts, the calling one does all the work.
pub(crate) fn in_order<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(&I) -> T + Sync,
    mut each: impl FnMut(&I, T) -> ControlFlow<()>,
) {
    let shared = Shared { state: Mutex::new(State::default()), changed: Condvar::new() };
    let helper = || {
        let _end = End { shared: &shared, is_caller: false };
        while let Some(number) = shared.claim(items.len()) {
            if let Some(item) = items.get(number) {
                shared.put(number, work(item));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..THREADS.min(items.len()) {
            let _ = thread::Builder::new().spawn_scoped(scope, helper);
        }
        let _end = End { shared: &shared, is_caller: true };
        for (number, item) in items.iter().enumerate() {
            let result = match shared.take(number) {
                Taken::Unclaimed => work(item),
                Taken::Result(result) => result,
                // A thread has panicked, which the scope passes on.
                Taken::Lost => return,
            };
            if each(item, result).is_break() {
                return;
            }
        }
    });
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// The first item that nobody works on.
    next: usize,
    /// The item whose result is passed on next.
    turn: usize,
    done: BTreeMap<usize, T>,
    is_over: bool,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self { next: 0, turn: 0, done: BTreeMap::new(), is_over: false }
    }
}

enum Taken<T> {
    /// The caller has to do it.
    Unclaimed,
    Result(T),
    Lost,
}

impl<T> Shared<T> {
    /// Takes an item to work on, once it is close enough to the one whose turn it is.
    fn claim(&self, count: usize) -> Option<usize> {
        let mut state = self.lock();
        while !state.is_over && state.next < count && state.next >= state.turn + AHEAD {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let number = state.next;
        (!state.is_over && number < count).then(|| {
            state.next += 1;
            number
        })
    }

    fn put(&self, number: usize, result: T) {
        let mut state = self.lock();
        state.done.insert(number, result);
        if state.turn == number {
            self.changed.notify_all();
        }
    }

    /// Waits for the result of an item, whose turn it is now.
    fn take(&self, number: usize) -> Taken<T> {
        let mut state = self.lock();
        state.turn = number;
        if number.is_multiple_of(AHEAD / 2) {
            self.changed.notify_all();
        }
        if state.next == number {
            state.next += 1;
            return Taken::Unclaimed;
        }
        loop {
            if let Some(result) = state.done.remove(&number) {
                return Taken::Result(result);
            }
            if state.is_over {
                return Taken::Lost;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends all work when the calling thread is done, or when a thread panics.
struct End<'a, T> {
    shared: &'a Shared<T>,
    is_caller: bool,
}

impl<T> Drop for End<'_, T> {
    fn drop(&mut self) {
        if self.is_caller || thread::panicking() {
            self.shared.lock().is_over = true;
            self.shared.changed.notify_all();
        }
    }
}

/// Mostly they wait for a distant store.
const THREADS: usize = 16;

/// Results that wait at most.
const AHEAD: usize = 32;

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use super::*;

    /// Works for a moment that differs from item to item.
    fn slowly(number: usize) {
        thread::sleep(Duration::from_micros(u64::try_from(number * 7919 % 400).unwrap()));
    }

    #[test]
    fn results_come_in_order_and_few_wait() {
        for count in [0, 1, 2, 15, 16, 33, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let (begun, mut seen) = (AtomicUsize::new(0), Vec::new());
            let work = |number: &usize| {
                begun.fetch_add(1, Ordering::Relaxed);
                slowly(*number);
                *number
            };
            in_order(&items, work, |item, result| {
                assert_eq!(*item, result);
                seen.push(result);
                let ahead = begun.load(Ordering::Relaxed) - (seen.len() - 1);
                assert!(ahead <= AHEAD, "{ahead} results before the turn of {item}");
                ControlFlow::Continue(())
            });
            assert_eq!(seen, items);
        }
    }

    #[test]
    fn breaking_off_ends_all_work() {
        let items: Vec<usize> = (0..10_000).collect();
        for last in [0, 1, 40, 500] {
            let begun = AtomicUsize::new(0);
            let work = |_: &usize| begun.fetch_add(1, Ordering::Relaxed);
            in_order(&items, work, |item, _| match *item == last {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            });
            assert!(begun.into_inner() <= last + 1 + AHEAD);
        }
    }

    #[test]
    fn a_panic_in_a_thread_ends_all_work() {
        let items: Vec<usize> = (0..1000).collect();
        let work = |number: &usize| {
            slowly(*number);
            assert!(*number != 300, "on purpose");
        };
        let run = || in_order(&items, work, |_, ()| ControlFlow::Continue(()));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    }
}
