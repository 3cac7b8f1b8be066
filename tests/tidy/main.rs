//! House rules that a machine can check.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

mod compilers;
mod documents;

/// The crates of ours that each crate uses, and may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("opus-packet", &[]),
    ("ogg-opus-demux", &["opus-packet"]),
    ("opus-demux", &["ogg-opus-demux", "opus-packet"]),
    ("recorder-metadata", &[]),
    ("opus-packet-index", &["opus-packet"]),
    ("opus-zarr-store", &["opus-packet", "opus-packet-index"]),
    ("opus-zarr-object-store", &["opus-zarr-store"]),
    ("opus-encode", &["opus-packet"]),
    ("opus-segment-decode", &["opus-packet", "opus-packet-index"]),
    ("opus-transcode", &["opus-encode", "opus-packet", "wave-demux"]),
    (
        "opus-zarr",
        &[
            "ogg-opus-demux",
            "opus-demux",
            "opus-encode",
            "opus-packet",
            "opus-packet-index",
            "opus-segment-decode",
            "opus-transcode",
            "opus-zarr-store",
            "recorder-metadata",
        ],
    ),
    (
        "opus-zarr-cli",
        &["opus-zarr", "opus-zarr-object-store", "opus-zarr-render", "opus-zarr-serve"],
    ),
    ("opus-zarr-render", &["opus-zarr"]),
    ("opus-zarr-serve", &["opus-zarr", "opus-zarr-render"]),
    ("wave-demux", &[]),
];

/// Foreign crates that only one of ours may use.
const WRAPPERS: &[(&str, &str)] = &[
    ("object_store", "opus-zarr-object-store"),
    ("zarrs", "opus-zarr-store"),
    ("magnum-opus", "opus-segment-decode"),
    ("ogg", "ogg-opus-demux"),
    ("rubato", "opus-transcode"),
    ("symphonia", "opus-transcode"),
    ("opusic-sys", "opus-encode"),
];

/// The only crate and module that call C.
const UNSAFE: (&str, &str) = ("opus-encode", "crates/opus-encode/src/libopus.rs");

/// Public modules, by crate: one per container, so that their readers can share names.
const PUBLIC_MODULES: &[(&str, &str)] = &[
    ("opus-demux", "pub mod caf;"),
    ("opus-demux", "pub mod mp4;"),
    ("opus-demux", "pub mod raw;"),
    ("opus-demux", "pub mod webm;"),
];

const MAX_FILE_LINES: usize = 450;
const MAX_FUNCTION_LINES: usize = 60;

/// Split in two, so that this file does not contain them.
const DEBRIS: [&str; 5] = [
    concat!("to", "do!"),
    concat!("unimpl", "emented!"),
    concat!("d", "bg!"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

#[test]
fn the_arrows_between_our_crates_are_those_of_the_design() {
    let ours: BTreeSet<&str> = CRATES.iter().map(|ours| ours.name()).collect();
    let found: BTreeMap<&str, BTreeSet<&str>> = CRATES
        .iter()
        .map(|one| (one.name(), one.dependencies().filter(|name| ours.contains(name)).collect()))
        .collect();
    let designed: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(name, to)| (*name, to.iter().copied().collect())).collect();
    for name in designed.keys().chain(found.keys()) {
        assert_eq!(
            found.get(name),
            designed.get(name),
            "arrows of {name}: left found, right ARROWS"
        );
    }
}

/// The containers of `opus-demux` share code only through modules that know none of them.
#[test]
fn containers_do_not_use_each_other() {
    let containers = PUBLIC_MODULES
        .iter()
        .filter_map(|(_, module)| module.strip_prefix("pub mod ")?.strip_suffix(';'));
    let containers: Vec<&str> = containers.collect();
    let root = Path::new("crates/opus-demux/src");
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    for (path, text) in SOURCES.iter() {
        let Some(module) = path.strip_prefix(root).ok().and_then(|path| path.iter().next()) else {
            continue;
        };
        let module = Path::new(module).file_stem().unwrap().to_str().unwrap();
        let may_use: &[&str] = match module {
            "container" | "finding" | "lib" | "streams" => &containers,
            module => &[module],
        };
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let paths = code.flat_map(|line| line.split(|c: char| !is_path(c)));
        let steps = paths.filter(|path| path.contains("::")).flat_map(|path| path.split("::"));
        let used: Vec<&str> =
            steps.filter(|step| containers.contains(step) && !may_use.contains(step)).collect();
        assert!(used.is_empty(), "{}: uses {used:?}", path.display());
    }
}

#[test]
fn foreign_crates_are_used_only_by_their_wrappers() {
    for (foreign, wrapper) in WRAPPERS {
        let names_it = |one: &&Crate| one.dependencies().any(|name| name == *foreign);
        let users: Vec<&str> = CRATES.iter().filter(names_it).map(Crate::name).collect();
        assert_eq!(users, [*wrapper], "crates that depend on {foreign}");
    }
}

#[test]
fn every_crate_describes_itself() {
    for one in CRATES.iter() {
        for field in ["description", "documentation", "license", "rust_version", "readme"] {
            assert!(one.0[field].is_string(), "{}: no {field} in Cargo.toml", one.name());
        }
        // The workspace has the only address.
        assert!(!one.read("Cargo.toml").contains("repository ="), "{}: repository", one.name());
        for field in ["keywords", "categories"] {
            let is_empty = one.0[field].as_array().unwrap().is_empty();
            assert!(!is_empty, "{}: no {field} in Cargo.toml", one.name());
        }
    }
}

#[test]
fn every_crate_obeys_the_lints_of_the_workspace() {
    for one in CRATES.iter() {
        let inherits = one.read("Cargo.toml").contains("[lints]\nworkspace = true");
        assert!(inherits, "{}: no `[lints] workspace = true` in Cargo.toml", one.name());
    }
}

/// A module can override the workspace's `deny`. One may; all other crates `forbid`.
#[test]
fn one_module_is_unsafe() {
    let allows = concat!("allow(", "unsafe_code");
    let published = SOURCES.iter().filter(|(path, _)| path.starts_with("crates"));
    let all: Vec<_> =
        published.filter(|(_, text)| text.contains(allows)).map(|(path, _)| path).collect();
    assert_eq!(all, [Path::new(UNSAFE.1)], "files that allow unsafe code");
    for one in CRATES.iter().filter(|one| one.name() != UNSAFE.0) {
        let forbids = one.root().contains("\n#![forbid(unsafe_code)]\n");
        assert!(forbids, "{}: no #![forbid(unsafe_code)] in lib.rs or main.rs", one.name());
    }
}

#[test]
fn every_crate_carries_both_licences() {
    for one in CRATES.iter() {
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let is_ours = one.read(licence) == read(&root().join(licence));
            assert!(is_ours, "{}: {licence} is not that of the workspace", one.name());
        }
    }
}

/// Code under another licence carries its text.
#[test]
fn every_crate_names_the_licences_of_its_files() {
    for one in CRATES.iter() {
        let folder = Path::new("crates").join(one.name());
        let texts: Vec<&String> = SOURCES
            .iter()
            .filter(|(path, _)| path.starts_with(&folder))
            .map(|(_, text)| text)
            .collect();
        let holds = |words: &str| texts.iter().any(|text| text.contains(words));
        let is_bsd = holds("Redistribution and use in source and binary forms");
        let names = match (is_bsd, holds("Neither the name of")) {
            (false, _) => "MIT OR Apache-2.0",
            (true, false) => "(MIT OR Apache-2.0) AND BSD-2-Clause",
            (true, true) => "(MIT OR Apache-2.0) AND BSD-3-Clause",
        };
        assert_eq!(one.text("license"), names, "{}", one.name());
    }
}

#[test]
fn every_changelog_names_the_current_version() {
    for one in CRATES.iter() {
        let heading = format!("\n## {}", one.text("version"));
        let names_it = one.read("CHANGELOG.md").contains(&heading);
        assert!(names_it, "{}: no heading \"{}\" in CHANGELOG.md", one.name(), heading.trim());
    }
}

#[test]
fn every_readme_states_the_msrv_of_its_manifest() {
    for one in CRATES.iter() {
        let statement = format!("MSRV {}.", one.text("rust_version"));
        let states_it = one.read("README.md").contains(&statement);
        assert!(states_it, "{}: no \"{statement}\" in README.md", one.name());
    }
}

#[test]
fn every_module_is_private() {
    for one in CRATES.iter() {
        let public: Vec<String> = one
            .root()
            .lines()
            .filter(|line| line.trim_start().starts_with("pub mod "))
            .filter(|line| !PUBLIC_MODULES.contains(&(one.name(), line)))
            .map(str::to_owned)
            .collect();
        assert!(public.is_empty(), "{}: public modules in lib.rs: {public:?}", one.name());
    }
}

#[test]
fn no_file_is_too_long() {
    let too_long: Vec<String> = SOURCES
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > MAX_FILE_LINES)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(too_long.is_empty(), "more than {MAX_FILE_LINES} lines: {too_long:#?}");
}

#[test]
fn no_function_is_too_long() {
    let too_long: Vec<String> = SOURCES
        .iter()
        .flat_map(|(path, text)| functions(text).map(move |function| (path, function)))
        .filter(|(_, (_, lines))| *lines > MAX_FUNCTION_LINES)
        .map(|(path, (first, lines))| format!("{}:{first}: {lines} lines", path.display()))
        .collect();
    assert!(too_long.is_empty(), "more than {MAX_FUNCTION_LINES} lines: {too_long:#?}");
}

#[test]
fn functions_are_measured_from_their_first_line_to_their_last() {
    let text = "fn a() {}\n\nimpl A {\n    pub const fn b(\n    ) {\n        c();\n    }\n}\n";
    assert_eq!(functions(text).collect::<Vec<_>>(), [(1, 1), (4, 4)]);
}

#[test]
fn nothing_is_left_unfinished() {
    let left: Vec<String> = SOURCES
        .iter()
        .flat_map(|(path, text)| text.lines().zip(1..).map(move |line| (path, line)))
        .filter(|(_, (line, _))| DEBRIS.iter().any(|word| line.contains(word)))
        .map(|(path, (line, number))| format!("{}:{number}: {}", path.display(), line.trim()))
        .collect();
    assert!(left.is_empty(), "left unfinished: {left:#?}");
}

/// One of our published crates, as described by `cargo metadata`.
struct Crate(Value);

static CRATES: LazyLock<Vec<Crate>> = LazyLock::new(|| {
    let mut metadata = metadata(&["--no-deps"]);
    let Value::Array(packages) = metadata["packages"].take() else { panic!("no packages") };
    packages.into_iter().map(Crate).filter(|one| one.0["publish"].is_null()).collect()
});

fn metadata(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

impl Crate {
    fn name(&self) -> &str {
        self.text("name")
    }

    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_else(|| panic!("no {field} in {}", self.0["name"]))
    }

    /// Normal dependencies, without those of tests and build scripts.
    fn dependencies(&self) -> impl Iterator<Item = &str> {
        let all = self.0["dependencies"].as_array().unwrap().iter();
        all.filter(|one| one["kind"].is_null()).map(|one| one["name"].as_str().unwrap())
    }

    /// The text of the crate's root: `main.rs` of a command, `lib.rs` of any other.
    fn root(&self) -> String {
        let is_command = self.0["targets"][0]["kind"][0] == "bin";
        self.read(if is_command { "src/main.rs" } else { "src/lib.rs" })
    }

    fn read(&self, path: &str) -> String {
        read(&Path::new(self.text("manifest_path")).with_file_name(path))
    }
}

/// All our Rust files.
static SOURCES: LazyLock<Vec<(PathBuf, String)>> = LazyLock::new(|| {
    let mut files = Vec::new();
    for directory in ["crates", "examples", "benches", "tests", "fuzz"] {
        collect_files(&root().join(directory), "rs", &mut files);
    }
    files
});

fn collect_files(directory: &Path, extension: &str, files: &mut Vec<(PathBuf, String)>) {
    // Git does not keep empty directories.
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // benches/peers has a target directory of its own.
            if !path.ends_with("target") {
                collect_files(&path, extension, files);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            let text = read(&path);
            files.push((path.strip_prefix(root()).unwrap().to_owned(), text));
        }
    }
}

/// The number of each function's first line, and its length in lines. Relies on rustfmt, which
/// indents the body further than the first line.
fn functions(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    (0..lines.len()).filter_map(move |at| {
        let (margin, rest) = lines[at].split_at(lines[at].find(|c| c != ' ')?);
        let is_last = |line: &&str| {
            line.strip_prefix(margin).is_some_and(|rest| !rest.starts_with(' '))
                && line.ends_with(['}', ';'])
        };
        begins_function(rest)
            .then(|| lines[at..].iter().position(is_last))?
            .map(|lines_after| (at + 1, lines_after + 1))
    })
}

fn begins_function(line: &str) -> bool {
    let words = line.split(' ').skip_while(|word| word.starts_with("pub") || *word == "const");
    words.take(1).any(|word| word == "fn")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
