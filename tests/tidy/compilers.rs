//! The oldest compiler that each crate promises to support.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use super::{CRATES, metadata};

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
