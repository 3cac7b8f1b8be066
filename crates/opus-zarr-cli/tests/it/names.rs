//! Names decide what an import makes.

use crate::{
    import::{import, recordings},
    support::run_in,
};

/// Audio that is there under another name is no reason to create nothing.
#[test]
fn a_requested_name_is_created_or_refused() {
    let folder = recordings();
    for file in ["card/b.wav", "card/night 1/a.OPUS"] {
        import(folder.path(), &[file, "a.zarr", "--name", "sp2"]).exits(0);
        let done = import(folder.path(), &[file, "a.zarr", "--name", "sp1"]).exits(0);
        assert!(done.stdout.starts_with("imported ") && done.stdout.contains("-> sp1"), "{done:?}");
        let again = import(folder.path(), &[file, "a.zarr", "--name", "sp1"]).exits(0);
        assert!(again.stdout.starts_with("present "), "{again:?}");
        run_in(folder.path(), ["rm", "--yes", "a.zarr/sp1", "a.zarr/sp2"]).exits(0);
    }
}

#[test]
fn a_name_of_another_file_is_refused() {
    let folder = recordings();
    import(folder.path(), &["card/b.wav", "a.zarr", "--name", "a"]).exits(0);
    for options in [&["--dry-run"][..], &[]] {
        let args = [&["card/night 1/a.OPUS", "a.zarr"], options].concat();
        let done = import(folder.path(), &args).exits(1);
        let expected = "error: recording \"a\" already exists in \"a.zarr\" and came from a different file\n  \
             choose another name with --name";
        assert!(done.stderr.contains(expected), "{}", done.stderr);
    }
}

#[test]
fn a_name_that_is_taken_costs_only_its_file() {
    let folder = recordings();
    let twice = ["card/b.wav", "card/b.wav", "card/night 1/a.OPUS", "a.zarr"];
    let done = import(folder.path(), &[&twice[..], &["--on-error", "stop"]].concat()).exits(2);
    assert!(done.stderr.contains("would both be named \"b.wav\""), "{done:?}");
    assert!(!folder.path().join("a.zarr").exists());
    let done = import(folder.path(), &twice).exits(3);
    assert!(done.stderr.contains("would both be named \"b.wav\""), "{done:?}");
    assert!(done.stderr.contains("1 of 3 files could not be imported"), "{done:?}");
    let listed = run_in(folder.path(), ["list", "a.zarr", "--json"]).exits(0).lines("recording");
    assert_eq!(listed.len(), 2);
}
