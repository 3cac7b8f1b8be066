//! What bash offers, asked of bash itself.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use opus_zarr_testkit::say_skipped;

use crate::support::{run_in, verbs};

/// Prints what is offered for the last of some words, a line each, and then an empty line.
const OFFERED: &str = r#"
source "$0"
function=$(complete -p opus-zarr)
function=${function#*-F }
function=${function%% *}
offered() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    "$function" "$1" "${@: -1}" "${@: -2:1}" 2>/dev/null
    printf '%s\n' "${COMPREPLY[@]}" ''
}
"#;

/// Returns what bash offers for each command line. `None` without bash.
fn offered(folder: &Path, lines: &[Vec<&str>]) -> Option<Vec<BTreeSet<String>>> {
    let Ok(_) = Command::new("bash").arg("--version").stdout(Stdio::null()).status() else {
        say_skipped("nothing was completed: no bash");
        return None;
    };
    let completions = run_in(folder, ["completions", "bash"]).exits(0);
    fs::write(folder.join("script"), completions.stdout).unwrap();
    let mut program = OFFERED.to_owned();
    for line in lines {
        let words: String = line.iter().map(|word| format!(" '{word}'")).collect();
        program += &format!("offered opus-zarr{words}\n");
    }
    let mut bash = Command::new("bash");
    let bash = bash.args(["--norc", "-c", &program, "./script"]).current_dir(folder);
    let output = bash.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let sets: Vec<BTreeSet<String>> = text
        .split_terminator("\n\n")
        .map(|words| words.lines().map(str::to_owned).collect())
        .collect();
    assert_eq!(sets.len(), lines.len(), "{text}");
    Some(sets)
}

#[test]
fn every_option_of_every_verb_is_offered() {
    let folder = tempfile::tempdir().unwrap();
    let verbs = verbs();
    let lines = Vec::from_iter(verbs.iter().map(|verb| vec![verb.as_str(), "-"]));
    let Some(offered) = offered(folder.path(), &lines) else { return };
    for (verb, offered) in verbs.iter().zip(offered) {
        assert_eq!(offered, options(&help(verb)), "{verb}");
    }
}

#[test]
fn the_values_of_every_option_are_offered() {
    let folder = tempfile::tempdir().unwrap();
    let verbs = verbs();
    let helps = Vec::from_iter(verbs.iter().map(|verb| help(verb)));
    let expected = Vec::from_iter(verbs.iter().zip(&helps).flat_map(|(verb, help)| {
        values(help).into_iter().map(move |(option, values)| (verb.as_str(), option, values))
    }));
    assert!(expected.len() > 10, "{expected:?}");
    // The word that stands for the recording or store comes first.
    let words = expected.iter().map(|(verb, option, _)| vec![*verb, "it", option.as_str(), ""]);
    let lines = Vec::from_iter(words);
    let Some(offered) = offered(folder.path(), &lines) else { return };
    for ((verb, option, values), offered) in expected.iter().zip(offered) {
        assert_eq!(&offered, values, "{verb} {option}");
    }
}

#[test]
fn verbs_shells_and_files_are_offered() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("two words.wav"), "").unwrap();
    let lines = [
        vec!["ex"],
        vec!["--json", "li"],
        vec!["--json", "list", "--q"],
        vec!["completions", "b"],
        vec!["extract", "it", "-o", "two"],
        vec!["extract", "it", "--output", "two"],
    ];
    let Some(offered) = offered(folder.path(), &lines) else { return };
    let expected: [&[&str]; 6] = [
        &["export", "extract"],
        &["list"],
        &["--quiet"],
        &["bash"],
        &["two words.wav"],
        &["two words.wav"],
    ];
    for ((line, offered), expected) in lines.iter().zip(offered).zip(expected) {
        assert_eq!(Vec::from_iter(offered), expected, "{line:?}");
    }
}

/// Returns what the help of a verb says of its options.
fn help(verb: &str) -> String {
    let help = run_in(Path::new("."), [verb, "--help"]).exits(0).stdout;
    help.split_once("\nOptions:\n").unwrap().1.to_owned()
}

/// Returns the names of all options in a help text.
fn options(help: &str) -> BTreeSet<String> {
    let lines = help.lines().filter(|line| is_option(line)).map(str::trim_start);
    lines.flat_map(|line| line.split("  ").next().unwrap().split(", ").map(name)).collect()
}

/// Returns the options in a help text that take one of some values, with these.
fn values(help: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut found: Vec<(String, BTreeSet<String>)> = Vec::new();
    for line in help.lines() {
        let text = line.trim();
        let listed = text.strip_prefix("[possible values: ");
        let listed = listed.map(|all| all.strip_suffix(']').unwrap().split(", "));
        let described = text.strip_prefix("- ").map(|one| one.split(':').next().unwrap());
        if is_option(line) {
            found.push((options(line).into_iter().next().unwrap(), BTreeSet::new()));
        } else if let Some((_, values)) = found.last_mut() {
            values.extend(listed.into_iter().flatten().chain(described).map(str::to_owned));
        }
    }
    found.retain(|(_, values)| !values.is_empty());
    found
}

/// Descriptions, which may begin with the name of an option, are indented further.
fn is_option(line: &str) -> bool {
    let text = line.trim_start();
    text.starts_with('-') && line.len() - text.len() <= 6
}

fn name(option: &str) -> String {
    let end = option.find([' ', '=', '[', '.']).unwrap_or(option.len());
    option[..end].to_owned()
}
