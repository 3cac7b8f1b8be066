//! The time to encode, compared with opusenc and ffmpeg.

use std::{
    fs,
    hint::black_box,
    process::Command,
    time::{Duration, Instant},
};

use crate::audio::{encode, options, recordings};

const BITS: u32 = 160_000;
const SECONDS: usize = 212;

pub(crate) fn measure() {
    let (_, music) = recordings().swap_remove(1);
    let samples: Vec<f32> = music.into_iter().cycle().take(48_000 * SECONDS).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (raw, wav) = (path("it.raw"), path("it.wav"));
    fs::write(&raw, samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<_>>())
        .unwrap();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "f32le", "-ar", "48000", "-ac", "1", "-i"]).arg(&raw);
    run(command.args(["-c:a", "pcm_s16le"]).arg(&wav));

    let mut opusenc = Command::new("opusenc");
    opusenc.args(["--quiet", "--bitrate", "160"]).arg(&wav).arg(path("opusenc.opus"));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-i"]).arg(&wav);
    ffmpeg.args(["-c:a", "libopus", "-b:a", "160k"]).arg(path("ffmpeg.opus"));
    let options = options(BITS);
    let ours = |threads| drop(black_box(encode(&samples, &options, threads)));
    // All in turn; the best of all rounds counts.
    let mut best = [Duration::MAX; 4];
    for _ in 0..ROUNDS {
        let mut next = best.iter_mut();
        let mut time = |run: &mut dyn FnMut()| {
            let start = Instant::now();
            run();
            let best = next.next().unwrap();
            *best = start.elapsed().min(*best);
        };
        time(&mut || ours(1));
        time(&mut || ours(2));
        time(&mut || run(&mut opusenc));
        time(&mut || run(&mut ffmpeg));
    }
    for (name, best) in ["one thread", "two threads", "opusenc", "ffmpeg"].into_iter().zip(best) {
        println!("| {name} | {best:.2?} | {:.0} |", SECONDS as f64 / best.as_secs_f64());
    }
}

const ROUNDS: usize = 7;

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}
