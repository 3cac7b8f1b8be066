//! Compares every WAVE and AIFF file of the corpus with ffmpeg and hound.

use std::{
    env,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
};

use wave_demux::{Encoding, Error, ErrorKind, Format, WaveReader};

/// ffmpeg 5.1 decodes every file that we read to the same bits.
#[test]
fn every_file_has_the_samples_that_ffmpeg_decodes() {
    let mut refused = vec![];
    for path in corpus().unwrap_or_default() {
        match read(&path) {
            Ok((_, ours)) => {
                let Some(theirs) = ffmpeg(&path) else { return skip("no ffmpeg") };
                assert_eq!(ours.len(), theirs.len(), "{}", path.display());
                let is_same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits();
                assert!(ours.iter().zip(&theirs).all(is_same), "{}", path.display());
            }
            Err(error) if error.kind() == ErrorKind::UnsupportedEncoding => refused.push(path),
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }
    assert!(refused.iter().all(|path| path.ends_with("mpeglayer3.wav")), "{refused:?}");
}

/// A second opinion on the plain files.
#[test]
fn every_file_that_hound_reads_has_the_same_samples() {
    let Some(paths) = corpus() else { return };
    let both = paths.iter().filter_map(|path| {
        let (format, ours) = read(path).ok()?;
        Some((path, ours, hound(path, &format)?))
    });
    let compared = both.map(|(path, ours, theirs)| assert!(ours == theirs, "{}", path.display()));
    assert!(compared.count() > 60);
}

fn read(path: &Path) -> Result<(Format, Vec<f32>), Error> {
    let mut reader = WaveReader::new(File::open(path).unwrap())?;
    let format = reader.format();
    let frames = usize::try_from(reader.frames()).unwrap();
    let mut samples = vec![0.0; frames * usize::from(format.channels)];
    assert_eq!(reader.read_samples(&mut samples)?.len(), frames * usize::from(format.channels));
    Ok((format, samples))
}

fn ffmpeg(path: &Path) -> Option<Vec<f32>> {
    let output = Command::new("ffmpeg")
        .args(["-v", "quiet", "-i"])
        .arg(path)
        .args(["-map", "0:a", "-c:a", "pcm_f32le", "-f", "f32le", "-"])
        .output()
        .ok()?;
    let samples = output.stdout.chunks_exact(4);
    Some(samples.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect())
}

/// Returns the samples that hound reads; `None` if it refuses the file or has too few bits.
fn hound(path: &Path, format: &Format) -> Option<Vec<f32>> {
    let mut reader = hound::WavReader::open(path).ok()?;
    match (format.encoding, reader.spec().bits_per_sample) {
        (Encoding::F32, _) => reader.samples().collect::<Result<_, _>>().ok(),
        // hound keeps all 32 bits, while ours are rounded.
        (Encoding::I32, _) => None,
        (_, bits) => {
            let scale = 2f32.powi(1 - i32::from(bits));
            let samples = reader.samples::<i32>().collect::<Result<Vec<_>, _>>().ok()?;
            // At most 24 bits.
            let value = |sample: i32| {
                let [low, middle, high, top] = sample.to_le_bytes();
                let high = f32::from(i16::from_le_bytes([high, top])) * 65_536.0;
                (high + f32::from(u16::from_le_bytes([low, middle]))) * scale
            };
            Some(samples.into_iter().map(value).collect())
        }
    }
}

/// Returns the WAVE and AIFF files in the manifest; `None` without a corpus.
fn corpus() -> Option<Vec<PathBuf>> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let root = env::var_os("OPUS_ZARR_CORPUS").map_or(default, PathBuf::from);
    let Ok(manifest) = fs::read_to_string(root.join("MANIFEST.tsv")) else {
        assert!(env::var_os("OPUS_ZARR_CORPUS").is_none(), "no manifest in {}", root.display());
        skip("no corpus of real recordings");
        return None;
    };
    let rows = manifest.lines().map(|row| row.split('\t').collect::<Vec<_>>());
    let ours = rows.filter(|fields| matches!(fields[1], "wav" | "w64" | "aiff"));
    Some(ours.map(|fields| root.join(fields[0])).collect())
}

fn skip(why: &str) {
    // The test harness would swallow `eprintln!` when a test passes.
    let _ = writeln!(io::stderr(), "SKIPPED: {why}");
}
