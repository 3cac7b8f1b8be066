//! Two operations on one recording at once.

use std::{collections::BTreeSet, ops::ControlFlow::Continue, sync::Barrier, thread};

use opus_zarr_store::{Entry, Store, VerifyOptions, verify};

use crate::operations::{EARLIER, IT, NEW, Operation, Supplies, name, snapshot};

/// Runs every pair of operations at once, each on a store of its own that `create` makes empty, and
/// asserts that nothing is lost, torn or left behind. `create` returns two views of one store.
pub fn check_pairs(rounds: usize, supplies: &Supplies, create: impl Fn() -> [Store; 2]) {
    for (at, first) in Operation::ALL.into_iter().enumerate() {
        for second in Operation::ALL.into_iter().skip(at) {
            for round in 0..rounds {
                let stores = create();
                supplies.fill(&stores[0]);
                let results = run_both([first, second], &stores, supplies);
                let what = format!("{first:?} and {second:?}, round {round}: {results:?}");
                check([first, second], &results, &stores[1], &what);
            }
        }
    }
}

fn run_both(
    operations: [Operation; 2],
    stores: &[Store; 2],
    supplies: &Supplies,
) -> [Result<(), String>; 2] {
    let barrier = &Barrier::new(2);
    thread::scope(|scope| {
        let run = |number: usize| {
            let (operation, store) = (operations[number], &stores[number]);
            scope.spawn(move || {
                barrier.wait();
                operation.run(store, supplies)
            })
        };
        [run(0), run(1)].map(|thread| thread.join().unwrap())
    })
}

/// Asserts that the store holds what the successful operations say.
fn check(operations: [Operation; 2], results: &[Result<(), String>; 2], store: &Store, what: &str) {
    use Operation::{Annotate, BuildSync, Copy, CopyFromElsewhere, Delete, Import, Rename};
    let succeeded = |wanted: &[Operation]| {
        let both = operations.iter().zip(results);
        both.filter(|(operation, result)| wanted.contains(operation) && result.is_ok()).count()
    };
    let gone = succeeded(&[Delete, Rename]);
    let made = succeeded(&[Import, Copy, CopyFromElsewhere, Rename]);
    assert!(gone <= 1, "{what}: only one of two removes a recording");
    // Importing what is already there succeeds.
    assert!(made <= 1 || succeeded(&[Import]) > 0, "{what}: only one of two gets a name");

    let mut expected = BTreeSet::from([EARLIER]);
    expected.extend((gone == 0).then_some(IT));
    expected.extend((made > 0).then_some(NEW));
    let mut found = BTreeSet::new();
    for entry in store.storage().entries().unwrap() {
        match entry.unwrap() {
            Entry::Recording { name, .. } => assert!(found.insert(name), "{what}: listed twice"),
            Entry::Other(other) => assert_eq!(other, "zarr.json", "{what}"),
        }
    }
    assert!(found.iter().map(String::as_str).eq(expected), "{what}: {found:?}");

    snapshot(store); // every object is there
    let mut is_annotated = false;
    let mut is_synced = false;
    for found in &found {
        let recording = store.open_recording(&name(found)).unwrap();
        let options = VerifyOptions::default();
        let verified = verify(&**store.storage(), &name(found), &options, |_| Continue(()));
        let verified = verified.unwrap_or_else(|error| panic!("{what}: {found}: {error:?}"));
        assert!(verified.faults.listed().is_empty(), "{what}: {found}: {:?}", verified.faults);
        if found != EARLIER {
            is_annotated |= !recording.info().user.is_empty();
            is_synced |= recording.info().sync.is_some();
        }
    }
    let is_kept = succeeded(&[Delete]) == 0;
    assert!(is_annotated || !is_kept || succeeded(&[Annotate]) == 0, "{what}: a note is lost");
    assert!(is_synced || !is_kept || succeeded(&[BuildSync]) == 0, "{what}: a map is lost");
}
