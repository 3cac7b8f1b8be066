//! Runs every command of docs/tour.md and docs/season.md and compares its output.
//!
//! In blocks marked `console`, a shell runs each line that begins with `$ `, all in one folder. The
//! lines that follow are its standard output and error, where `[..]` stands for anything within a line
//! and `...` for any lines. `? 3` is an exit code other than 0.

#[path = "../../../../examples/field_recordings.rs"]
#[allow(clippy::as_conversions, reason = "an example")]
#[allow(dead_code, clippy::pedantic, clippy::cast_possible_truncation, reason = "an example")]
#[allow(clippy::cast_sign_loss, clippy::print_stderr, unreachable_pub, reason = "an example")]
mod field_recordings;

#[path = "../../../../examples/season.rs"]
#[allow(clippy::as_conversions, reason = "an example")]
#[allow(dead_code, clippy::pedantic, clippy::cast_possible_truncation, reason = "an example")]
#[allow(clippy::cast_sign_loss, clippy::print_stderr, unreachable_pub, reason = "an example")]
mod season;

use std::{env, fs, path::Path, process::Command};

#[test]
fn the_tour_matches_the_command() {
    let folder = tempfile::tempdir().unwrap();
    field_recordings::field_recordings(&folder.path().join("card")).unwrap();
    matches_the_command("tour", 3, folder.path());
}

#[test]
fn the_season_matches_the_command() {
    let folder = tempfile::tempdir().unwrap();
    season::season(&folder.path().join("cards")).unwrap();
    matches_the_command("season", 2, folder.path());
}

/// Runs the commands of a page that shows at least `least` pictures.
fn matches_the_command(page: &str, least: usize, folder: &Path) {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let text = fs::read_to_string(docs.join(format!("{page}.md"))).unwrap();
    let steps = steps(&text);
    assert!(steps.len() > 15, "{} commands found", steps.len());
    let mut wrong = Vec::new();
    for step in &steps {
        let (output, code) = run(&step.command, folder);
        if code != step.code || !fits(&step.output, &output) {
            let (command, expected) = (&step.command, step.output.join("\n"));
            let expected_code = step.code;
            wrong.push(format!(
                "$ {command}\n--- expected, exit {expected_code}\n{expected}\n--- found, exit {code}\n{}",
                output.join("\n")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let pictures = pictures(page, &text);
    assert!(pictures.len() >= least, "{pictures:?}");
    for picture in pictures {
        let (made, shown) = (folder.join(picture), docs.join(page).join(picture));
        assert_eq!(size_of_png(&made), size_of_png(&shown), "{picture}");
    }
}

/// A command and its expected output.
#[derive(Debug, Default)]
struct Step {
    command: String,
    output: Vec<String>,
    code: i32,
}

fn steps(text: &str) -> Vec<Step> {
    let (mut steps, mut is_inside) = (Vec::<Step>::new(), false);
    for line in text.lines() {
        if line.starts_with("```") {
            is_inside = line == "```console";
        } else if !is_inside {
        } else if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), ..Step::default() });
        } else if let Some(more) = line.strip_prefix("> ") {
            let step = steps.last_mut().unwrap();
            step.command = step.command.trim_end_matches('\\').to_owned() + more;
        } else if let Some(code) = line.strip_prefix("? ") {
            steps.last_mut().unwrap().code = code.parse().unwrap();
        } else {
            steps.last_mut().unwrap().output.push(line.to_owned());
        }
    }
    steps
}

fn run(command: &str, folder: &Path) -> (Vec<String>, i32) {
    let program = Path::new(env!("CARGO_BIN_EXE_opus-zarr")).parent().unwrap();
    let path = env::join_paths(
        [program.to_owned()].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap())),
    );
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(folder)
        .env("PATH", path.unwrap())
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (text.lines().map(str::to_owned).collect(), output.status.code().unwrap())
}

/// Compares lines with a pattern.
fn fits(expected: &[String], found: &[String]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((line, rest)) if line == "..." => {
            (0..=found.len()).any(|skipped| fits(rest, &found[skipped..]))
        }
        Some((line, rest)) => found
            .split_first()
            .is_some_and(|(first, others)| line_fits(line, first) && fits(rest, others)),
    }
}

fn line_fits(expected: &str, found: &str) -> bool {
    match expected.split_once("[..]") {
        None => expected == found,
        Some((before, after)) => found.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().any(|(at, _)| line_fits(after, &rest[at..])) || after.is_empty()
        }),
    }
}

/// Returns the pictures in the text.
fn pictures<'a>(page: &str, text: &'a str) -> Vec<&'a str> {
    let begin = format!("]({page}/");
    let shown = text.split(&begin).skip(1);
    shown.map(|rest| rest.split_once(')').unwrap().0).collect()
}

/// Reads width and height from the header.
fn size_of_png(path: &Path) -> [u8; 8] {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(bytes.starts_with(b"\x89PNG"), "{}", path.display());
    bytes[16..24].try_into().unwrap()
}

#[test]
fn patterns_match_only_their_wildcards() {
    assert!(line_fits("a [..] b", "a 1 b") && line_fits("a[..]", "a") && line_fits("[..]b", "b"));
    assert!(!line_fits("a [..] b", "a 1 c") && !line_fits("a", "a "));
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(fits(&lines("a\n...\nd"), &lines("a\nb\nc\nd")));
    assert!(!fits(&lines("a\n...\nd"), &lines("a\nb\nc")));
}
