//! Audio files as ffmpeg decodes them.

use std::{
    fmt,
    io::Read,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A whole track at its own rate.
pub(crate) struct Whole {
    pub(crate) rate: u32,
    pub(crate) channels: u32,
    /// Per channel.
    pub(crate) samples: u64,
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} at {} Hz", self.samples, self.channels, self.rate)
    }
}

/// Decodes a track, counted from 1. Returns `None` if ffmpeg decodes nothing.
pub(crate) fn whole(path: &Path, track: u64) -> Option<Whole> {
    let mut ffmpeg = start(path, track, &[]);
    let mut stream = ffmpeg.stdout.take().unwrap();
    let header = header(&mut stream);
    let (mut bytes, mut buffer) = (0, vec![0; 1 << 16]);
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes += u64::try_from(count).unwrap();
    }
    ffmpeg.wait().unwrap();
    let (rate, channels) = header?;
    let samples = bytes / 4 / u64::from(channels);
    (samples > 0).then_some(Whole { rate, channels, samples })
}

/// Decodes the first seconds of a track and resamples them to 48 kHz by soxr at the highest
/// precision.
pub(crate) fn resampled(path: &Path, track: u64, seconds: u32) -> Vec<f32> {
    let seconds = seconds.to_string();
    let options = ["-af", "aresample=48000:resampler=soxr:precision=33", "-t", &seconds];
    let ffmpeg = start(path, track, &options);
    let bytes = ffmpeg.wait_with_output().unwrap().stdout;
    let mut stream = &bytes[..];
    header(&mut stream);
    let samples = stream.chunks_exact(4);
    samples.map(|sample| f32::from_be_bytes(sample.try_into().unwrap())).collect()
}

fn start(path: &Path, track: u64, options: &[&str]) -> Child {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "quiet", "-i"]).arg(path);
    command.args(["-map", &format!("0:a:{}", track - 1)]).args(options);
    command.args(["-c:a", "pcm_f32be", "-f", "au", "-"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Returns the rate and the number of channels in an AU header.
fn header(stream: &mut impl Read) -> Option<(u32, u32)> {
    let mut word = || {
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    let [_magic, len, _size, _encoding, rate, channels] =
        [word()?, word()?, word()?, word()?, word()?, word()?];
    // Text follows.
    (6..len / 4).try_for_each(|_| word().map(drop))?;
    Some((rate, channels))
}
