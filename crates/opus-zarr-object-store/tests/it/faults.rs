//! Every request of an import fails once: what was there stays as it was, the new
//! recording is complete or invisible, and the next import succeeds.

use std::{sync::Arc, time::Duration};

use crate::support::{
    MONO, STEREO, all,
    faulty::{Fault, Faulty},
    import, memory, names, objects,
};
use object_store::ObjectStore;
use opus_zarr::{Recording, Store};
use opus_zarr_object_store::ObjectStorage;

/// Above what a slow machine may take between two renewals.
const SHORT: Duration = Duration::from_millis(200);

fn store_of(objects: &Arc<dyn ObjectStore>) -> Store {
    let storage = ObjectStorage::new(objects.clone(), "a", "test").unwrap().with_lease(SHORT);
    Store::open_or_create_in(Arc::new(storage)).unwrap()
}

/// Lets every request of `act` fail, each with a store of its own.
fn with_every_fault(fault: Fault, act: impl Fn(&Store) -> Result<(), opus_zarr::Error>) {
    let expected = {
        let sound = memory();
        let store = store_of(&sound);
        import(&store, STEREO, "earlier").unwrap();
        let earlier = objects(&sound);
        act(&store).unwrap();
        (earlier, objects(&sound))
    };
    for k in 0..100 {
        let sound = memory();
        import(&store_of(&sound), STEREO, "earlier").unwrap();
        let faulty = Faulty::new(sound.clone());
        let storage = ObjectStorage::new(Arc::new(faulty.clone()), "a", "test").unwrap();
        let store = Store::open_in(Arc::new(storage.with_lease(SHORT))).unwrap();
        faulty.fail(k, fault);
        let result = act(&store);
        let is_through = !faulty.has_failed();
        check(&sound, &expected, result.is_ok(), &format!("{fault:?} of request {k}"));
        if is_through {
            assert!(k > 10, "{fault:?}: only {k} requests");
            result.unwrap();
            return;
        }
    }
    panic!("more than 100 requests");
}

type Objects = std::collections::BTreeMap<String, Vec<u8>>;

fn check(sound: &Arc<dyn ObjectStore>, expected: &(Objects, Objects), is_done: bool, when: &str) {
    let (earlier, complete) = expected;
    let found = objects(sound);
    for (key, bytes) in earlier {
        assert!(found.get(key) == Some(bytes), "{when}: {key} has changed");
    }
    let store = store_of(sound);
    match names(&store).contains(&"it".to_owned()) {
        true => {
            let has_all = complete.iter().all(|(key, bytes)| found.get(key) == Some(bytes));
            assert!(has_all, "{when}: visible and not complete");
            assert!(!all(&Recording::open(&store, "it").unwrap()).is_empty(), "{when}");
        }
        false => {
            assert!(!is_done, "{when}: said to be done");
            import(&store, MONO, "it").unwrap_or_else(|error| panic!("{when}: {error}"));
            assert!(objects(sound) == *complete, "{when}: another try leaves other objects");
        }
    }
}

fn import_it(store: &Store) -> Result<(), opus_zarr::Error> {
    import(store, MONO, "it").map(drop)
}

#[test]
fn a_request_that_is_not_done() {
    with_every_fault(Fault::Refused, import_it);
}

#[test]
fn a_request_whose_answer_is_lost() {
    with_every_fault(Fault::Unanswered, import_it);
}

#[test]
fn a_store_that_answers_no_more() {
    with_every_fault(Fault::Dead, import_it);
}

#[test]
fn a_deletion_that_fails_anywhere_can_be_done_again() {
    for fault in [Fault::Refused, Fault::Unanswered, Fault::Dead] {
        for k in 0.. {
            let sound = memory();
            import(&store_of(&sound), STEREO, "earlier").unwrap();
            let earlier = objects(&sound);
            import(&store_of(&sound), MONO, "it").unwrap();
            let complete = objects(&sound);
            let faulty = Faulty::new(sound.clone());
            let storage = ObjectStorage::new(Arc::new(faulty.clone()), "a", "test").unwrap();
            let store = Store::open_in(Arc::new(storage.with_lease(SHORT))).unwrap();
            faulty.fail(k, fault);
            let name = "it".parse().unwrap();
            let result = store.delete_recording(&name);
            let (is_through, store) = (!faulty.has_failed(), store_of(&sound));
            if names(&store).contains(&"it".to_owned()) {
                assert!(result.is_err(), "{fault:?} {k}");
                let found = objects(&sound);
                let has_all = complete.iter().all(|(key, bytes)| found.get(key) == Some(bytes));
                assert!(has_all, "{fault:?} {k}: visible and not complete");
                store.delete_recording(&name).unwrap();
            } else if result.is_err() {
                // It may be deleted, or what was left under the lease remains to be.
                drop(store.delete_recording(&name));
            }
            let mut left = objects(&sound);
            // A lease that could not be given back dies by itself.
            left.retain(|key, _| !key.contains(".opus-zarr-leases"));
            assert!(left == earlier, "{fault:?} {k}: {:?}", left.keys());
            if is_through {
                break;
            }
        }
    }
}
