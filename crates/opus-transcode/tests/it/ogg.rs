//! Ogg files with several streams and links: each keeps its length, samples and place.

use std::{fs, io::Cursor};

use opus_transcode::{AudioInput, Finding};

use crate::audio::{has_ffmpeg, make, read_all, say_skipped, tone};

/// A file of `testdata/ogg`.
fn case(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/ogg/");
    fs::read(format!("{folder}{name}")).unwrap()
}

/// A recording of a file: rate, channels, samples and findings.
type Recording = (u32, usize, Vec<f32>, Vec<Finding>);

/// All recordings of a file.
fn all(file: &[u8]) -> Vec<Recording> {
    let read = |track| {
        let mut input = AudioInput::new(Cursor::new(file.to_vec()), track).unwrap();
        let samples = read_all(&mut input).unwrap();
        let (format, findings) = (input.format().clone(), input.findings().to_vec());
        (format.tracks, (format.rate, format.channels, samples, findings))
    };
    let (tracks, first) = read(0);
    let mut all = vec![first];
    for track in 1..tracks {
        let (same, next) = read(track);
        assert_eq!(same, tracks);
        all.push(next);
    }
    all
}

fn encoded(rate: u32, channels: usize, frames: usize, name: &str, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = make(folder.path(), &tone(rate, channels, frames), rate, channels, name, options);
    fs::read(path).unwrap()
}

/// The first stream of the file has the higher serial number.
#[test]
fn tracks_have_the_order_of_the_file() {
    let lengths: Vec<_> = all(&case("two-tracks-vorbis.ogg"))
        .into_iter()
        .map(|(_, channels, samples, findings)| (samples.len() / channels, findings))
        .collect();
    assert_eq!(lengths, [(96_000, vec![]), (192_000, vec![])]);
}

/// Links with other rates or channels are recordings of their own.
#[test]
fn every_link_of_a_chain_is_read() {
    if !has_ffmpeg() {
        return say_skipped("no ffmpeg");
    }
    for (name, options) in [("a.ogg", &["-c:a", "libvorbis"][..]), ("a.oga", &["-c:a", "flac"])] {
        let links =
            [(44_100, 1, 50_000), (48_000, 2, 30_000), (48_000, 1, 70_001), (8000, 1, 9000)];
        let links =
            links.map(|(rate, channels, frames)| encoded(rate, channels, frames, name, options));
        let alone: Vec<_> = links.iter().flat_map(|link| all(link)).collect();
        assert!(all(&links.concat()) == alone, "{name}");
        // Equal links stay one recording.
        let twice = [&links[0][..], &links[0], &links[1]].concat();
        let found = all(&twice);
        let (frames, length) = (alone[0].2.len(), found[0].2.len());
        assert_eq!((found.len(), length), (2, 2 * frames), "{name}");
        assert!(found[0].2.starts_with(&alone[0].2) && found[0].2.ends_with(&alone[0].2));
        assert_eq!(found[0].3, [Finding::Chained { frame: u64::try_from(frames).unwrap() }]);
        assert!(found[1] == alone[1]);
    }
}

/// A page of Opus in the middle of Vorbis, and a link at the end that cannot be read.
#[test]
fn streams_that_cannot_be_read_cost_no_other() {
    let vorbis = case("two-tracks-vorbis.ogg");
    let stray = case("stray-head-page.opus")[8944..8991].to_vec();
    let samples = |file: &[u8]| all(file).into_iter().map(|one| one.2).collect::<Vec<_>>();
    let expected = samples(&vorbis);
    let pages = page_starts(&vorbis);
    for place in &pages[4..] {
        let file = [&vorbis[..*place], &stray, &vorbis[*place..]].concat();
        let found = all(&file);
        assert_eq!(found[0].3, [Finding::Unread { offset: u64::try_from(*place).unwrap() }]);
        assert!(found.into_iter().map(|one| one.2).eq(expected.clone()), "byte {place}");
    }
    let file = [vorbis.clone(), stray].concat();
    let found = all(&file);
    assert_eq!(found[0].3, [Finding::Unread { offset: u64::try_from(vorbis.len()).unwrap() }]);
    assert!(found.into_iter().map(|one| one.2).eq(expected));
}

/// Where pages begin.
fn page_starts(file: &[u8]) -> Vec<usize> {
    (0..file.len()).filter(|&at| file[at..].starts_with(b"OggS\0")).collect()
}
