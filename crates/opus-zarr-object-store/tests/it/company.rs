//! Commands that run side by side on a store in an object store.

use std::{cell::Cell, sync::Arc, time::Duration};

use opus_zarr_store::Store;
use opus_zarr_testkit::{
    company::check_pairs, fast_folder, is_full_run, moto::Moto, operations::Supplies,
};

use crate::support::{memory, s3, storage_of};

#[test]
fn any_two_operations_get_along() {
    let folder = fast_folder();
    let supplies = Supplies::new(folder.path());
    let rounds = if is_full_run() { 60 } else { 1 };
    check_pairs(rounds, &supplies, || {
        let memory = memory();
        // Each view has its own leases, as in another process.
        let view = || {
            let storage = storage_of(&memory).with_lease(Duration::from_secs(4));
            Store::open_or_create_in(Arc::new(storage)).unwrap()
        };
        let first = view();
        first.create().unwrap();
        [first, view()]
    });
}

#[test]
fn any_two_operations_in_s3_get_along() {
    if !is_full_run() {
        return;
    }
    let Some(moto) = Moto::shared() else { return };
    let folder = fast_folder();
    let count = Cell::new(0);
    check_pairs(10, &Supplies::new(folder.path()), || {
        count.set(count.get() + 1);
        let bucket = format!("company-{}", count.get());
        moto.make_bucket(&bucket);
        let view = || {
            let storage = s3::storage(moto.port, &bucket);
            Store::open_or_create_in(Arc::new(storage)).unwrap()
        };
        let first = view();
        first.create().unwrap();
        [first, view()]
    });
}
