//! Commands that run side by side on a store in an object store.

use std::time::Duration;

use opus_zarr_store::Store;
use opus_zarr_testkit::{company::check_pairs, fast_folder, is_full_run, operations::Supplies};

use crate::support::{memory, storage_of};

#[test]
fn any_two_operations_get_along() {
    let folder = fast_folder();
    let supplies = Supplies::new(folder.path());
    let rounds = if is_full_run() { 20 } else { 1 };
    check_pairs(rounds, &supplies, || {
        let memory = memory();
        // Each view has its own leases, as in another process.
        let view = || {
            let storage = storage_of(&memory).with_lease(Duration::from_secs(4));
            Store::open_or_create_in(std::sync::Arc::new(storage)).unwrap()
        };
        let first = view();
        first.create().unwrap();
        [first, view()]
    });
}
