//! zarr-python writes to a store of ours, and nothing of either is lost.

use std::process::Command;

use opus_zarr::{ImportOptions, Recording, Store, StoreErrorKind, VerifyOptions, unwatched};
use opus_zarr_store::{Entry, verify};
use opus_zarr_testkit::{
    fast_folder,
    operations::name,
    python::run,
    recordings::{MONO, import_with},
    testdata,
};
use serde_json::json;

use super::python;

/// Adds to the store at `sys.argv[1]` in every way that zarr-python knows.
const MEDDLE: &str = r"
import sys, numpy, zarr
root = zarr.open_group(sys.argv[1], mode='r+')
root.attrs['project'] = 'dawn'
recording = root['it']
recording.attrs['station'] = 4
recording['opus_blob'].attrs['seen'] = True
recording.create_array('labels', data=numpy.arange(5))
root.create_group('elsewhere').create_array('more', data=numpy.arange(3))
root.create_array('plain', data=numpy.arange(3))
if sys.argv[2] == 'consolidate':
    zarr.consolidate_metadata(sys.argv[1] + '/it')
    zarr.consolidate_metadata(sys.argv[1])
";

/// Fails unless everything that was added is there.
const CHECK: &str = r"
import sys, zarr
root = zarr.open_group(sys.argv[1], mode='r', use_consolidated=False)
recording = root[sys.argv[2]]
assert root.attrs['project'] == 'dawn'
assert recording.attrs['station'] == 4
here = sys.argv[1] + '/' + sys.argv[2]
assert zarr.open_array(here + '/opus_blob', mode='r').attrs['seen'] is True
assert list(zarr.open_array(here + '/labels', mode='r')[:]) == list(range(5))
if sys.argv[3] == 'consolidate':
    assert set(recording.array_keys()) > {'opus_blob', 'opus_index', 'labels'}
    assert recording['opus_blob'].attrs['seen'] is True
assert list(root['elsewhere/more'][:]) == [0, 1, 2] == list(root['plain'][:])
";

#[test]
fn what_zarr_python_adds_survives_and_harms_nothing() {
    let Some(python) = python("zarr-python wrote nothing") else { return };
    for consolidate in ["as it is", "consolidate"] {
        let folder = fast_folder();
        let place = folder.path().join("a.zarr");
        let script = |code: &str, arguments: &[&str]| {
            run(Command::new(&python).args(["-c", code]).arg(&place).args(arguments));
        };
        import_with(testdata(MONO), &place, "it", &ImportOptions::default()).unwrap();
        script(MEDDLE, &[consolidate]);
        let store = Store::open(&place).unwrap();
        let healthy = |named: &str| {
            let found = verify(&**store.storage(), &name(named), &VerifyOptions::default(), |_| {
                std::ops::ControlFlow::Continue(())
            });
            let faults = found.unwrap().faults;
            assert!(faults.listed().is_empty(), "{consolidate}: {faults:?}");
            script(CHECK, &[named, consolidate]);
        };
        healthy("it");

        let mut reader = store.open_recording(&name("it")).unwrap();
        reader.edit_user_metadata(|user| drop(user.insert("bird".into(), json!("wren")))).unwrap();
        healthy("it");
        let mut recording = Recording::open(&store, "it").unwrap();
        recording.build_sync(unwatched).unwrap();
        healthy("it");
        recording.rebuild_index(unwatched).unwrap();
        healthy("it");
        store.rename_recording(&name("it"), &name("renamed")).unwrap();
        healthy("renamed");
        store.copy_recording(&name("renamed"), &store, &name("copy")).unwrap();
        let copied = store.open_recording(&name("copy")).unwrap();
        assert_eq!(copied.info().user["bird"], "wren");

        store.delete_recording(&name("copy")).unwrap();
        let refused = |named: &str| store.delete_recording(&name(named)).unwrap_err().kind();
        assert_eq!(refused("renamed"), StoreErrorKind::HoldsForeign);
        assert_eq!(refused("elsewhere"), StoreErrorKind::NotARecording);
        assert_eq!(refused("plain"), StoreErrorKind::NotARecording);
        let foreign = store.delete_recording_with_foreign(&name("elsewhere")).unwrap_err();
        assert_eq!(foreign.kind(), StoreErrorKind::NotARecording);
        healthy("renamed");
        store.delete_recording_with_foreign(&name("renamed")).unwrap();
        let left = store.storage().entries().unwrap().map(Result::unwrap);
        let mut left: Vec<_> = left
            .map(|entry| match entry {
                Entry::Recording { name, .. } | Entry::Other(name) => name,
            })
            .collect();
        left.sort();
        assert_eq!(left, ["elsewhere", "plain", "zarr.json"]);
    }
}
