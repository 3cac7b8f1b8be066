//! Large objects whose parts fail: the error is typed, nothing is visible, a reachable store keeps no
//! parts, and another attempt succeeds.

use std::{
    io::{ErrorKind, Write},
    path::PathBuf,
    sync::{Arc, LazyLock},
    thread,
};

use crate::support::{
    LEASE, STEREO, block_on,
    faulty::{Fault, Faulty},
    import, memory, names, objects, storage_of, store_of, write_long,
};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use opus_zarr::{Error, ImportOptions, Store, unwatched};
use opus_zarr_object_store::ObjectStorage;
use opus_zarr_store::WriteStorage;
use tempfile::TempDir;

static LONG: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.opus");
    write_long(&file);
    (folder, file)
});

fn import_long(store: &Store) -> Result<(), Error> {
    opus_zarr::import(&LONG.1, store, "it", &ImportOptions::default().exact(false), unwatched)
        .map(drop)
}

fn is_of_parts(request: &str) -> bool {
    request.starts_with("POST") || request == "PUT part"
}

#[test]
fn every_request_of_a_multipart_upload_may_fail() {
    let sound = memory();
    import(&store_of(&sound), STEREO, "earlier").unwrap();
    let earlier = objects(&sound);
    import_long(&store_of(&sound)).unwrap();
    let complete = objects(&sound);
    for fault in [Fault::Refused, Fault::Unanswered, Fault::Dead] {
        // The beginning, three parts and the end.
        for k in 0..5 {
            let sound = memory();
            import(&store_of(&sound), STEREO, "earlier").unwrap();
            let faulty = Faulty::new(sound.clone());
            let store: Arc<dyn ObjectStore> = Arc::new(faulty.clone());
            let store = store_of(&store);
            faulty.fail_among(k, fault, is_of_parts);
            let error = import_long(&store).unwrap_err();
            let when = format!("{fault:?} of request {k}: {error}");
            assert!(faulty.has_failed() && error.path().is_none(), "{when}");
            assert_eq!(names(&store_of(&sound)), ["earlier"], "{when}");
            // Unknown to the writer, or out of its reach.
            let is_left = match fault {
                Fault::Refused => false,
                Fault::Unanswered => k == 0,
                Fault::Dead => k > 0,
            };
            assert_eq!(faulty.open_uploads(), u64::from(is_left), "{when}");
            import_long(&store_of(&sound)).unwrap();
            let found = objects(&sound);
            assert!(earlier.iter().all(|(key, bytes)| found.get(key) == Some(bytes)), "{when}");
            assert!(found == complete, "{when}: another try leaves other objects");
        }
    }
}

#[test]
fn a_writer_that_lost_its_lease_leaves_no_parts() {
    for is_ended in [false, true] {
        let faulty = Faulty::new(memory());
        let objects: Arc<dyn ObjectStore> = Arc::new(faulty.clone());
        let storage: ObjectStorage = storage_of(&objects);
        let draft = storage.begin(&"it".parse().unwrap()).unwrap();
        let mut object = storage.create("it/opus_blob/c/0").unwrap();
        object.write_all(&[1; 8 << 20]).unwrap();
        assert_eq!(faulty.open_uploads(), 1);
        let lease = Path::from("a/b/.opus-zarr-leases/it/00000000000000000002");
        block_on(objects.put(&lease, "somebody 0\n".into())).unwrap();
        thread::sleep(LEASE);
        let result = if is_ended {
            object.finish()
        } else {
            let result = object.write_all(&[1; 8 << 20]);
            drop(object);
            result
        };
        assert_eq!(result.unwrap_err().kind(), ErrorKind::ResourceBusy);
        assert_eq!(faulty.open_uploads(), 0, "ended: {is_ended}");
        drop(draft);
    }
}

#[cfg(feature = "aws")]
mod s3 {
    use std::time::Duration;

    use opus_zarr_testkit::moto::Moto;

    use super::*;
    use crate::support::{
        proxy::{Act, Proxy},
        s3::{TIMEOUT, behind, store},
    };

    /// Imports over a network that does `act` to requests that contain `meant`. Returns how many
    /// unfinished uploads the server then holds.
    fn import_over(bucket: &'static str, meant: &'static str, act: Act) -> Option<usize> {
        let moto = Moto::shared()?;
        moto.make_bucket(bucket);
        let direct = store(moto.port, bucket);
        let proxy = Proxy::start(
            moto.port,
            move |_, line| {
                if line.contains(meant) { act } else { Act::Pass }
            },
        );
        let error = import_long(&behind(&proxy, bucket)).unwrap_err();
        assert!(error.path().is_none(), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
        assert_eq!(names(&direct), Vec::<String>::new());
        if let Act::Delay(_) = act {
            // The late request arrives.
            thread::sleep(TIMEOUT);
        }
        let unfinished = moto.unfinished_uploads(bucket);
        import_long(&direct).unwrap();
        assert_eq!(names(&direct), ["it"]);
        Some(unfinished)
    }

    #[test]
    fn a_part_is_never_accepted() {
        let unfinished = import_over("part-refused", "partNumber=2", Act::Refuse(500));
        assert!(unfinished.is_none_or(|count| count == 0), "{unfinished:?}");
    }

    #[test]
    fn a_part_takes_too_long() {
        let act = Act::Delay(TIMEOUT + Duration::from_secs(1));
        let unfinished = import_over("part-late", "partNumber=2", act);
        assert!(unfinished.is_none_or(|count| count == 0), "{unfinished:?}");
    }

    #[test]
    fn the_network_dies_within_a_part() {
        let unfinished = import_over("part-dies", "partNumber=2", Act::Die);
        assert!(unfinished.is_none_or(|count| count == 1), "{unfinished:?}");
    }

    #[test]
    fn the_end_of_an_upload_is_refused() {
        let unfinished = import_over(
            "end-refused",
            "POST /end-refused/a/b/it/opus_blob/c/0?uploadId",
            Act::Refuse(500),
        );
        assert!(unfinished.is_none_or(|count| count == 0), "{unfinished:?}");
    }
}
