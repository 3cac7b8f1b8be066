//! After lost or damaged Ogg pages, audio stays at its place. Matroska that was cut off or damaged
//! is read as far as possible.

use std::{fs, io::Cursor, ops::Range};

use opus_transcode::{AudioInput, Finding};

use crate::audio::{has_ffmpeg, make, read_all, say_skipped, snr, tone};

const FRAMES: usize = 4 * 44_100;

/// Returns the byte range of each page.
fn pages(file: &[u8]) -> Vec<Range<usize>> {
    let (mut pages, mut at) = (Vec::new(), 0);
    while at + 27 <= file.len() {
        let segments = usize::from(file[at + 26]);
        let body: usize = file[at + 27..at + 27 + segments].iter().copied().map(usize::from).sum();
        let end = at + 27 + segments + body;
        pages.push(at..end);
        at = end;
    }
    pages
}

fn read(file: Vec<u8>) -> (Vec<f32>, Vec<Finding>) {
    let mut input = AudioInput::new(Cursor::new(file), 0).unwrap();
    let samples = read_all(&mut input).unwrap();
    (samples, input.findings().to_vec())
}

fn ogg(name: &str, options: &[&str]) -> (Vec<f32>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let source = tone(44_100, 1, FRAMES);
    let path = make(folder.path(), &source, 44_100, 1, name, options);
    (source, fs::read(path).unwrap())
}

#[test]
fn lost_pages_of_ogg_flac_become_silence() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let (_, file) =
        ogg("a.oga", &["-c:a", "flac", "-sample_fmt", "s16", "-page_duration", "200000"]);
    let (whole, findings) = read(file.clone());
    assert_eq!((whole.len(), findings), (FRAMES, vec![]));
    let pages = pages(&file);
    let audio = 2..pages.len() - 1;
    assert!(audio.len() > 8, "{}", audio.len());
    for lost in [3..4, 3..5, 6..9] {
        let bytes = pages[lost.start].start..pages[lost.end - 1].end;
        let mut without = file.clone();
        without.drain(bytes.clone());
        let mut damaged = file.clone();
        for page in &pages[lost.clone()] {
            damaged[page.end - 5] ^= 0x55;
        }
        for bad in [without, damaged] {
            let (read, findings) = read(bad);
            assert_eq!(read.len(), FRAMES, "{lost:?}: {findings:?}");
            let [Finding::Gap { frame, frames }] = findings[..] else { panic!("{findings:?}") };
            let gap = usize::try_from(frame).unwrap()..usize::try_from(frame + frames).unwrap();
            assert!(read[gap.clone()].iter().all(|sample| *sample == 0.0));
            assert!(read[..gap.start] == whole[..gap.start], "{lost:?}");
            assert!(read[gap.end..] == whole[gap.end..], "{lost:?}");
        }
    }
}

#[test]
fn after_lost_pages_of_ogg_vorbis_time_is_right_again() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let (_, file) = ogg("a.ogg", &["-c:a", "libvorbis", "-page_duration", "200000"]);
    let (whole, findings) = read(file.clone());
    assert_eq!((whole.len(), findings), (FRAMES, vec![]));
    let pages = pages(&file);
    for lost in [4..5, 6..9] {
        let mut without = file.clone();
        without.drain(pages[lost.start].start..pages[lost.end - 1].end);
        let (read, findings) = read(without);
        assert_eq!(read.len(), FRAMES, "{lost:?}: {findings:?}");
        let end = FRAMES - 20_000;
        assert!(matches!(findings[..], [Finding::Gap { .. }]), "{findings:?}");
        assert!(snr(&read[end..], &whole[end..], 0) > 60.0);
    }
}

const MATROSKA: [(&str, &[&str]); 3] = [
    ("a.mkv", &["-c:a", "flac", "-sample_fmt", "s16"]),
    ("a.webm", &["-c:a", "libvorbis"]),
    ("a.mka", &["-c:a", "pcm_s16le"]),
];

#[test]
fn matroska_that_was_cut_off_is_read_to_its_end() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    for (name, options) in MATROSKA {
        let (_, file) = ogg(name, options);
        let (whole, _) = read(file.clone());
        for part in [5, 9] {
            let (read, findings) = read(file[..file.len() * part / 10].to_vec());
            // In WebM the headers take much of the file.
            let least = whole.len() * (part - 4) / 10;
            assert!(read.len() > least, "{name}: {} {least}", read.len());
            assert!(read[..] == whole[..read.len()], "{name}");
            let is_cut = matches!(findings.last(), Some(Finding::Truncated { .. }));
            assert!(is_cut, "{name}: {findings:?}");
        }
    }
}

#[test]
fn damaged_matroska_is_read_up_to_the_damage_with_a_finding() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    for (name, options) in MATROSKA {
        let (_, mut file) = ogg(name, options);
        let (whole, _) = read(file.clone());
        let middle = file.len() / 2;
        file[middle..middle + 3000].fill(0x5a);
        let (read, findings) = read(file);
        assert!(read.len() > whole.len() / 5, "{name}: {}", read.len());
        let is_short = matches!(findings.last(), Some(Finding::Truncated { stated: Some(_), .. }));
        assert!(is_short, "{name}: {findings:?}");
    }
}

#[test]
fn nested_chapters_before_the_audio_are_harmless() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    let (_, file) = ogg("a.flac", &["-c:a", "flac"]);
    let chapters = (0..3000).fold(Vec::<u8>::new(), |inner, _| {
        let size = u32::try_from(inner.len() + 18).unwrap();
        [b"CHAP", size.to_be_bytes().as_slice(), b"\0\x001\0", &[0; 16], &inner].concat()
    });
    let size = u32::try_from(chapters.len()).unwrap();
    let size = [21, 14, 7, 0].map(|shift| u8::try_from(size >> shift & 0x7f).unwrap());
    let tagged = [b"ID3\x03\0\0", size.as_slice(), &chapters, &file].concat();
    assert!(read(tagged) == read(file));
}
