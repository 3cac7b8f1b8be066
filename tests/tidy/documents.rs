//! Documents in Markdown.

use std::{collections::BTreeSet, fs, path::PathBuf};

use super::{collect_files, read, root};

/// rustc finds conflict markers in sources.
#[test]
fn no_conflict_is_left() {
    for (path, text) in documents() {
        let marker = text.lines().find(|line| line.starts_with("<<<<<<< "));
        assert!(marker.is_none(), "{}: {marker:?}", path.display());
    }
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let mut broken = Vec::new();
    for (path, text) in documents() {
        for link in links(&text).filter(|link| is_relative(link)) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => root().join(&path),
                _ => root().join(&path).with_file_name(file),
            };
            let exists = target.exists()
                && (heading.is_empty() || headings(&read(&target)).contains(heading));
            if !exists {
                broken.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The README of a package is read where the rest of the repository is missing.
#[test]
fn readmes_of_crates_link_to_nothing_outside_their_package() {
    for (path, text) in documents().iter().filter(|(path, _)| path.starts_with("crates")) {
        let outside = links(text).find(|link| link.starts_with("../"));
        assert!(outside.is_none(), "{}: {outside:?}", path.display());
    }
}

/// CONTRIBUTING.md names them as `crate` `module::test`.
#[test]
fn the_tests_that_hold_promises_exist() {
    let text = read(&root().join("CONTRIBUTING.md"));
    let quoted: Vec<&str> = text.split('`').collect();
    let named = quoted.windows(3).filter(|parts| parts[1] == " " && parts[0].starts_with("opus-"));
    let mut checked = 0;
    for (owner, test) in named.map(|parts| (parts[0], parts[2])) {
        let (modules, function) = test.rsplit_once("::").unwrap_or(("main", test));
        let folder = match owner {
            "opus-zarr-fuzz-bodies" => "fuzz/bodies".to_owned(),
            _ => format!("crates/{owner}"),
        };
        let file = format!("{folder}/tests/it/{}.rs", modules.replace("::", "/"));
        let exists = read(&root().join(&file)).contains(&format!("fn {function}("));
        assert!(exists, "CONTRIBUTING.md names {function}, which is not in {file}");
        checked += 1;
    }
    assert!(checked > 30, "{checked} tests found in the table");
}

#[test]
fn headings_are_slugs_as_in_github() {
    let text = "# `a` and B, c\n\n```sh\n# no heading\n```\n## What 80 ms is worth\n";
    let expected = ["a-and-b-c", "what-80-ms-is-worth"].map(str::to_owned);
    assert_eq!(headings(text), BTreeSet::from(expected));
}

fn documents() -> Vec<(PathBuf, String)> {
    let mut documents = Vec::new();
    for directory in ["crates", "docs", "fuzz", "testdata"] {
        collect_files(&root().join(directory), "md", &mut documents);
    }
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            documents.push((path.file_name().unwrap().into(), read(&path)));
        }
    }
    assert!(documents.len() > 20);
    documents
}

fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link)
}

/// Leaves out links to other hosts, and those of rustdoc, which checks them itself.
fn is_relative(link: &str) -> bool {
    !link.contains("://") && !link.contains("::") && link.contains(['.', '/', '#'])
}

fn headings(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut headings = BTreeSet::new();
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        if let Some(heading) = line.strip_prefix('#').filter(|_| !is_code) {
            let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            headings.insert(heading.chars().filter(kept).collect::<String>().replace(' ', "-"));
        }
    }
    headings
}
