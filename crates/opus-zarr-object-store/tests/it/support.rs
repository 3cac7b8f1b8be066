//! Stores, files and servers that the tests share.

#![cfg_attr(
    not(all(feature = "aws", feature = "http")),
    allow(dead_code, reason = "some tests are off")
)]

pub(crate) mod faulty;
pub(crate) mod proxy;
#[cfg(feature = "aws")]
pub(crate) mod s3;

use std::{
    collections::BTreeMap,
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory};
use ogg_opus_demux::OggOpusWriter;
use opus_packet::{OpusHead, OpusTags};
use opus_zarr::{
    APPROXIMATE_PRE_ROLL, Error, ImportOptions, Imported, ReadMode, Recording, Store, unwatched,
};
use opus_zarr_object_store::ObjectStorage;

/// Looks nothing up but the packets that it decodes.
pub(crate) const APPROXIMATE: ReadMode = ReadMode::Approximate { pre_roll: APPROXIMATE_PRE_ROLL };

pub(crate) const MONO: &str = "field-notes.opus";
pub(crate) const STEREO: &str = "chirps-stereo.opus";

/// Short, so that tests need not wait long for a dead writer.
pub(crate) const LEASE: Duration = Duration::from_millis(400);

pub(crate) fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

/// A storage below a prefix of this object store, as another process would open it.
pub(crate) fn storage_of(objects: &Arc<dyn ObjectStore>) -> ObjectStorage {
    ObjectStorage::new(objects.clone(), "a/b", "test://a/b").unwrap().with_lease(LEASE)
}

pub(crate) fn store_of(objects: &Arc<dyn ObjectStore>) -> Store {
    created(storage_of(objects))
}

/// Opens or creates the store, which otherwise only its first recording creates.
pub(crate) fn created(storage: ObjectStorage) -> Store {
    let store = Store::open_or_create_in(Arc::new(storage)).unwrap();
    store.create().unwrap();
    store
}

pub(crate) fn memory() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

pub(crate) fn import(store: &Store, file: &str, name: &str) -> Result<Imported, Error> {
    opus_zarr::import(
        testdata(file),
        store,
        name,
        &ImportOptions::default().exact(false),
        unwatched,
    )
}

/// Writes a file whose blob takes more than one shard: arbitrary packets of 1000 bytes with one 20 ms
/// frame each (RFC 6716 section 3.1).
pub(crate) fn write_long(path: &Path) {
    let (head, tags) = (OpusHead::new(1, 312, 48_000).unwrap(), OpusTags::new("test", []));
    let file = BufWriter::new(File::create(path).unwrap());
    let mut writer = OggOpusWriter::new(file, 1, &head, &tags).unwrap();
    let packet: Vec<u8> = (0..1000_u32).map(|i| (i * 7919).to_le_bytes()[1]).collect();
    for _ in 0..18_000 {
        writer.write(&[&[0x78], &packet[1..]].concat()).unwrap();
    }
    writer.finish(0).unwrap();
}

pub(crate) fn all(recording: &Recording) -> Vec<i16> {
    recording.read(0..recording.info().play_length).unwrap()
}

pub(crate) fn names(store: &Store) -> Vec<String> {
    let names = store.recordings().unwrap();
    let mut names: Vec<String> = names.map(|name| name.unwrap().to_string()).collect();
    names.sort();
    names
}

/// All objects by their paths.
pub(crate) fn objects(store: &Arc<dyn ObjectStore>) -> BTreeMap<String, Vec<u8>> {
    block_on(async {
        let mut found = BTreeMap::new();
        let list = store.list_with_delimiter(None).await.unwrap();
        let mut prefixes = list.common_prefixes;
        let mut metas = list.objects;
        while let Some(prefix) = prefixes.pop() {
            let list = store.list_with_delimiter(Some(&prefix)).await.unwrap();
            prefixes.extend(list.common_prefixes);
            metas.extend(list.objects);
        }
        for meta in metas {
            let bytes = store.get(&meta.location).await.unwrap().bytes().await.unwrap();
            found.insert(meta.location.to_string(), bytes.to_vec());
        }
        found
    })
}

/// All files by their paths, below another prefix.
pub(crate) fn files(root: &Path, prefix: &str) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let key = path.strip_prefix(root).unwrap().to_str().unwrap();
                found.insert(format!("{prefix}/{key}"), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
