//! Files of known samples keep their length, with every sample at its place.

use std::{fs, path::Path};

use opus_transcode::{AudioInput, ErrorKind, Finding};

use crate::audio::{ffmpeg_decodes, has_ffmpeg, lag, make, read_all, say_skipped, snr, tone};

/// A kind of file.
struct Kind {
    name: &'static str,
    options: &'static [&'static str],
    /// Frames after the source that the file does not mark as padding; `None` if it marks all.
    after: Option<usize>,
    min_snr: f64,
}

const fn kind(name: &'static str, options: &'static [&'static str], min_snr: f64) -> Kind {
    Kind { name, options, after: None, min_snr }
}

const LOSSLESS: f64 = f64::INFINITY;

/// Everything that ffmpeg can write and this crate reads.
const KINDS: [Kind; 29] = [
    kind("float.wav", &["-c:a", "pcm_f32le"], LOSSLESS),
    // ffmpeg counts the whole last block in the "fact" chunk.
    Kind { after: Some(2048), ..kind("ima.wav", &["-c:a", "adpcm_ima_wav"], 15.0) },
    Kind { after: Some(2048), ..kind("ms.wav", &["-c:a", "adpcm_ms"], 15.0) },
    kind("s16.aiff", &["-c:a", "pcm_s16be"], 80.0),
    kind("f32.aif", &["-c:a", "pcm_f32be", "-f", "aiff"], LOSSLESS),
    kind("s24.caf", &["-c:a", "pcm_s24le"], 120.0),
    kind("law.caf", &["-c:a", "pcm_alaw"], 30.0),
    kind("alac.caf", &["-c:a", "alac", "-sample_fmt", "s16p"], 80.0),
    kind("s24.flac", &["-c:a", "flac", "-sample_fmt", "s32"], 120.0),
    kind("flac.oga", &["-c:a", "flac", "-sample_fmt", "s16"], 80.0),
    kind("vorbis.ogg", &["-c:a", "libvorbis", "-q:a", "8"], 20.0),
    kind("lame.mp3", &["-c:a", "libmp3lame", "-b:a", "192k"], 25.0),
    kind("vbr.mp3", &["-c:a", "libmp3lame", "-q:a", "2"], 25.0),
    kind("aac.m4a", &["-c:a", "aac", "-b:a", "192k"], 25.0),
    kind("fast.m4a", &["-c:a", "aac", "-b:a", "192k", "-movflags", "+faststart"], 25.0),
    kind("alac.m4a", &["-c:a", "alac", "-sample_fmt", "s16p"], 80.0),
    kind("flac.mp4", &["-c:a", "flac", "-sample_fmt", "s16", "-strict", "-2"], 80.0),
    kind("lame.mp4", &["-c:a", "libmp3lame", "-b:a", "192k"], 25.0),
    kind("pcm.mov", &["-c:a", "pcm_s16le"], 80.0),
    kind("pcm.mka", &["-c:a", "pcm_s16le"], 80.0),
    kind("flac.mka", &["-c:a", "flac", "-sample_fmt", "s16"], 80.0),
    kind("alac.mka", &["-c:a", "alac", "-sample_fmt", "s16p"], 80.0),
    // ffmpeg writes no DiscardPadding.
    Kind { after: Some(1024), ..kind("vorbis.webm", &["-c:a", "libvorbis", "-q:a", "8"], 20.0) },
    Kind { after: Some(1024), ..kind("aac.mka", &["-c:a", "aac", "-b:a", "192k"], 25.0) },
    Kind { after: Some(2304), ..kind("lame.mka", &["-c:a", "libmp3lame", "-b:a", "192k"], 25.0) },
    Kind { after: Some(1024), ..kind("adts.aac", &["-c:a", "aac", "-b:a", "192k"], 25.0) },
    kind(
        "frag.mp4",
        &["-c:a", "aac", "-b:a", "192k", "-movflags", "+frag_keyframe+empty_moov+delay_moov"],
        25.0,
    ),
    Kind {
        after: Some(2304),
        ..kind("bare.mp3", &["-c:a", "libmp3lame", "-b:a", "192k", "-write_xing", "0"], 25.0)
    },
    Kind { after: Some(2304), ..kind("lame.wav", &["-c:a", "libmp3lame", "-b:a", "192k"], 25.0) },
];

#[test]
fn lengths_and_places_are_exact() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (rate, channels, frames) in [(44_100, 2, 100_003), (48_000, 1, 48_000), (32_000, 1, 5_000)]
    {
        let source = tone(rate, channels, frames);
        for kind in &KINDS {
            let path = make(folder.path(), &source, rate, channels, kind.name, kind.options);
            let mut input = match AudioInput::open(&path, 0) {
                Ok(input) => input,
                Err(error) => {
                    wrong.push(format!("{} {rate}: {error}", kind.name));
                    continue;
                }
            };
            let read = read_all(&mut input).unwrap();
            let stated = input.frames();
            let (found, format) = (read.len() / channels, input.format());
            let after = found.checked_sub(frames);
            let is_long = after.is_some_and(|after| after <= kind.after.unwrap_or(0));
            let lag = lag(&read, &source, channels);
            let snr = snr(&read, &source, 0);
            let is_stated = stated.is_none_or(|stated| stated == u64::try_from(found).unwrap());
            let is_same = (format.rate, format.channels) == (rate, channels);
            if !(is_long && is_stated && is_same && lag == Some(0) && snr >= kind.min_snr) {
                wrong.push(format!(
                    "{} {rate} {channels}: {found} of {frames} (stated {stated:?}), lag {lag:?}, {snr:.1} dB, {:?}",
                    kind.name, input.findings()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Takes the name of its encoder from a file, and states the delay in Matroska, as later versions of
/// ffmpeg do, in the place of the language.
fn without_name(path: &Path, states_delay: bool) {
    const LANGUAGE: &[u8] = b"\x22\xb5\x9c\x83und";
    let nanoseconds = 1105 * 1_000_000_000_u64 / 44_100;
    let delay = [b"\x56\xaa\x84", &u32::try_from(nanoseconds).unwrap().to_be_bytes()[..]].concat();
    let mut file = fs::read(path).unwrap();
    for at in 0..file.len() - LANGUAGE.len() {
        if file[at..].starts_with(b"LAME") {
            file[at..at + 4].copy_from_slice(b"NAME");
        } else if states_delay && file[at..].starts_with(LANGUAGE) {
            file[at..at + delay.len()].copy_from_slice(&delay);
        }
    }
    fs::write(path, file).unwrap();
}

#[test]
fn mp3_of_an_unknown_encoder_starts_where_matroska_says_or_at_the_least_delay() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let source = tone(44_100, 1, 60_000);
    let options = ["-c:a", "libmp3lame", "-b:a", "192k", "-write_xing", "0"];
    for (name, options, states_delay, late) in [
        ("x.mka", &options[..4], true, 0),
        ("x.mka", &options[..4], false, 1105 - 1057),
        ("x.mp3", &options, false, 1105 - 1057),
    ] {
        let path = make(folder.path(), &source, 44_100, 1, name, options);
        without_name(&path, states_delay);
        let mut input = AudioInput::open(&path, 0).unwrap();
        let samples = read_all(&mut input).unwrap();
        assert_eq!(lag(&samples, &source, 1), Some(late), "{name}");
        let is_assumed =
            input.findings().iter().any(|one| matches!(one, Finding::AssumedDelay { .. }));
        assert_eq!(is_assumed, !states_delay, "{name}: {:?}", input.findings());
    }
}

#[test]
fn he_aac_is_refused_by_name() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = make(folder.path(), &tone(44_100, 1, 20_000), 44_100, 1, "x.m4a", &["-c:a", "aac"]);
    let mut file = fs::read(&path).unwrap();
    // ISO/IEC 14496-3, 1.6.2.1: the extension for SBR, here with its flag set.
    let at = file.windows(3).position(|three| three == [0x56, 0xe5, 0]).unwrap();
    file[at + 2] = 0x80;
    fs::write(&path, file).unwrap();
    let error = AudioInput::open(&path, 0).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().starts_with("cannot decode HE-AAC ("), "{error}");
    assert!(error.may_be_known_to_ffmpeg());
}

#[test]
fn alac_of_libsndfile_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/alac-libsndfile.caf");
    let mut input = AudioInput::open(&path, 0).unwrap();
    let samples = read_all(&mut input).unwrap();
    assert_eq!((samples.len(), input.findings()), (2000, &[][..]));
    if has_ffmpeg() {
        assert_eq!(samples, ffmpeg_decodes(&path));
    }
}

/// symphonia does not read these at all if they break off.
const UNFINISHED: [&str; 3] = ["alac.caf", "s16.aiff", "f32.aif"];

#[test]
fn a_file_that_was_cut_off_is_read_to_its_end() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let source = tone(44_100, 1, 200_000);
    for kind in KINDS.iter().filter(|kind| !UNFINISHED.contains(&kind.name)) {
        let is_matroska = kind.name.ends_with("mka") || kind.name.ends_with("webm");
        if is_matroska
            || kind.name.ends_with("m4a") && kind.name != "fast.m4a"
            || kind.name.ends_with("mov")
        {
            // These need their end to find the packets.
            continue;
        }
        let path = make(folder.path(), &source, 44_100, 1, kind.name, kind.options);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let mut input = match AudioInput::open(&path, 0) {
            Ok(input) => input,
            Err(error) if kind.name.ends_with("mp4") => {
                assert_eq!(error.kind(), ErrorKind::Malformed, "{}: {error}", kind.name);
                assert!(format!("{error:?}").contains("end of file"), "{}: {error:?}", kind.name);
                continue;
            }
            Err(error) => panic!("{}: {error}", kind.name),
        };
        let read = read_all(&mut input).unwrap();
        assert!((40_000..140_000).contains(&read.len()), "{}: {}", kind.name, read.len());
        assert_eq!(lag(&read[..40_000], &source[..40_000], 1), Some(0), "{}", kind.name);
        assert!(
            snr(&read[..40_000], &source[..40_000], 0) >= kind.min_snr.min(100.0),
            "{}",
            kind.name
        );
        let is_reported =
            input.findings().iter().any(|one| matches!(one, Finding::Truncated { .. }));
        // MPEG audio has no end that could be missing, and Ogg and Matroska need not state theirs.
        assert!(is_reported || input.frames().is_none(), "{}", kind.name);
    }
}

#[test]
fn damage_in_the_middle_shifts_nothing() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let source = tone(44_100, 1, 200_000);
    // Not Ogg and MP3, where symphonia does not report what it skips, nor Matroska, where it does not
    // find the next packet.
    let names = ["s24.flac", "fast.m4a", "alac.m4a"];
    for kind in KINDS.iter().filter(|kind| names.contains(&kind.name)) {
        let path = make(folder.path(), &source, 44_100, 1, kind.name, kind.options);
        let mut damaged = fs::read(&path).unwrap();
        let middle = damaged.len() / 2;
        for byte in &mut damaged[middle..middle + 3000] {
            *byte = byte.wrapping_mul(167).wrapping_add(13);
        }
        fs::write(&path, damaged).unwrap();
        let mut input = AudioInput::open(&path, 0).unwrap();
        let read = read_all(&mut input).unwrap();
        assert_eq!(read.len(), source.len(), "{}: {:?}", kind.name, input.findings());
        let end = source.len() - 30_000;
        assert!(snr(&read[end..], &source[end..], 0) >= kind.min_snr.min(100.0), "{}", kind.name);
        assert!(!input.findings().is_empty(), "{}", kind.name);
    }
}
