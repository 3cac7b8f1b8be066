//! Reports say what is the case: after an interrupted rename, without the store, with a full disk.

use std::{fs, fs::File, process::Stdio};

use crate::support::{LONG_NOTES, NOTES, command_in, folder_with, run_in, testdata, verbs};

#[test]
fn a_rename_that_is_repeated_says_what_is_the_case() {
    let folder = folder_with(&[(NOTES, "a"), (LONG_NOTES, "c")]);
    let run = |args: &[&str]| run_in(folder.path(), args);
    run(&["rename", "a.zarr/a", "b"]).exits(0);
    let done = run(&["rename", "a.zarr/a", "b"]).exits(10);
    assert!(
        done.stderr.contains("no recording \"a\" in \"a.zarr\", but there is \"b\""),
        "{done:?}"
    );
    let none = run(&["rename", "a.zarr/x", "y"]).exits(10);
    assert!(!none.stderr.contains("already"), "{none:?}");
    // As a rename in an object store that was killed between the two.
    run(&["copy", "a.zarr/b", "a.zarr/a"]).exits(0);
    let both = run(&["rename", "a.zarr/a", "b"]).exits(1);
    assert!(both.stderr.contains("with the same audio"), "{both:?}");
    assert!(both.stderr.contains("finish with `opus-zarr rm a.zarr/a`"), "{both:?}");
    let other = run(&["rename", "a.zarr/a", "c"]).exits(1);
    assert!(other.stderr.contains("choose another name"), "{other:?}");
}

#[test]
fn renaming_a_recording_to_its_own_name_advises_no_deletion() {
    let folder = folder_with(&[(NOTES, "a")]);
    let run = |args: &[&str]| run_in(folder.path(), args);
    let own = run(&["rename", "a.zarr/a", "a"]).exits(1);
    assert!(own.stderr.contains("already has a recording \"a\", which is this one"), "{own:?}");
    assert!(!own.stderr.contains("rm"), "{own:?}");
    run(&["rename", "a.zarr/none", "none"]).exits(10);
}

/// A disk that is not mounted leaves its directory behind, or not.
#[test]
fn no_verb_takes_a_missing_store_for_an_empty_one() {
    let folder = folder_with(&[(NOTES, "a")]);
    let store = folder.path().join("a.zarr");
    fs::remove_dir_all(&store).unwrap();
    for is_there in [false, true] {
        if is_there {
            fs::create_dir(&store).unwrap();
        }
        for args in [
            "list a.zarr",
            "info a.zarr/a",
            "extract a.zarr/a -o a.wav",
            "export a.zarr/a -o a.opus",
            "verify a.zarr",
            "verify a.zarr/a",
            "reindex a.zarr/a",
            "sync a.zarr/a",
            "sync --stale a.zarr",
            "plot a.zarr/a -o a.png",
            "copy a.zarr/a b.zarr",
            "copy --all a.zarr b.zarr",
            "rename a.zarr/a b",
            "rm --yes a.zarr/a",
            "meta a.zarr/a",
            "meta a.zarr/a --set a=1",
            "bench a.zarr/a",
            "serve a.zarr --listen 127.0.0.1:0",
        ] {
            let done = run_in(folder.path(), args.split(' ')).exits(10);
            assert!(done.stdout.is_empty() && done.stderr.contains("a.zarr"), "{args}: {done:?}");
            assert_eq!(store.exists(), is_there, "{args}");
            assert!(!is_there || fs::read_dir(&store).unwrap().next().is_none(), "{args}");
            assert!(!folder.path().join("b.zarr").exists(), "{args}");
        }
    }
}

#[test]
fn no_verb_succeeds_if_its_output_cannot_be_written() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b"), (NOTES, "c")]);
    fs::copy(testdata(NOTES), folder.path().join("notes.opus")).unwrap();
    let mut tried: Vec<&str> = Vec::new();
    for args in [
        "import notes.opus a.zarr --settle 0",
        "list a.zarr",
        "info a.zarr/a",
        "info a.zarr/a --packets",
        "inspect notes.opus",
        "extract a.zarr/a -o a.wav",
        "extract a.zarr/a -o -",
        "export a.zarr/a -o a.opus",
        "export a.zarr/a -o -",
        "verify a.zarr",
        "reindex a.zarr/a",
        "sync a.zarr/a",
        "sync --check a.zarr/a",
        "plot a.zarr/a -o a.png",
        "copy a.zarr/a b.zarr",
        "rename a.zarr/b d",
        "rm --yes a.zarr/c",
        "meta a.zarr/a",
        "meta a.zarr/a --set x=1",
        "catalogue a.zarr -o a.csv",
        "bench a.zarr/a --reads 2",
        "completions bash",
        "man",
        "man -o pages",
        "--help",
        "--version",
        "help import",
    ] {
        let verb = args.split(' ').next().unwrap();
        tried.push(verb);
        for json in [None, Some("--json")] {
            // Nothing is left to do for the second one.
            let is_done = json.is_some() && ["rename", "rm", "help"].contains(&verb);
            if is_done || json.is_some() && args.ends_with("-o -") {
                continue;
            }
            let _ = ["a.wav", "a.opus", "a.png"].map(|it| fs::remove_file(folder.path().join(it)));
            let _ = ["b.zarr", "pages"].map(|it| fs::remove_dir_all(folder.path().join(it)));
            let full = File::options().write(true).open("/dev/full").unwrap();
            let mut command = command_in(folder.path());
            command.args(args.split(' ').chain(json)).stdout(full).stderr(Stdio::piped());
            let done = command.output().unwrap();
            let said = String::from_utf8(done.stderr).unwrap();
            assert_eq!(done.status.code(), Some(1), "{args}: {said}");
            assert!(said.contains("No space left on device"), "{args}: {said}");
        }
    }
    // Prints when it is asked: see the module `serve`.
    tried.push("serve");
    for verb in verbs() {
        assert!(tried.contains(&verb.as_str()), "{verb}");
    }
}
