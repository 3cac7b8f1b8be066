//! Decodes any other audio with an ffmpeg process, at the user's request.

use std::{
    ffi::{OsStr, OsString},
    io::{self, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread::{self, JoinHandle},
};

use crate::{Error, au::AuHeader, error::Reason};

/// Reads any audio that ffmpeg decodes, through a pipe. Nothing else starts ffmpeg.
///
/// Rate, channels, their order and the length are those that ffmpeg chooses. Dropping this kills
/// ffmpeg.
pub struct FfmpegInput {
    child: Child,
    samples: BufReader<ChildStdout>,
    /// Reads all messages of ffmpeg, so that it never blocks, and keeps the last ones.
    messages: Option<JoinHandle<String>>,
    header: AuHeader,
    version: String,
    is_ended: bool,
}

/// How much of ffmpeg's last messages to keep.
const MESSAGE_BYTES: usize = 4096;

impl FfmpegInput {
    /// Starts `program`, an ffmpeg, for an audio track of a file, counted from 0.
    pub fn open(
        program: impl AsRef<OsStr>,
        path: impl AsRef<Path>,
        track: usize,
    ) -> Result<Self, Error> {
        let program = program.as_ref();
        let version = version(program)?;
        let mut child =
            command(program, path.as_ref(), track).spawn().map_err(|e| start(program, e))?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            // Both were requested.
            return Err(start(program, io::ErrorKind::BrokenPipe.into()));
        };
        let messages = thread::Builder::new().spawn(move || last_bytes(stderr));
        let messages =
            messages.inspect_err(|_| drop(child.kill())).map_err(|e| start(program, e))?;
        let mut input = Self {
            child,
            samples: BufReader::with_capacity(1 << 16, stdout),
            messages: Some(messages),
            header: AuHeader { rate: 0, channels: 0 },
            version,
            is_ended: false,
        };
        match AuHeader::read(&mut input.samples) {
            Ok(header) => input.header = header,
            Err(error) => return Err(input.failure(&error.to_string())),
        }
        Ok(input)
    }

    /// Returns the sample rate in Hz.
    pub fn rate(&self) -> u32 {
        self.header.rate
    }

    /// Returns the number of channels.
    pub fn channels(&self) -> usize {
        self.header.channels
    }

    /// Returns the first line of `ffmpeg -version`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Fills `buffer` from the front with whole frames and returns the samples it wrote,
    /// interleaved. Leaves room for a frame only at the end. From then on, and after an error,
    /// returns an empty slice.
    pub fn read_samples<'a>(&mut self, buffer: &'a mut [f32]) -> Result<&'a [f32], Error> {
        let channels = self.header.channels;
        let whole = buffer.len() / channels * channels;
        let mut filled = 0;
        for sample in buffer.iter_mut().take(if self.is_ended { 0 } else { whole }) {
            let mut bytes = [0; 4];
            match self.samples.read_exact(&mut bytes) {
                Ok(()) => *sample = f32::from_be_bytes(bytes),
                Err(error) => {
                    self.end(&error)?;
                    break;
                }
            }
            filled += 1;
        }
        Ok(buffer.get(..filled / channels * channels).unwrap_or_default())
    }

    /// Handles the end of the pipe, which may mean that ffmpeg failed.
    fn end(&mut self, error: &io::Error) -> Result<(), Error> {
        self.is_ended = true;
        if error.kind() != io::ErrorKind::UnexpectedEof || !self.child.wait()?.success() {
            return Err(self.failure(&error.to_string()));
        }
        Ok(())
    }

    /// Returns the error that ffmpeg reported, or else the one seen here.
    fn failure(&mut self, seen: &str) -> Error {
        self.is_ended = true;
        let _ = self.child.kill();
        let _ = self.child.wait();
        let said = self.messages.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let reason = if said.trim().is_empty() { seen } else { said.trim() };
        Reason::Ffmpeg { reason: reason.replace('\n', "; ") }.into()
    }
}

impl Drop for FfmpegInput {
    /// Kills ffmpeg if it still runs.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks for AU, whose header ffmpeg can write to a pipe complete, since it needs no length.
fn command(program: &OsStr, path: &Path, track: usize) -> Command {
    // The prefix keeps ffmpeg from treating a name as a URL.
    let mut file = OsString::from("file:");
    file.push(path);
    let mut command = Command::new(program);
    command.args(["-nostdin", "-v", "error", "-i"]).arg(file);
    command.args(["-map", &format!("0:a:{track}"), "-c:a", "pcm_f32be", "-f", "au", "pipe:1"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn version(program: &OsStr) -> Result<String, Error> {
    let output = Command::new(program).arg("-version").stdin(Stdio::null()).output();
    let output = output.map_err(|error| start(program, error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn start(program: &OsStr, source: io::Error) -> Error {
    Reason::FfmpegStart { program: program.to_string_lossy().into_owned(), source }.into()
}

fn last_bytes(mut from: impl Read) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
        kept.drain(..kept.len().saturating_sub(MESSAGE_BYTES));
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_messages_are_kept() {
        let said = "a".repeat(100_000) + "the end";
        let kept = last_bytes(said.as_bytes());
        assert_eq!(kept.len(), MESSAGE_BYTES);
        assert!(kept.ends_with("the end"));
    }
}
