use std::{collections::BTreeSet, fs};

use crate::support::{run_in, verbs};

#[test]
fn every_verb_has_a_page() {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), ["man", "-o", "pages"]).exits(0);
    let pages = folder.path().join("pages");
    let found = fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().file_name());
    let found: BTreeSet<String> = found.map(|name| name.into_string().unwrap()).collect();
    let of_verbs = verbs().into_iter().map(|verb| format!("opus-zarr-{verb}.1"));
    assert_eq!(found, of_verbs.chain(["opus-zarr.1".to_owned()]).collect());
    for name in &found {
        let page = fs::read_to_string(pages.join(name)).unwrap();
        assert!(
            page.contains("\n.SH NAME\n") && page.contains("\n.SH \"EXIT STATUS\"\n"),
            "{name}"
        );
    }
    let first = run_in(folder.path(), ["man"]).exits(0).stdout;
    assert_eq!(first.trim_end(), fs::read_to_string(pages.join("opus-zarr.1")).unwrap().trim_end());
}

#[test]
fn existing_pages_are_kept_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("opus-zarr-list.1");
    fs::write(&page, "mine").unwrap();
    let refused = run_in(folder.path(), ["man", "-o", "."]).exits(1);
    assert!(refused.stderr.contains("already exists") && refused.stderr.contains("--force"));
    assert_eq!(fs::read(&page).unwrap(), b"mine");
    run_in(folder.path(), ["man", "-o", ".", "--force"]).exits(0);
    assert_ne!(fs::read(&page).unwrap(), b"mine");
}

#[test]
fn completions_include_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run_in(folder.path(), ["completions", shell]).exits(0).stdout;
        for verb in verbs() {
            assert!(script.contains(&verb), "{shell}: {verb}");
        }
    }
    run_in(folder.path(), ["completions", "cmd"]).exits(2);
}
