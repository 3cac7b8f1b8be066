//! "Cannot be read right now" is not damage: exit code 5.

use std::{fs, process::Command};

use opus_zarr_testkit::{say_skipped, web::Web};

use crate::support::{LONG_NOTES, NOTES, Outcome, folder_with, outcome, run_in, testdata};

/// A client does not ask again where it is refused.
#[test]
fn a_server_that_refuses_is_no_damage_to_any_verb() {
    let folder = folder_with(&[(LONG_NOTES, "a"), (NOTES, "b")]);
    run_in(folder.path(), ["sync", "a.zarr/a"]).exits(0);
    let web = Web::start(folder.path(), true);
    let store = format!("http://127.0.0.1:{}/a.zarr", web.port);
    let run = |args: &str| -> Outcome {
        let args = args.replace("STORE", &store);
        run_in(folder.path(), args.split(' '))
    };
    let verbs = [
        "verify STORE/a --level decode",
        "verify STORE/a STORE/b",
        "extract STORE/a -o x.wav --samples 0..48000 --force",
        "extract STORE/a -o x.wav --force",
        "export STORE/a -o x.opus --force",
        "export STORE/a STORE/b -o .",
        "plot STORE/a -o x.png --force",
        "copy STORE/a b.zarr",
        "sync --check STORE/a",
        "bench STORE/a --reads 2",
    ];
    for part in ["zarr.json", "a/zarr.json", "opus_blob/c/0", "opus_index/c"] {
        for status in ["403 Forbidden", "401 Unauthorized"] {
            web.refuse(part, status);
            for verb in verbs {
                // What is played is found through the index and the sync map, or not.
                let done = run(verb);
                let is_read = done.code == 0 && part.starts_with("opus_");
                assert!(is_read || done.code == 5, "{part} {status} {verb}: {done:#?}");
                for word in ["rm ", "damage found", "intact", "reindex", "import it again"] {
                    let said = format!("{}{}", done.stdout, done.stderr);
                    let is_other = word == "intact" && said.contains("/b: intact");
                    assert!(is_read || is_other || !said.contains(word), "{verb}: {done:#?}");
                }
                let _ = fs::remove_dir_all(folder.path().join("b.zarr"));
                let _ = fs::remove_file(folder.path().join("a.opus"));
                let _ = fs::remove_file(folder.path().join("b.opus"));
            }
        }
    }
    web.refuse("a/zarr.json", "403 Forbidden");
    let done = run("info STORE/a").exits(5);
    assert!(done.stderr.contains("check the permissions"), "{done:#?}");
    run("info STORE/b").exits(0);
}

#[test]
fn damage_beside_what_cannot_be_read_exits_with_4() {
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b"), (NOTES, "c")]);
    let blob = folder.path().join("a.zarr/b/opus_blob/c/0");
    let mut bytes = fs::read(&blob).unwrap();
    bytes[1000] ^= 1;
    fs::write(blob, bytes).unwrap();
    let web = Web::start(folder.path(), true);
    web.refuse("a/opus_blob/c/0", "403 Forbidden");
    let places = ["a", "b", "c"].map(|name| format!("http://127.0.0.1:{}/a.zarr/{name}", web.port));
    let [a, b, c] = places.each_ref().map(String::as_str);
    let both = run_in(folder.path(), ["verify", a, b, c, "--json"]).exits(4);
    let sum = &both.lines("verification")[0];
    assert_eq!((&sum["damaged"], &sum["unreadable"]), (&1.into(), &1.into()), "{sum}");
    assert!(both.stderr.contains("; could not read 1 completely"), "{both:#?}");
    assert!(!both.stderr.contains(&format!("rm {a}")), "{both:#?}");
    let one = run_in(folder.path(), ["verify", a, c]).exits(5);
    let missing = run_in(folder.path(), ["verify", a, "a.zarr/none"]).exits(3);
    assert!(!missing.stderr.contains("found no damage"), "{missing:#?}");
    assert!(one.stdout.contains("/a: not read completely"), "{one:#?}");
    assert!(one.stderr.contains("could not read 1 of 2 recordings completely"), "{one:#?}");
}

/// The system refuses one object, also to root.
#[test]
#[cfg(target_os = "linux")]
fn a_file_that_cannot_be_opened_or_read_is_no_damage() {
    if Command::new("strace").arg("-V").output().is_err() {
        return say_skipped("files that cannot be read: strace is not installed");
    }
    let folder = folder_with(&[(NOTES, "a"), (NOTES, "b")]);
    fs::copy(testdata(NOTES), folder.path().join("notes.opus")).unwrap();
    let log = folder.path().join("strace.log");
    for (call, error, says) in [
        ("openat", "EACCES", "Permission denied"),
        ("openat", "EMFILE", "Too many open files"),
        ("openat", "EIO", "Input/output error"),
        ("read", "EIO", "Input/output error"),
    ] {
        for (object, verb) in [
            ("a.zarr/a/opus_blob/c/0", "verify a.zarr"),
            ("a.zarr/a/opus_index/c/0/0", "verify a.zarr/a"),
            ("a.zarr/a/zarr.json", "verify a.zarr"),
            ("a.zarr/a/zarr.json", "list a.zarr"),
            ("a.zarr/zarr.json", "list a.zarr"),
            ("a.zarr/zarr.json", "import notes.opus a.zarr"),
            ("a.zarr/a/zarr.json", "meta a.zarr/a"),
            ("a.zarr/a/opus_blob/c/0", "export a.zarr/a a.zarr/b -o ."),
            ("a.zarr/a/zarr.json", "export a.zarr/a a.zarr/b -o ."),
            ("a.zarr/a/zarr.json", "verify a.zarr/a a.zarr/b"),
        ] {
            let mut strace = Command::new("strace");
            strace.args(["-f", "-o"]).arg(&log).args(["-P", object, "-e"]);
            strace.arg(format!("inject={call}:error={error}"));
            strace.arg(env!("CARGO_BIN_EXE_opus-zarr")).args(verb.split(' '));
            let done = outcome(strace.current_dir(folder.path())).exits(5);
            let said = format!("{}{}", done.stdout, done.stderr);
            assert!(said.contains(says), "{verb}: {done:#?}");
            for word in [" rm ", "damage found", "does not exist", "reindex"] {
                assert!(!said.contains(word), "{verb}: {done:#?}");
            }
            // The others are done.
            let others = verb.contains("a.zarr/b");
            assert!(!others || said.contains("a.zarr/b: intact") || said.contains("b.opus: "));
            let _ = fs::remove_file(folder.path().join("b.opus"));
        }
    }
}
