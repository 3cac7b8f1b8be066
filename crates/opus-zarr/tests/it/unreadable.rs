//! What cannot be read right now is neither intact nor damaged.

use std::sync::Arc;

use opus_zarr::{LocalStorage, Store, Verification, VerifyLevel, VerifyOptions, unwatched, verify};
use opus_zarr_testkit::{
    chain, fast_folder,
    faulty::Faulty,
    recordings::{MONO, STEREO, import_to},
    testdata,
};

/// Each read of a verification fails once: the store could be read before and after.
#[test]
fn a_read_that_fails_is_no_damage_and_nothing_is_intact_without_it() {
    let folder = fast_folder();
    let mut seen = [0, 0];
    for (file, level) in [
        (MONO, VerifyLevel::Decode),
        (MONO, VerifyLevel::Packets),
        (STEREO, VerifyLevel::Index),
        (STEREO, VerifyLevel::Metadata),
    ] {
        let path = folder.path().join(format!("{level:?}"));
        let mut imported = import_to(testdata(file), &path, "it").unwrap().into_first();
        imported.build_sync(unwatched).unwrap();
        let options = VerifyOptions::default().level(level);
        let amount = |found: &Verification| (found.chunks, found.packets, found.decoded);
        let intact = imported.verify(&options, unwatched).unwrap();
        for failing in 2.. {
            let (storage, calls) = Faulty::new(Arc::new(LocalStorage::new(&path)), failing);
            let what = format!("{file}, {level:?}, failing at {failing}");
            let found = verify(&Store::open_in(storage).unwrap(), "it", &options, unwatched);
            if !calls.has_failed() {
                let found = found.unwrap();
                assert!(found.faults.is_empty() && found.unreadable.is_empty(), "{what}");
                assert!(failing > 4, "{what}: never read");
                break;
            }
            match found {
                Ok(found) => {
                    assert_eq!(found.faults.listed(), [], "{what}");
                    // Larger reads are repeated in parts.
                    let Some(fault) = found.unreadable.listed().first() else {
                        assert_eq!(amount(&found), amount(&intact), "{what}");
                        continue;
                    };
                    assert_eq!(found.unreadable.total(), 1, "{what}");
                    let fault = fault.to_string();
                    assert!(fault.ends_with(": cannot be read: an injected fault"), "{fault}");
                    seen[0] += 1;
                }
                Err(error) => {
                    assert!(error.is_unreadable(), "{what}: {}", chain(&error));
                    seen[1] += 1;
                }
            }
        }
    }
    assert!(seen[0] > 10 && seen[1] > 0, "{seen:?}");
}

/// Everything fails from some read on, as on a disk that was pulled.
#[test]
fn a_recording_or_store_that_disappears_is_no_damage() {
    let folder = fast_folder();
    let store = folder.path().join("a.zarr");
    import_to(testdata(MONO), &store, "it").unwrap();
    for gone in ["a.zarr/it", "a.zarr"] {
        let opened = Store::open(&store).unwrap();
        let gone = folder.path().join(gone);
        let mut hides = Some(|| std::fs::rename(&gone, folder.path().join("gone")).unwrap());
        let options = VerifyOptions::default().level(VerifyLevel::Decode);
        let found = verify(&opened, "it", &options, |progress| {
            if progress.bytes > 0
                && let Some(hide) = hides.take()
            {
                hide();
            }
            std::ops::ControlFlow::Continue(())
        });
        let error = found.unwrap_err();
        let kind = if gone.ends_with("it") {
            opus_zarr::ErrorKind::NoSuchRecording
        } else {
            opus_zarr::ErrorKind::NotAStore
        };
        assert_eq!(error.kind(), kind, "{}", chain(&error));
        std::fs::rename(folder.path().join("gone"), gone).unwrap();
    }
}
