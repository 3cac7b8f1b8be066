//! What is written, and where: data on standard output, all else on standard error; as text
//! for people or as JSON, one object a line.

mod log;

use std::{
    fmt::Display,
    io::{self, BufWriter, IsTerminal, Stdout, Write, stderr, stdout},
    process::ExitCode,
    sync::Arc,
};

use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;

use crate::{
    failure::{Exit, Failure},
    text::one_line,
};

/// How to say it.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write JSON, one object a line (docs/command.md describes them)
    #[arg(long, global = true, help_heading = HEADING, display_order = 100)]
    json: bool,
    /// Say nothing but errors on standard error
    #[arg(long, short, global = true, help_heading = HEADING, display_order = 101)]
    #[arg(conflicts_with = "verbose")]
    quiet: bool,
    /// Say more on standard error; twice: even more
    #[arg(long, short, global = true, help_heading = HEADING, display_order = 102)]
    #[arg(action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Something that a command says. As text it is its `Display`; as JSON it is an object that also has
/// `schema`, [`SCHEMA`], and `type`, [`TYPE`](Self::TYPE).
pub(crate) trait Line: Serialize + Display {
    const TYPE: &'static str;
}

/// Both outputs.
pub(crate) struct Output {
    data: BufWriter<Stdout>,
    messages: Messages,
}

/// What is no data: notes, warnings, progress. Clones say it in the same place.
#[derive(Clone)]
pub(crate) struct Messages(Arc<Inner>);

struct Inner {
    is_json: bool,
    is_quiet: bool,
    bars: MultiProgress,
}

impl Output {
    pub(crate) fn new(args: &Args) -> Self {
        let is_visible = !args.json && !args.quiet && stderr().is_terminal();
        let bars = MultiProgress::with_draw_target(match is_visible {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        });
        let inner = Inner { is_json: args.json, is_quiet: args.quiet, bars };
        let messages = Messages(Arc::new(inner));
        log::install(messages.clone(), args.verbose);
        Self { data: BufWriter::new(stdout()), messages }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.messages.is_json()
    }

    pub(crate) fn messages(&self) -> &Messages {
        &self.messages
    }

    /// Writes a line of data.
    pub(crate) fn data<L: Line>(&mut self, line: &L) -> Result<(), Failure> {
        let text = match self.is_json() {
            true => to_json(line),
            false => line.to_string(),
        };
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Writes data as it is: samples, a file.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.data.write_all(bytes).map_err(|error| unwritten(&error))
    }

    /// Where samples and files go that are asked for on standard output.
    pub(crate) fn stdout(&mut self) -> &mut (impl Write + use<>) {
        &mut self.data
    }

    /// What was written so far is seen from now on.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        let flushed = self.messages.bars().suspend(|| self.data.flush());
        flushed.map_err(|error| unwritten(&error))
    }

    /// Says why the command ends, after what it has written.
    pub(crate) fn failed(&mut self, failure: &Failure) -> ExitCode {
        // What was written before is worth having, but the failure is what is told.
        let _ = self.finish();
        if failure.exit != Exit::Unread {
            self.messages.failure(failure);
        }
        ExitCode::from(failure.exit.code())
    }
}

impl Messages {
    pub(crate) fn is_json(&self) -> bool {
        self.0.is_json
    }

    /// Where progress bars are drawn; hidden unless a person looks.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.0.bars
    }

    /// Something good to know.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.0.is_quiet {
            self.message("note", &text.to_string());
        }
    }

    /// Something that may be wrong.
    pub(crate) fn warn(&self, text: impl Display) {
        if !self.0.is_quiet {
            self.message("warning", &text.to_string());
        }
    }

    /// A line that only programs read, as of progress.
    pub(crate) fn json<L: Line>(&self, line: &L) {
        if self.0.is_json && !self.0.is_quiet {
            self.write(&to_json(line));
        }
    }

    fn message(&self, kind: &'static str, message: &str) {
        match (self.0.is_json, kind) {
            (true, _) => self.write(&object(kind, &serde_json::json!({ "message": message }))),
            (false, "note") => self.write(message),
            (false, kind) => self.write(&format!("{kind}: {message}")),
        }
    }

    /// Why the command ends.
    pub(crate) fn failure(&self, failure: &Failure) {
        let Failure { exit, message, hint } = failure;
        if self.0.is_json {
            let mut fields = serde_json::json!({ "message": message, "exit": exit.code() });
            if let (Some(hint), Some(fields)) = (hint, fields.as_object_mut()) {
                fields.insert("hint".to_owned(), hint.as_str().into());
            }
            return self.write(&object("error", &fields));
        }
        self.write(&format!("error: {message}"));
        if let Some(hint) = hint {
            self.write(&format!("  {hint}"));
        }
    }

    /// What became of one of many, for people: the command goes on.
    pub(crate) fn failed_one(&self, failure: &Failure) {
        self.write(&format!("failed: {}", failure.message));
        if let Some(hint) = &failure.hint {
            self.write(&format!("  {hint}"));
        }
    }

    /// Nothing can be done about a standard error that takes nothing.
    fn write(&self, line: &str) {
        self.0.bars.suspend(|| {
            let _ = writeln!(stderr().lock(), "{}", one_line(line));
        });
    }
}

fn to_json<L: Line>(line: &L) -> String {
    match serde_json::to_value(line) {
        Ok(fields) => object(L::TYPE, &fields),
        Err(error) => object("error", &serde_json::json!({ "message": error.to_string() })),
    }
}

fn object(kind: &str, fields: &serde_json::Value) -> String {
    let mut object = serde_json::json!({ "schema": SCHEMA, "type": kind });
    if let (Some(object), Some(fields)) = (object.as_object_mut(), fields.as_object()) {
        object.extend(fields.clone());
    }
    object.to_string()
}

/// A reader that has gone, as `head` does, has seen enough.
pub(crate) fn unwritten(error: &io::Error) -> Failure {
    let exit = match error.kind() {
        io::ErrorKind::BrokenPipe => Exit::Unread,
        _ => Exit::Error,
    };
    Failure::new(exit, format!("cannot write to standard output: {error}"))
}

/// In the help of every verb, behind what is its own.
const HEADING: &str = "Output";

/// The version of the objects that are written as JSON. Fields may be added to it; what is there
/// keeps its meaning.
const SCHEMA: u32 = 1;
