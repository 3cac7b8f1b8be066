//! The oldest compiler that each crate promises to support.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use super::{CRATES, SOURCES, metadata};

/// cargo does not check this. A crate that promises too old a compiler only fails to build with
/// that compiler.
#[test]
fn no_dependency_needs_a_newer_compiler_than_its_dependents_promise() {
    let metadata = metadata(&["--filter-platform", &host()]);
    let packages: BTreeMap<&str, &Value> =
        array(&metadata["packages"]).iter().map(|one| (text(&one["id"]), one)).collect();
    let arrows: BTreeMap<&str, Vec<&str>> = array(&metadata["resolve"]["nodes"])
        .iter()
        .map(|node| (text(&node["id"]), shipped_dependencies(node)))
        .collect();
    for one in CRATES.iter() {
        let too_new: Vec<String> = reachable(one.text("id"), &arrows)
            .into_iter()
            .map(|id| packages[id])
            .filter(|package| rust_version(package) > rust_version(&one.0))
            .map(|package| format!("{} {}", package["name"], package["rust_version"]))
            .collect();
        let promised = one.text("rust_version");
        assert!(too_new.is_empty(), "{} promises Rust {promised}: {too_new:?}", one.name());
    }
}

/// Clippy checks the standard library's API against the promise, but not syntax. Of the syntax
/// younger than edition 2024, only this one is tempting.
#[test]
fn crates_for_older_compilers_use_no_let_chains() {
    for one in CRATES.iter().filter(|one| rust_version(&one.0) < vec![1, 88]) {
        let folder = format!("crates/{}/src", one.name());
        for (path, text) in SOURCES.iter().filter(|(path, _)| path.starts_with(&folder)) {
            let line = let_chain(text);
            assert!(line.is_none(), "{}: Rust 1.88 needed by {line:?}", path.display());
        }
    }
}

#[test]
fn let_chains_are_found() {
    for chain in
        ["if a && let b = c {", "while let a = b\n    && c\n{", "} else if let a = b\n    && c"]
    {
        assert!(let_chain(chain).is_some(), "{chain}");
    }
    for other in
        ["if let a = b(|c| d && e) {\n    f && g", "if a\n    && b\n{", "let a = b\n    && c;"]
    {
        assert_eq!(let_chain(other), None);
    }
}

/// The line that makes a let chain, if any. Relies on rustfmt for the indentation.
fn let_chain(text: &str) -> Option<&str> {
    let mut margin = None;
    for line in text.lines() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let is_chain = code.starts_with("&& ") && margin.is_some_and(|margin| indent == margin + 4);
        if is_chain || code.contains(" && let ") || code.starts_with("&& let ") {
            return Some(code);
        }
        if ["if let ", "while let ", "} else if let "].iter().any(|start| code.starts_with(start)) {
            margin = Some(indent);
        }
        if code.ends_with('{') {
            margin = None;
        }
    }
    None
}

/// The target triple of this machine. Packages for other targets may not have been downloaded.
fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// Dependencies that users of the package compile, too.
fn shipped_dependencies(node: &Value) -> Vec<&str> {
    let is_shipped =
        |one: &&Value| array(&one["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev");
    array(&node["deps"]).iter().filter(is_shipped).map(|one| text(&one["pkg"])).collect()
}

fn reachable<'a>(start: &'a str, arrows: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let (mut pending, mut reached) = (vec![start], BTreeSet::new());
    while let Some(id) = pending.pop() {
        if reached.insert(id) {
            pending.extend(&arrows[id]);
        }
    }
    reached
}

/// Major and minor version. A package that promises nothing counts as old enough.
fn rust_version(package: &Value) -> Vec<u32> {
    let text = package["rust_version"].as_str().unwrap_or_default();
    text.split('.').take(2).map(|part| part.parse().unwrap_or(0)).collect()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
