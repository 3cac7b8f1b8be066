//! What is not decoded here, through a process of ffmpeg, where the user asks for it.

use std::{
    ffi::{OsStr, OsString},
    io::{self, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread::{self, JoinHandle},
};

use crate::{Error, au::AuHeader};

/// Audio of any kind that ffmpeg decodes, through a pipe. It is started only by this.
///
/// What ffmpeg makes of a file is taken as it is: its rate, its channels in its order, and the
/// length that it gives.
pub struct FfmpegInput {
    child: Child,
    samples: BufReader<ChildStdout>,
    /// Reads what ffmpeg has to say, all of it, so that it never waits; keeps the end.
    messages: Option<JoinHandle<String>>,
    header: AuHeader,
    version: String,
    is_ended: bool,
}

/// So much of what ffmpeg says last is kept.
const MESSAGE_BYTES: usize = 4096;

impl FfmpegInput {
    /// Starts `program`, an ffmpeg, for a track of a file. Tracks with audio count from 0.
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
            // Both were asked for.
            return Err(start(program, io::ErrorKind::BrokenPipe.into()));
        };
        let messages = Some(thread::spawn(move || last_bytes(stderr)));
        let mut input = Self {
            child,
            samples: BufReader::with_capacity(1 << 16, stdout),
            messages,
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

    /// Frames in a second.
    pub fn rate(&self) -> u32 {
        self.header.rate
    }

    /// Samples in a frame.
    pub fn channels(&self) -> usize {
        self.header.channels
    }

    /// The first line of `ffmpeg -version`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Fills `samples`, whole frames of all channels, from the front as far as there is audio:
    /// gives frames. Fewer than asked only at the end; then, and after an error, always 0.
    pub fn read(&mut self, samples: &mut [f32]) -> Result<usize, Error> {
        let channels = self.header.channels;
        let whole = samples.len() / channels * channels;
        let mut filled = 0;
        for sample in samples.iter_mut().take(if self.is_ended { 0 } else { whole }) {
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
        Ok(filled / channels)
    }

    /// The pipe has ended: well, or because ffmpeg has failed.
    fn end(&mut self, error: &io::Error) -> Result<(), Error> {
        self.is_ended = true;
        if error.kind() != io::ErrorKind::UnexpectedEof || !self.child.wait()?.success() {
            return Err(self.failure(&error.to_string()));
        }
        Ok(())
    }

    /// What ffmpeg says went wrong, or else what we saw.
    fn failure(&mut self, seen: &str) -> Error {
        self.is_ended = true;
        let _ = self.child.kill();
        let _ = self.child.wait();
        let said = self.messages.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let reason = if said.trim().is_empty() { seen } else { said.trim() };
        Error::Ffmpeg { reason: reason.replace('\n', "; ") }
    }
}

impl Drop for FfmpegInput {
    /// Kills ffmpeg, if it still runs. Whoever drops this does not wait for samples.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// AU is the one header that ffmpeg writes to a pipe whole: rate and channels, no length.
fn command(program: &OsStr, path: &Path, track: usize) -> Command {
    // Only a file: what looks like an address is none.
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
    Error::FfmpegStart { program: program.to_string_lossy().into_owned(), source }
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
    fn what_is_said_is_bounded_and_the_end_is_kept() {
        let said = "a".repeat(100_000) + "the end";
        let kept = last_bytes(said.as_bytes());
        assert_eq!(kept.len(), MESSAGE_BYTES);
        assert!(kept.ends_with("the end"));
    }
}
