//! Where output goes: data to standard output, everything else to standard error, as text for people
//! or as one JSON object per line.

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
    text::{one_line, plain, plain_json},
};

/// How to print.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object per line (described in docs/command.md)
    #[arg(long, global = true, help_heading = HEADING, display_order = 100)]
    json: bool,
    /// Print only results and errors
    #[arg(long, short, global = true, help_heading = HEADING, display_order = 101)]
    #[arg(conflicts_with = "verbose")]
    quiet: bool,
    /// Print more messages; repeat for even more
    #[arg(long, short, global = true, help_heading = HEADING, display_order = 102)]
    #[arg(action = clap::ArgAction::Count)]
    verbose: u8,
}

/// A line of output: `Display` is its text. Its JSON object also has `schema`, which is [`SCHEMA`], and
/// `type`, which is [`TYPE`](Self::TYPE).
pub(crate) trait Line: Serialize + Display {
    const TYPE: &'static str;
}

/// Both outputs.
pub(crate) struct Output {
    data: BufWriter<Stdout>,
    messages: Messages,
    works_on: bool,
    /// Why no more data can be written, if the command works on all the same.
    lost: Option<Failure>,
}

/// Notes, warnings, errors and progress. Clones share the same output.
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
        let bars = MultiProgress::with_draw_target(if is_visible {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        let inner = Inner { is_json: args.json, is_quiet: args.quiet, bars };
        let messages = Messages(Arc::new(inner));
        log::install(messages.clone(), args.verbose);
        Self { data: BufWriter::new(stdout()), messages, works_on: false, lost: None }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.messages.is_json()
    }

    pub(crate) fn messages(&self) -> &Messages {
        &self.messages
    }

    /// Writes a line of data.
    pub(crate) fn data<L: Line>(&mut self, line: &L) -> Result<(), Failure> {
        let text = if self.is_json() { to_json(line) } else { plain(&line.to_string()) };
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Whether people look at the data as it is written.
    pub(crate) fn is_terminal(&self) -> bool {
        !self.is_json() && stdout().is_terminal()
    }

    /// Writes a line that is only for people, such as a header.
    pub(crate) fn plain(&mut self, line: impl Display) -> Result<(), Failure> {
        self.bytes(format!("{}\n", plain(&line.to_string())).as_bytes())
    }

    /// Writes raw data: samples, a file.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.lost.is_some() {
            return Ok(());
        }
        let written = self.data.write_all(bytes);
        self.or_work_on(written)
    }

    /// Lets the command do all of its work even if its data cannot be written any more, for example
    /// because nobody reads it.
    pub(crate) fn work_on(&mut self) {
        self.works_on = true;
    }

    /// Returns the sink for samples and files that go to standard output.
    pub(crate) fn stdout(&mut self) -> &mut (impl Write + use<>) {
        &mut self.data
    }

    /// Flushes the data written so far.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        if self.lost.is_some() {
            return Ok(());
        }
        let flushed = self.messages.bars().suspend(|| self.data.flush());
        self.or_work_on(flushed)
    }

    /// Flushes the data at the end of the command. Fails if any could not be written.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        self.flush()?;
        self.lost.take().map_or(Ok(()), Err)
    }

    fn or_work_on(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        match written.map_err(|error| unwritten(&error)) {
            Err(failure) if self.works_on => {
                self.lost = Some(failure);
                Ok(())
            }
            written => written,
        }
    }

    /// Prints why the command ends, after the data it has written.
    pub(crate) fn failed(&mut self, failure: &Failure) -> ExitCode {
        // Keep what was written, but report the failure rather than a second error.
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

    /// Returns the progress bars, which are hidden unless standard error is a terminal.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.0.bars
    }

    /// Prints a note.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.0.is_quiet {
            self.message("note", &text.to_string());
        }
    }

    /// Prints a warning.
    pub(crate) fn warn(&self, text: impl Display) {
        if !self.0.is_quiet {
            self.message("warning", &text.to_string());
        }
    }

    /// Prints a line only for programs, such as progress.
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

    /// Prints why the command ends, or why one of several inputs failed.
    pub(crate) fn failure(&self, failure: &Failure) {
        let Failure { exit, message, hint, .. } = failure;
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

    /// Prints, for people, why one of several inputs failed while the command continues.
    pub(crate) fn failed_one(&self, failure: &Failure) {
        self.write(&format!("failed: {}", failure.message));
        if let Some(hint) = &failure.hint {
            self.write(&format!("  {hint}"));
        }
    }

    /// Ignores errors: nothing could report them.
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
    plain_json(&object.to_string())
}

/// Turns a failure to write to standard output into ours. A reader that closed the pipe, as `head`
/// does, has seen enough.
pub(crate) fn unwritten(error: &io::Error) -> Failure {
    let exit = match error.kind() {
        io::ErrorKind::BrokenPipe => Exit::Unread,
        _ => Exit::Error,
    };
    Failure::new(exit, format!("cannot write to standard output: {error}"))
}

/// Heads these options in the help of every verb, below its own.
const HEADING: &str = "Output";

/// The version of the JSON objects. New fields do not change it; existing fields keep their meaning.
const SCHEMA: u32 = 1;
