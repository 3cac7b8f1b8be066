//! Every request of an import fails once: existing objects stay unchanged, the new recording is
//! complete or invisible, and the next import succeeds.

use std::{sync::Arc, time::Duration};

use crate::support::{
    MONO, STEREO, all,
    faulty::{Fault, Faulty},
    import, memory, names, objects,
};
use object_store::ObjectStore;
use opus_zarr::{Recording, Store};
use opus_zarr_object_store::ObjectStorage;

/// Longer than a slow machine may take between two renewals.
const SHORT: Duration = Duration::from_millis(200);

fn store_of(objects: &Arc<dyn ObjectStore>) -> Store {
    let storage = ObjectStorage::new(objects.clone(), "a", "test").unwrap().with_lease(SHORT);
    Store::open_or_create_in(Arc::new(storage)).unwrap()
}

/// Lets each request of `act` fail in turn, each time in a new store.
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
    if names(&store).contains(&"it".to_owned()) {
        let has_all = complete.iter().all(|(key, bytes)| found.get(key) == Some(bytes));
        assert!(has_all, "{when}: visible but incomplete");
        assert!(!all(&Recording::open(&store, "it").unwrap()).is_empty(), "{when}");
    } else {
        assert!(!is_done, "{when}: reported as done");
        import(&store, MONO, "it").unwrap_or_else(|error| panic!("{when}: {error}"));
        assert!(objects(sound) == *complete, "{when}: another attempt leaves other objects");
    }
}

fn import_it(store: &Store) -> Result<(), opus_zarr::Error> {
    import(store, MONO, "it").map(drop)
}

#[test]
fn a_request_has_no_effect() {
    with_every_fault(Fault::Refused, import_it);
}

#[test]
fn the_answer_of_a_request_is_lost() {
    with_every_fault(Fault::Unanswered, import_it);
}

#[test]
fn the_store_stops_answering() {
    with_every_fault(Fault::Dead, import_it);
}

#[test]
fn a_failed_deletion_can_be_repeated() {
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
                // Deleted already, or the rest under the lease remains to be deleted.
                drop(store.delete_recording(&name));
            }
            let mut left = objects(&sound);
            // A lease that could not be returned expires.
            left.retain(|key, _| !key.contains(".opus-zarr-leases"));
            assert!(left == earlier, "{fault:?} {k}: {:?}", left.keys());
            if is_through {
                break;
            }
        }
    }
}
