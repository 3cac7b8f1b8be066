//! Live Matroska, and edit lists and fragments of MP4.

use std::{fs, io::Cursor, path::Path, process::Command};

use opus_transcode::{AudioInput, Finding};

use crate::audio::{has_ffmpeg, lag, make, read_all, say_skipped, tone};

fn read(file: Vec<u8>) -> (Vec<f32>, Vec<Finding>) {
    let mut input = AudioInput::new(Cursor::new(file), 0).unwrap();
    let samples = read_all(&mut input).unwrap();
    (samples, input.findings().to_vec())
}

fn is_truncated(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| matches!(finding, Finding::Truncated { .. }))
}

const RATE: u32 = 48_000;
const FRAMES: usize = 48_000;

/// Replaces the unknown sizes of 8 bytes by shorter ones.
fn with_unknown_sizes(file: &[u8], len: u32) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), file);
    let size = [1, 255, 255, 255, 255, 255, 255, 255];
    let all = (1_u64 << (7 * len + 1)) - 1;
    while let Some(at) = rest.windows(8).position(|eight| eight == size) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&all.to_be_bytes()[8 - usize::try_from(len).unwrap()..]);
        rest = &rest[at + 8..];
    }
    [out, rest.to_vec()].concat()
}

#[test]
fn a_live_file_is_complete_unless_it_ends_inside_an_element() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let source = tone(RATE, 1, FRAMES);
    for (codec, is_exact) in
        [("flac", true), ("pcm_s16le", true), ("alac", true), ("aac", false), ("libvorbis", false)]
    {
        let options = ["-c:a", codec, "-live", "1", "-f", "matroska"];
        let live = fs::read(make(folder.path(), &source, RATE, 1, "live.mka", &options)).unwrap();
        assert!(live.windows(5).any(|five| five == [0x18, 0x53, 0x80, 0x67, 1]), "{codec}");
        for len in 1..=8 {
            let file = with_unknown_sizes(&live, len);
            let (samples, findings) = read(file.clone());
            assert!(!is_truncated(&findings), "{codec} {len}: {findings:?}");
            assert!(samples.len() == FRAMES || !is_exact, "{codec} {len}: {}", samples.len());
            for cut in [1, 2, 60] {
                let (samples, findings) = read(file[..file.len() - cut].to_vec());
                assert!(is_truncated(&findings), "{codec} {len} cut by {cut}: {findings:?}");
                assert!(samples.len() + 6000 > FRAMES, "{codec} {len} cut by {cut}");
            }
        }
    }
}

#[test]
fn an_unusable_track_does_not_cost_the_others() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let source = tone(RATE, 1, FRAMES);
    for (codec, head) in [("flac", &b"fLaC"[..]), ("libvorbis", b"\x01vorbis")] {
        let options = ["-map", "0", "-map", "0", "-c:a", codec];
        let file = fs::read(make(folder.path(), &source, RATE, 1, "two.mka", &options)).unwrap();
        let all = |file: &[u8]| -> Vec<usize> {
            (0..file.len()).filter(|at| file[*at..].starts_with(head)).collect()
        };
        let heads = all(&file);
        assert_eq!(heads.len(), 2, "{codec}");
        let open = |file: &[u8], track| AudioInput::new(Cursor::new(file.to_vec()), track);
        let whole = read_all(&mut open(&file, 0).unwrap()).unwrap();
        for (place, number) in [(0, 1), (1, 2)] {
            let mut bad = file.clone();
            bad[heads[place]..heads[place] + 4].copy_from_slice(b"none");
            let mut input = open(&bad, 0).unwrap();
            assert_eq!(input.format().tracks, 1);
            assert!(read_all(&mut input).unwrap() == whole, "{codec} {place}");
            assert_eq!(input.findings(), [Finding::UnusableTrack { number }]);
            bad[heads[1 - place]..heads[1 - place] + 4].copy_from_slice(b"none");
            assert!(open(&bad, 0).is_err());
        }
    }
}

/// Runs ffmpeg with a silent video before the audio, which begins two seconds later.
fn delayed(folder: &Path, name: &str, codec: &[&str]) -> Vec<u8> {
    let path = folder.join(name);
    let wav = make(folder, &tone(RATE, 1, FRAMES), RATE, 1, "source.wav", &["-c:a", "pcm_f32le"]);
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", "color=s=16x16:r=5:d=4"])
        .args(["-itsoffset", "2", "-i"])
        .arg(wav)
        .args(["-c:v", "mpeg4", "-strict", "-2", "-map", "0:v", "-map", "1:a"])
        .args(codec)
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success());
    fs::read(path).unwrap()
}

#[test]
fn a_delayed_track_plays_no_priming() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, codec, priming) in [
        ("a.mp4", &["-c:a", "aac", "-b:a", "192k"][..], 1024),
        ("a.mov", &["-c:a", "aac", "-b:a", "192k"], 1024),
        ("b.mp4", &["-c:a", "alac"], 0),
        ("c.mp4", &["-c:a", "flac"], 0),
        ("d.mov", &["-c:a", "pcm_s24be"], 0),
        ("f.mp4", &["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov+delay_moov"], 1024),
    ] {
        let (samples, findings) = read(delayed(folder.path(), name, codec));
        let shift = lag(&samples, &tone(RATE, 1, FRAMES), 1);
        assert_eq!((samples.len(), shift), (FRAMES, Some(0)), "{name} {codec:?}: {findings:?}");
        let delays: Vec<_> = findings
            .iter()
            .filter_map(
                |found| if let Finding::Delayed { frames } = found { Some(*frames) } else { None },
            )
            .collect();
        assert!(delays.len() == 1 && (delays[0] + priming).abs_diff(96_000) <= 48, "{findings:?}");
    }
}

/// AAC of ffmpeg after an empty edit of 1,978 ms.
#[test]
fn a_delayed_file_has_the_length_of_its_source() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/mp4");
    let (samples, findings) = read(fs::read(root.join("mp4-aac-delay2s.mp4")).unwrap());
    assert_eq!(samples.len(), 288_000);
    assert_eq!(findings[0], Finding::Delayed { frames: 94_944 });
}

fn boxed(kind: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let size = u32::try_from(contents.len() + 8).unwrap();
    [&size.to_be_bytes(), &kind[..], contents].concat()
}

/// Replaces the edit list of a file whose "moov" is last, in version 0 or 1. Each edit has a
/// duration in ms, a start in frames and a speed.
fn with_edits(file: &[u8], edits: &[(u32, i32, u32)], version: u8) -> Vec<u8> {
    let mut list = vec![version, 0, 0, 0];
    list.extend(u32::try_from(edits.len()).unwrap().to_be_bytes());
    for (duration, start, speed) in edits {
        if version == 1 {
            list.extend(u64::from(*duration).to_be_bytes());
            list.extend(i64::from(*start).to_be_bytes());
        } else {
            list.extend(duration.to_be_bytes());
            list.extend(start.to_be_bytes());
        }
        list.extend(speed.to_be_bytes());
    }
    let new = boxed(b"edts", &boxed(b"elst", &list));
    let find = |kind: &[u8]| file.windows(4).rposition(|four| four == kind).unwrap() - 4;
    let len_at = |at: usize| {
        usize::try_from(u32::from_be_bytes(file[at..at + 4].try_into().unwrap())).unwrap()
    };
    let at = find(b"edts");
    let mut out = [&file[..at], &new, &file[at + len_at(at)..]].concat();
    for parent in [b"moov", b"trak"] {
        let at = find(parent);
        let len = u32::try_from(len_at(at) + new.len() - len_at(find(b"edts"))).unwrap();
        out[at..at + 4].copy_from_slice(&len.to_be_bytes());
    }
    out
}

const SPEED: u32 = 0x1_0000;

#[test]
fn edits_apply_to_every_codec() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let source = tone(RATE, 1, FRAMES);
    for (name, codec) in
        [("a.mp4", "aac"), ("b.mp4", "alac"), ("c.mp4", "flac"), ("d.mov", "pcm_s24be")]
    {
        let options = ["-c:a", codec, "-strict", "-2"];
        let file = fs::read(make(folder.path(), &source, RATE, 1, name, &options)).unwrap();
        let priming = if codec == "aac" { 1024 } else { 0 };
        for version in [0, 1] {
            let play = |edits: &[(u32, i32, u32)]| read(with_edits(&file, edits, version));
            let starts_at = |samples: &[f32], start: usize| {
                lag(samples, &source[start..start + samples.len()], 1) == Some(0)
            };
            // In the middle of a packet, for a while and to the end.
            for start in [5_000, 30_001_usize] {
                let media = i32::try_from(start).unwrap() + priming;
                let (samples, findings) = play(&[(250, media, SPEED)]);
                assert_eq!((samples.len(), findings), (12_000, vec![]), "{codec}");
                assert!(starts_at(&samples, start), "{codec} {start}");
                let (samples, _) = play(&[(0, media, SPEED)]);
                assert_eq!(samples.len(), FRAMES - start, "{codec}");
                assert!(starts_at(&samples, start), "{codec} {start}");
            }
            // Several pieces, adjacent or not.
            let (one, two) = (5_000 + priming, 5_000 + priming + 12_000);
            let (samples, findings) = play(&[(250, one, SPEED), (250, two, SPEED)]);
            assert_eq!((samples.len(), findings), (24_000, vec![]), "{codec}");
            let (samples, findings) = play(&[(250, one, SPEED), (250, two + 9_600, SPEED)]);
            assert_eq!(
                (samples.len(), findings),
                (33_600, vec![Finding::LeftOut { frames: 9_600 }])
            );
            for edits in [
                &[(250, two, SPEED), (250, one, SPEED)][..],
                &[(250, one, 2 * SPEED)],
                &[(250, one, SPEED), (250, one, SPEED)],
            ] {
                let (samples, findings) = play(edits);
                assert_eq!(findings, [Finding::EditList], "{codec}");
                assert!(samples.len() > 24_000, "{codec}");
            }
        }
    }
}

#[test]
fn fragments_without_an_edit_list_end_with_their_last_sample() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let source = tone(RATE, 1, FRAMES);
    for (name, codec) in
        [("a.mp4", "aac"), ("b.mp4", "alac"), ("c.mp4", "flac"), ("d.mov", "pcm_s16le")]
    {
        for flags in ["cmaf+frag_every_frame", "frag_keyframe+empty_moov", "frag_every_frame"] {
            let options =
                ["-c:a", codec, "-strict", "-2", "-movflags", flags, "-use_editlist", "0"];
            let file = fs::read(make(folder.path(), &source, RATE, 1, name, &options)).unwrap();
            assert!(!file.windows(4).any(|four| four == b"elst"));
            let (samples, findings) = read(file);
            assert_eq!(samples.len(), FRAMES, "{codec} {flags}: {findings:?}");
            assert_eq!(lag(&samples, &source, 1), Some(0), "{codec} {flags}");
        }
    }
}

#[test]
fn every_document_is_read_like_a_file_of_its_own() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let folder = tempfile::tempdir().unwrap();
    let all = |file: &[u8], track| {
        let mut input = AudioInput::new(Cursor::new(file.to_vec()), track).unwrap();
        let samples = read_all(&mut input).unwrap();
        (samples, input.format().clone(), input.findings().to_vec())
    };
    for codec in ["flac", "pcm_s24le", "alac", "aac", "libvorbis", "libmp3lame"] {
        for live in [&[][..], &["-live", "1"]] {
            let make = |frames, rate, name: &str| {
                let options = [&["-c:a", codec, "-f", "matroska"], live].concat();
                let path = make(folder.path(), &tone(rate, 1, frames), rate, 1, name, &options);
                fs::read(path).unwrap()
            };
            let (first, second) = (make(48_000, 48_000, "1.mka"), make(66_150, 44_100, "2.mka"));
            for (between, cut) in [(&b""[..], 0), (b"", 500), (b"junk", 0), (&[0; 300], 0)] {
                let first = &first[..first.len() - cut];
                let file = [first, between, &second, first].concat();
                let own = [first, &second, first].map(|one| all(one, 0));
                for (track, own) in own.into_iter().enumerate() {
                    let (samples, format, _) = all(&file, track);
                    assert!(
                        samples == own.0,
                        "{codec} {live:?} {between:?} {cut} track {track}: {} of {} samples",
                        samples.len(),
                        own.0.len()
                    );
                    assert_eq!((format.rate, format.tracks), (own.1.rate, 3));
                    assert_eq!(format.begins_with_file, track == 0);
                }
                assert!(AudioInput::new(Cursor::new(file), 3).is_err());
            }
        }
    }
}
