//! Files that may still be growing.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{
    import::{import, recordings},
    support::command_in,
};

/// A recorder writes one file of a card, and the only file that is named.
#[test]
fn files_that_are_still_written_are_left_for_the_next_run() {
    let folder = recordings();
    fs::remove_file(folder.path().join("card/broken.wav")).unwrap();
    let done = import(folder.path(), &["-r", "card", "a.zarr", "--settle", "1m"]).exits(0);
    assert!(done.stdout.contains("unsettled card/b.wav: modified "), "{}", done.stdout);
    assert!(done.stdout.contains("\nunsettled      2   modified recently"), "{}", done.stdout);
    assert!(!folder.path().join("a.zarr").exists());
    let long_ago = SystemTime::now() - Duration::from_secs(61);
    let file = fs::File::options().append(true).open(folder.path().join("card/b.wav")).unwrap();
    file.set_modified(long_ago).unwrap();
    let by_default = |args: &[&str]| {
        let mut command = command_in(folder.path());
        let output = command.arg("import").args(args).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = by_default(&["-r", "card", "a.zarr"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("imported  card/b.wav -> b,") && said.contains("unsettled "), "{said}");
    let (code, said) = by_default(&["card/night 1/a.OPUS", "a.zarr", "--json"]);
    let line: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &line["status"]), (Some(0), &"unsettled".into()), "{line}");
    assert!(line["message"].as_str().unwrap().contains("--settle 0 imports it now"), "{line}");
    let (code, said) = by_default(&["card/night 1/a.OPUS", "a.zarr", "--settle", "0"]);
    assert!(code == Some(0) && said.starts_with("imported "), "{said}");
    let refused = import(folder.path(), &["card/b.wav", "a.zarr", "--settle", "60"]).exits(2);
    assert!(refused.stderr.contains("expected a time such as 30s"), "{}", refused.stderr);
}
