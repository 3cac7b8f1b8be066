//! Names decide what an import makes.

use std::fs;

use crate::{
    import::{import, recordings},
    sound::write_tones,
    support::{run_in, testdata},
};

/// Audio that is stored under one name can be imported under another.
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
    fs::create_dir(folder.path().join("other")).unwrap();
    fs::copy(folder.path().join("card/b.wav"), folder.path().join("other/b.wav")).unwrap();
    let twice = ["card/b.wav", "other/b.wav", "card/night 1/a.OPUS", "a.zarr"];
    let done = import(folder.path(), &[&twice[..], &["--on-error", "stop"]].concat()).exits(2);
    assert!(done.stderr.contains("would both be named \"b.wav\""), "{done:?}");
    assert!(!folder.path().join("a.zarr").exists());
    let done = import(folder.path(), &twice).exits(3);
    assert!(done.stderr.contains("would both be named \"b.wav\""), "{done:?}");
    assert!(done.stderr.contains("1 of 3 files could not be imported"), "{done:?}");
    let listed = run_in(folder.path(), ["list", "a.zarr", "--json"]).exits(0).lines("recording");
    assert_eq!(listed.len(), 2);
}

/// As when a pattern of the shell matches a file that is also named.
#[test]
fn a_file_that_is_given_twice_is_imported_once_under_its_own_name() {
    let folder = recordings();
    fs::remove_file(folder.path().join("card/broken.wav")).unwrap();
    std::os::unix::fs::symlink("card", folder.path().join("link")).unwrap();
    for (number, sources) in [
        &["card/b.wav", "card/b.wav"][..],
        &["card/b.wav", "card/../card/b.wav", "./card/b.wav"],
        &["card/b.wav", "link/b.wav"],
        &["-r", "card", "card/b.wav", "card"],
    ]
    .into_iter()
    .enumerate()
    {
        let store = format!("{number}.zarr");
        let done = import(folder.path(), &[sources, &[&store]].concat()).exits(0);
        assert_eq!(done.stdout.matches("card/b.wav -> b,").count(), 1, "{done:?}");
    }
    // A link with another name is a file of its own.
    std::os::unix::fs::symlink("b.wav", folder.path().join("card/c.wav")).unwrap();
    let done = import(folder.path(), &["card/b.wav", "card/c.wav", "a.zarr"]).exits(0);
    assert!(done.stdout.contains("b.wav -> b,") && done.stdout.contains("c.wav -> c,"), "{done:?}");
}

/// The source was still being written when it was imported.
#[test]
fn a_recording_whose_source_has_grown_is_replaced_on_request() {
    let folder = recordings();
    let grown = testdata("field-notes.opus");
    for (stub, whole) in [("card/b.wav", None), ("card/night 1/a.OPUS", Some(grown))] {
        let source = folder.path().join(stub);
        let args = [stub, "a.zarr", "--name", "it"];
        import(folder.path(), &args).exits(0);
        run_in(folder.path(), ["meta", "a.zarr/it", "--set", "site=pond"]).exits(0);
        match whole {
            Some(whole) => drop(fs::copy(whole, &source).unwrap()),
            None => write_tones(&source, 48_000, 1, 48_000, 440.0),
        }
        let refused = import(folder.path(), &args).exits(1);
        assert!(refused.stderr.contains("with --replace"), "{refused:?}");
        let replace = [&args[..], &["--replace"]].concat();
        let dry = import(folder.path(), &[&replace[..], &["--dry-run"]].concat()).exits(0);
        assert!(dry.stdout.starts_with("planned "), "{dry:?}");
        let done = import(folder.path(), &replace).exits(0);
        assert!(done.stdout.starts_with("imported "), "{done:?}");
        assert!(done.stdout.ends_with(": replaced 1 recording\n"), "{done:?}");
        let again = import(folder.path(), &replace).exits(0);
        assert!(again.stdout.starts_with("present "), "{again:?}");
        let notes = run_in(folder.path(), ["meta", "a.zarr/it"]).exits(0);
        assert!(notes.stdout.contains("pond"), "{notes:?}");
        run_in(folder.path(), ["verify", "a.zarr", "--level", "decode"]).exits(0);
        assert_eq!(fs::read_dir(folder.path().join("a.zarr")).unwrap().count(), 2);
        run_in(folder.path(), ["rm", "--yes", "a.zarr/it"]).exits(0);
    }
}

#[test]
fn what_other_programs_added_is_not_replaced() {
    let folder = recordings();
    let args = ["card/b.wav", "a.zarr", "--name", "it"];
    import(folder.path(), &args).exits(0);
    let theirs = folder.path().join("a.zarr/it/detections");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("zarr.json"), "{}").unwrap();
    let before = fs::read(folder.path().join("a.zarr/it/zarr.json")).unwrap();
    let other = ["--replace", "--bitrate", "64k"];
    let refused = import(folder.path(), &[&args[..], &other[..]].concat()).exits(1);
    assert!(refused.stderr.contains("did not write: detections"), "{refused:?}");
    assert!(refused.stderr.contains("rm --foreign STORE/it"), "{refused:?}");
    assert_eq!(fs::read(folder.path().join("a.zarr/it/zarr.json")).unwrap(), before);
    assert!(theirs.is_dir() && fs::read_dir(folder.path().join("a.zarr")).unwrap().count() == 2);
}
