use std::fs;

use crate::support::{NOTES, folder_with, run_in};

#[test]
fn a_lost_index_is_rebuilt_despite_other_failures() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    let shard = |name| folder.path().join(format!("a.zarr/{name}/opus_index/c/0/0"));
    let before = fs::read(shard("b")).unwrap();
    fs::remove_file(shard("b")).unwrap();
    let args = ["reindex", "a.zarr/none", "a.zarr/b", "--json"];
    let made = run_in(folder.path(), args).exits(3);
    assert!(made.stderr.contains("no recording \\\"none\\\""), "{}", made.stderr);
    assert_eq!(made.lines("reindexed")[0]["recording"], "a.zarr/b");
    assert!(fs::read(shard("b")).unwrap() == before);
    run_in(folder.path(), ["reindex", "a.zarr/none"]).exits(10);
    run_in(folder.path(), ["verify", "a.zarr"]).exits(0);
}

#[test]
fn a_damaged_stream_is_not_indexed() {
    let folder = folder_with(&[(NOTES, "a")]);
    let shard = folder.path().join("a.zarr/a/opus_blob/c/0");
    let mut bytes = fs::read(&shard).unwrap();
    bytes[1000] ^= 1;
    fs::write(&shard, bytes).unwrap();
    let refused = run_in(folder.path(), ["reindex", "a.zarr/a"]).exits(4);
    assert!(refused.stderr.contains("recording \"a\""), "{}", refused.stderr);
}
