//! Commands that run side by side.

use std::{path::PathBuf, sync::Arc};

use opus_zarr_store::{LocalStorage, MemoryStorage, Store};
use opus_zarr_testkit::{
    company::check_pairs, fast_folder, is_full_run, operations::Supplies, tree::drafts,
};

#[test]
fn any_two_operations_in_memory_get_along() {
    let folder = fast_folder();
    check_pairs(rounds(), &Supplies::new(folder.path()), || {
        let storage = MemoryStorage::new();
        [storage.clone(), storage].map(|view| Store::open_or_create_in(Arc::new(view)).unwrap())
    });
}

#[test]
fn any_two_operations_in_a_directory_get_along() {
    let folder = fast_folder();
    let supplies = Supplies::new(folder.path());
    let count = std::cell::Cell::new(0);
    let place = |number: u32| -> PathBuf { folder.path().join(format!("{number}.zarr")) };
    check_pairs(rounds(), &supplies, || {
        count.set(count.get() + 1);
        let place = place(count.get());
        let view = || Store::open_or_create_in(Arc::new(LocalStorage::new(&place))).unwrap();
        let first = view();
        first.create().unwrap();
        [first, view()]
    });
    for number in 1..=count.get() {
        assert_eq!(drafts(&place(number)), Vec::<PathBuf>::new(), "nothing is left behind");
    }
}

fn rounds() -> usize {
    if is_full_run() { 60 } else { 2 }
}
